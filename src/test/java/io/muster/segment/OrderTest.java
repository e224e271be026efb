// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.wire.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.Test;

/** The orders of the store's values, over every pair and triple of a small domain. */
//
final class OrderTest {
    private static final GroupName GROUP = new GroupName("g");

    @Test
    void ordersRankEntriesByLifeThenLeftThenRevisionThenGone() {
        List<RankEntry> all = entries();
        isStrictOrder(all, RankEntry::supersedes, (a, b) -> a.equals(b));
        for (RankEntry a : all) {
            for (RankEntry b : all) {
                if (a.member().equals(b.member())
                        && a.state() == RankEntry.State.LEFT
                        && b.state() != RankEntry.State.LEFT) {
                    assertThat(a.supersedes(b)).as("LEFT is final for a life").isTrue();
                }
                if (a.member().isNewerThan(b.member())) {
                    assertThat(a.supersedes(b))
                            .as("a newer life is never replaced by an older one")
                            .isTrue();
                }
            }
        }
    }

    @Test
    void endsWithTheSameRankEntryInEveryOrderOfArrival() {
        List<RankEntry> all = entries();
        for (RankEntry a : all) {
            for (RankEntry b : all) {
                for (RankEntry c : all) {
                    assertThat(greatest(a, b, c)).isEqualTo(greatest(c, b, a)).isEqualTo(greatest(b, a, c));
                }
            }
        }
    }

    private static RankEntry greatest(RankEntry... arriving) {
        RankEntry held = arriving[0];
        for (RankEntry next : arriving) {
            held = next.supersedes(held) ? next : held;
        }
        return held;
    }

    @Test
    void ordersReadyMarksByLifeThenEpoch() {
        List<ReadyMark> all = new ArrayList<>();
        for (Member member : lives()) {
            for (long epoch = 1; epoch <= 3; epoch++) {
                all.add(new ReadyMark(GROUP, member, epoch, new Digest(1, 2, 3, 4), List.of()));
            }
        }
        isStrictOrder(all, ReadyMark::supersedes, (a, b) -> a.equals(b));
    }

    @Test
    void ordersEpochRecordsByNumberThenOutcome() {
        List<EpochRecord> all = new ArrayList<>();
        for (Member member : lives()) {
            for (long number = 1; number <= 3; number++) {
                for (EpochRecord.State state : EpochRecord.State.values()) {
                    all.add(new EpochRecord(GROUP, number, List.of(member), state, 0, List.of(), ProofCounts.NONE));
                }
            }
        }
        // different vectors of one number and outcome have no order
        isStrictOrder(all, EpochRecord::supersedes, (a, b) -> a.number() == b.number() && a.state() == b.state());
    }

    /** Irreflexive, antisymmetric, transitive; only equal values have no order. */
    private static <T> void isStrictOrder(List<T> all, BiPredicate<T, T> supersedes, BiPredicate<T, T> alike) {
        for (T a : all) {
            for (T b : all) {
                boolean ab = supersedes.test(a, b);
                assertThat(ab && supersedes.test(b, a)).as(a + " and " + b).isFalse();
                assertThat(ab || supersedes.test(b, a)).as(a + " and " + b).isEqualTo(!alike.test(a, b));
                for (T c : all) {
                    if (ab && supersedes.test(b, c)) {
                        assertThat(supersedes.test(a, c))
                                .as(a + ", " + b + " and " + c)
                                .isTrue();
                    }
                }
            }
        }
    }

    /** Two incarnations, and two lives of one incarnation: the halves of a split. Ids are ordered without sign. */
    private static List<Member> lives() {
        return List.of(
                new Member(0, 1, new LifeId(1, 0)),
                new Member(0, 1, new LifeId(-1, 0)),
                new Member(0, 2, new LifeId(0, 5)));
    }

    private static List<RankEntry> entries() {
        SegmentHandle handle = new RandomValues("order", 1).entry(GROUP, 1).handle();
        List<RankEntry> all = new ArrayList<>();
        for (Member member : lives()) {
            for (RankEntry.State state : RankEntry.State.values()) {
                for (long revision = 0; revision <= 2; revision++) {
                    all.add(new RankEntry(GROUP, 1, member, state, revision, handle));
                }
            }
        }
        return all;
    }
}
