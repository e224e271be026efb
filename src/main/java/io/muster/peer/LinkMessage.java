// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import org.jspecify.annotations.Nullable;

/** A message between the two ends of a link, sent on the control connection. */
public sealed interface LinkMessage {
    /** Reason of a close by a rank that leaves by itself. No process is blamed for it. */
    String LEFT = "left";

    GroupName group();

    /** Rank that the message is for. */
    int to();

    /** Rank that the message is from. */
    int from();

    /**
     * The writer opens the link.
     *
     * @param entry the writer's own signed entry, so that the waiter need not wait for a notification of the store
     * @param waiter the life that the writer expects at the other end
     * @param attempt strictly increasing per pair of lives
     * @param slot the memory that the waiter writes into when it accepts
     * @param answer the answer of the writer's policy
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
     * @param writer the life that sent the link-open
     * @param code whether another attempt can help
     * @param current the member that holds the waiter's seat in that process, null if there is none
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
         * Whether another attempt can help, and what failed. RETRY: the handshake. STALLED: the warmup of an earlier
         * attempt, whose write has not ended. FINAL: no retry can help. The order is that of the wire: append only.
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
