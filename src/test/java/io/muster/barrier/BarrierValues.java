// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.ProofCounts;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import java.util.List;

/** Stored values of a group of two ranks, for tests of the rules. */
public final class BarrierValues {
    private BarrierValues() {}

    public static EpochRecord open(GroupName group, long number, Member... vector) {
        return new EpochRecord(group, number, List.of(vector), EpochRecord.State.OPEN, 0, List.of(), ProofCounts.NONE);
    }

    public static Versioned<EpochRecord> seen(EpochRecord record) {
        return new Versioned<>(Schema.encode(record), record);
    }

    public static Versioned<ReadyMark> mark(Member member, EpochRecord record) {
        return mark(member, record, Proof.WARMUP);
    }

    /** @param own the proof of its link to itself, if it is rank 0 */
    public static Versioned<ReadyMark> mark(Member member, EpochRecord record, Proof own) {
        var mark = new ReadyMark(record.group(), member, record.number(), record.digest(), List.of(own, Proof.WARMUP));
        return new Versioned<>(Schema.encode(mark), mark);
    }
}
