// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import org.jspecify.annotations.Nullable;

/** What the two ends of a link say to each other on the control connection. */
public sealed interface LinkMessage {
    /** The reason of a close by a rank that leaves by its own will: nobody is to blame. */
    String LEFT = "left";

    GroupName group();

    /** Rank that the message is for. */
    int to();

    /** Rank that the message is from. */
    int from();

    /**
     * The writer opens the link.
     *
     * @param entry the writer's own signed entry: the waiter needs no push from the store
     * @param waiter the life that the writer believes to be at the other end
     * @param attempt strictly increasing per pair of lives
     * @param slot where the waiter writes as it accepts
     * @param answer the writer's policy
     */
    record Open(RankEntry entry, Member waiter, int attempt, long nonce, WarmupSlot slot, WarmupAnswer answer)
            implements LinkMessage {
        @Override
        public GroupName group() {
            return entry.group();
        }

        @Override
        public int to() {
            return waiter.rank();
        }

        @Override
        public int from() {
            return entry.member().rank();
        }
    }

    /** The waiter accepts; its slot has been cleared. */
    record Accept(GroupName group, PairId pair, WarmupSlot slot, WarmupAnswer answer) implements LinkMessage {
        @Override
        public int to() {
            return pair.writer().rank();
        }

        @Override
        public int from() {
            return pair.waiter().rank();
        }
    }

    /**
     * The waiter does not accept.
     *
     * @param writer the life that had asked
     * @param code whether trying again can help
     * @param current the member that holds the waiter's seat in that process, if any
     */
    record Refuse(
            GroupName group,
            Member writer,
            int from,
            int attempt,
            Code code,
            String reason,
            @Nullable Member current) implements LinkMessage {
        /**
         * Whether trying again can help, and what has failed: RETRY, the handshake; STALLED, the warmup of an earlier
         * attempt, whose write has not ended; FINAL, what no retry can mend. The order is the wire's: append only.
         */
        public enum Code {
            RETRY,
            FINAL,
            STALLED
        }

        @Override
        public int to() {
            return writer.rank();
        }
    }

    /** Either end has left CONNECTED, or has given up the attempt. */
    record Close(GroupName group, int from, int to, PairId pair, String reason) implements LinkMessage {}
}
