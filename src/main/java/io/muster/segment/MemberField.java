// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;

/** A member in canonical bytes, as values of the store and messages between processes hold it. */
public final class MemberField {
    private MemberField() {}

    /** Writes rank, incarnation and life. */
    public static void write(CanonicalWriter out, Member member) {
        out.i32(member.rank())
                .i64(member.incarnation())
                .i64(member.life().high())
                .i64(member.life().low());
    }

    /** Reads what {@link #write} has written. */
    public static Member read(CanonicalReader in) throws MalformedException {
        int rank = in.bounded("rank", Member.MAX_WORLD_SIZE - 1);
        long incarnation = in.i64("incarnation");
        if (incarnation < 1) {
            throw new MalformedException("incarnation: expected a positive number, got " + incarnation);
        }
        return new Member(rank, incarnation, new LifeId(in.i64("life"), in.i64("life")));
    }
}
