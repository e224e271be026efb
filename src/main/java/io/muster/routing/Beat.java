// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.GroupSecret;
import io.muster.peer.PairId;
import io.muster.segment.EpochRecord;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The payload of a liveness answer: for each group the greatest epoch that the sender has seen, and the pairs that it
 * holds over this channel. The receiver uses it to notice a missed epoch, and a link that only its own end still holds.
 */
public record Beat(List<GroupBeat> groups) {
    private static final int MAX_GROUPS = 4096;
    private static final int MAX_PAIRS = 65_536;

    /**
     * The part of one group.
     *
     * @param state null if no epoch has been seen
     * @param pairs a 64-bit mix of each pair that the sender holds
     * @param signature over all of it where the group has a secret, empty where it has none
     */
    public record GroupBeat(
            String group, long epoch, EpochRecord.@Nullable State state, Set<Long> pairs, byte[] signature) {
        private static final byte[] UNSIGNED = {};

        public GroupBeat {
            pairs = Set.copyOf(pairs);
        }

        public GroupBeat(String group, long epoch, EpochRecord.@Nullable State state, Set<Long> pairs) {
            this(group, epoch, state, pairs, UNSIGNED);
        }

        public GroupBeat signed(byte[] by) {
            return new GroupBeat(group, epoch, state, pairs, by);
        }

        /** The signed bytes: all other fields, in canonical order. */
        public byte[] statement() {
            var out = new CanonicalWriter();
            write(out);
            return out.toByteArray();
        }

        private void write(CanonicalWriter out) {
            out.text(group)
                    .i64(epoch)
                    .u8(state == null ? 0 : state.ordinal() + 1)
                    .i32(pairs.size());
            pairs.stream().sorted().forEach(out::i64);
        }
    }

    public Beat {
        groups = List.copyOf(groups);
    }

    /** A hash that distinguishes pairs; it is not cryptographic. */
    public static long mix(PairId pair) {
        long mixed = pair.writerNonce() * 0x9E3779B97F4A7C15L
                ^ Long.rotateLeft(pair.waiterNonce() * 0xC2B2AE3D27D4EB4FL, 31);
        mixed ^= ((long) pair.writer().rank() << 32 | pair.waiter().rank()) * 0x165667B19E3779F9L;
        return mixed ^ pair.attempt() * 0x27D4EB2F165667C5L;
    }

    public Buffer encode() {
        var out = new CanonicalWriter().i32(groups.size());
        for (GroupBeat group : groups) {
            group.write(out);
            out.bytes(group.signature());
        }
        return Buffer.buffer(out.toByteArray());
    }

    public static Decoded<Beat> decode(Buffer payload) {
        try {
            var in = new CanonicalReader(payload.getBytes());
            List<GroupBeat> groups = new ArrayList<>();
            for (int left = in.bounded("groups", MAX_GROUPS); left > 0; left--) {
                String name = in.text("group", 64);
                long epoch = in.i64("epoch");
                int state = in.u8("state");
                if (state > EpochRecord.State.values().length) {
                    throw new MalformedException("state: " + state);
                }
                Set<Long> pairs = new HashSet<>();
                for (int more = in.bounded("pairs", MAX_PAIRS); more > 0; more--) {
                    pairs.add(in.i64("pair"));
                }
                groups.add(new GroupBeat(
                        name,
                        epoch,
                        state == 0 ? null : EpochRecord.State.values()[state - 1],
                        pairs,
                        in.bytes("signature", GroupSecret.Seal.BYTES)));
            }
            in.end();
            return new Decoded.Valid<>(new Beat(groups));
        } catch (MalformedException e) {
            return new Decoded.Malformed<>(String.valueOf(e.getMessage()));
        }
    }
}
