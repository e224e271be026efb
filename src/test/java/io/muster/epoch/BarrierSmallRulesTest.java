// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import static io.muster.barrier.BarrierValues.mark;
import static io.muster.barrier.BarrierValues.seen;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.BarrierValues;
import io.muster.epoch.BarrierEffect.Timer;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Rules of epochs that a mutation of the machine showed to be held by nothing but chance, for the process of rank 0 of
 * two.
 */
class BarrierSmallRulesTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final Member ZERO = member(0, 10);
    private static final Member ONE = member(1, 20);
    private static final EpochRecord OPEN = open(3, ZERO, ONE);

    private BarrierSetup setup = new BarrierSetup(GROUP, 2, new ProcessId(0, 1), 30, 200, 0, 250, 100);
    private BarrierState state = BarrierState.INITIAL;
    private List<BarrierEffect> effects = List.of();

    private static Member member(int rank, long incarnation) {
        return new Member(rank, incarnation, new LifeId(rank, incarnation));
    }

    private static Versioned<RankEntry> entry(Member member, RankEntry.State as) {
        var handle = new SegmentHandle(
                new ProcessId(0, member.rank() + 1),
                "h",
                1,
                "",
                0,
                "",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        var entry = new RankEntry(GROUP, 2, member, as, 0, handle);
        return new Versioned<>(Schema.encode(entry), entry);
    }

    private static Map<Integer, Versioned<RankEntry>> entries(Member zero, Member one) {
        return Map.of(0, entry(zero, RankEntry.State.LIVE), 1, entry(one, RankEntry.State.LIVE));
    }

    private static EpochRecord open(long number, Member... vector) {
        return BarrierValues.open(GROUP, number, vector);
    }

    private void when(BarrierEvent event) {
        var step = BarrierMachine.transition(setup, state, event);
        state = step.next();
        effects = step.effects();
    }

    private <T extends BarrierEffect> List<T> effects(Class<T> type) {
        List<T> found = new ArrayList<>();
        effects.stream().filter(type::isInstance).map(type::cast).forEach(found::add);
        return found;
    }

    private @Nullable EpochRecord written() {
        List<BarrierEffect.WriteRecord> all = effects(BarrierEffect.WriteRecord.class);
        return all.isEmpty() ? null : all.getFirst().next().value();
    }

    private static BarrierEvent.ReadDone read(EpochRecord basis, Map<Integer, Versioned<ReadyMark>> marks) {
        return new BarrierEvent.ReadDone(seen(basis), entries(ZERO, ONE), marks);
    }

    private void givenAMark() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.RecordSeen(seen(OPEN)));
    }

    private EpochRecord givenComplete() {
        givenAMark();
        when(new BarrierEvent.RecordSeen(seen(OPEN.complete(ProofCounts.NONE))));
        return OPEN.complete(ProofCounts.NONE);
    }

    private void thenItReads() {
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    }

    // ---- when the store is asked

    @Test // B-8
    void readsTheStoreWhenAnEntryHasVanished() {
        givenComplete();
        when(new BarrierEvent.RankSeen(1, entry(ONE, RankEntry.State.LIVE)));
        when(new BarrierEvent.RankSeen(1, null));
        thenItReads();
    }

    @Test // B-8
    void readsTheStoreWhenAPeerHasSeenALaterStateOfTheEpoch() {
        givenAMark();
        when(new BarrierEvent.PeerSaw(3, EpochRecord.State.COMPLETE));
        thenItReads();
    }

    @Test // B-7, B-8
    void asksTheStoreWhenTheBusAnnouncesMoreThanItHasSeen() {
        givenAMark();
        when(new BarrierEvent.AllConnectedReceived(4));
        thenItReads();
        when(new BarrierEvent.ReadFailed());
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(OPEN.complete(ProofCounts.NONE), Map.of()));
        when(new BarrierEvent.DegradedReceived(3));
        thenItReads();
    }

    @Test // B-2
    void asksTheStoreIfItsEpochNumberHasTwoVectors() {
        givenAMark();
        when(new BarrierEvent.RecordSeen(seen(open(3, ZERO, member(1, 21)))));
        thenItReads();
    }

    @Test // B-2
    void restoresTheGreaterRecordWhereTheStoreHoldsALesserOne() {
        EpochRecord complete = givenComplete();
        when(new BarrierEvent.Reconcile());
        when(read(OPEN, Map.of()));
        assertThat(written()).isEqualTo(complete);
    }

    // ---- omitted effects

    @Test
    void writesNothingToTheRecordWhileAnotherWriteIsUnderWay() {
        givenComplete();
        when(new BarrierEvent.Reconcile());
        when(read(OPEN, Map.of()));
        assertThat(written()).isNotNull();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        assertThat(written()).isNull();
        when(new BarrierEvent.Reconcile());
        when(read(OPEN, Map.of(0, mark(ZERO, OPEN), 1, mark(ONE, OPEN))));
        assertThat(written()).isNull();
    }

    @Test
    void writesNoMarkOverAGreaterOne() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.MarkSeen(0, mark(member(0, 11), open(7, member(0, 11), ONE))));
        when(new BarrierEvent.RecordSeen(seen(OPEN)));
        assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();
    }

    @Test // PROTOCOL 3: at most one mark per life and epoch
    void marksNoEpochASecondTimeAfterALoss() {
        givenAMark();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        when(new BarrierEvent.RecordWriteFailed());
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(OPEN, Map.of()));
        assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();
    }

    @Test
    void marksNoEpochThatItIsNotIn() {
        when(new BarrierEvent.SeatTaken(member(0, 11)));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.RecordSeen(seen(OPEN)));
        assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();
    }

    @Test // only the exact member in the vector may degrade
    void aLifeOutsideTheVectorNeitherEndsItNorCompletesWaits() {
        when(new BarrierEvent.SeatTaken(member(0, 11)));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.RecordSeen(seen(OPEN.complete(ProofCounts.NONE))));
        assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class)).isEmpty();
        assertThat(written()).isNull();
    }

    @Test
    void anOpenEpochIsNotEndedByLinksThatAreNotUpYet() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.RecordSeen(seen(OPEN)));
        assertThat(written()).isNull();
    }

    @Test
    void aCompleteEpochIsNotCompletedAgain() {
        EpochRecord complete = givenComplete();
        when(new BarrierEvent.Reconcile());
        when(read(complete, Map.of(0, mark(ZERO, OPEN), 1, mark(ONE, OPEN))));
        assertThat(written()).isNull();
        assertThat(effects(BarrierEffect.ReadAll.class)).isEmpty();
    }

    // ---- opening

    @Test // B-1
    void opensNothingWithASeatWhoseProcessIsGone() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.ReadDone(
                null, Map.of(0, entry(ZERO, RankEntry.State.LIVE), 1, entry(ONE, RankEntry.State.GONE)), Map.of()));
        assertThat(written()).isNull();
    }

    @Test
    void opensNothingOnceItsOwnSeatWasTakenOver() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.ReadDone(null, entries(member(0, 11), ONE), Map.of()));
        assertThat(written()).isNull();
    }

    @Test // G-2
    void opensNothingWithASeatOfItsOwnThatIsLeaving() {
        givenComplete();
        when(new BarrierEvent.SeatLeaving(0));
        EpochRecord degraded = Objects.requireNonNull(written());
        when(new BarrierEvent.RecordWritten(seen(degraded), true));
        when(new BarrierEvent.Reconcile());
        when(read(degraded, Map.of()));
        assertThat(written()).isNull();
    }

    @Test // B-6
    void namesTheReplacedLifeWhenANewVectorOpens() {
        EpochRecord complete = givenComplete();
        Member next = member(1, 21);
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.ReadDone(seen(complete), entries(ZERO, next), Map.of()));
        assertThat(written())
                .isNotNull()
                .satisfies(opened -> assertThat(opened.lost()).singleElement().satisfies(lost -> {
                    assertThat(lost.member()).isEqualTo(ONE);
                    assertThat(lost.reason()).isEqualTo("RESTARTED");
                }));
    }

    // ---- leaving

    @Test // G-2
    void aLeaverIgnoresLinksThatItsPeersCloseBecauseOfIt() {
        givenComplete();
        when(new BarrierEvent.SeatLeaving(0));
        when(new BarrierEvent.RecordWriteFailed());
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class)).isEmpty();
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(OPEN.complete(ProofCounts.NONE), Map.of()));
        assertThat(written())
                .isNotNull()
                .satisfies(next ->
                        assertThat(next.lost()).extracting(LostMember::reason).containsExactly("LEFT"));
    }

    @Test // G-2
    void aRankThatHasLeftEndsItsEpochEvenAfterItsRelease() {
        givenComplete();
        when(new BarrierEvent.SeatLeaving(0));
        when(new BarrierEvent.RecordWriteFailed());
        when(new BarrierEvent.SeatReleased(0));
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(OPEN.complete(ProofCounts.NONE), Map.of()));
        EpochRecord degraded = Objects.requireNonNull(written());
        assertThat(degraded.state()).isEqualTo(EpochRecord.State.DEGRADED);
        assertThat(state.seats()).isNotEmpty();
        when(new BarrierEvent.RecordWritten(seen(degraded), true));
        assertThat(state.seats()).isEmpty();
    }

    @Test // G-2: nobody is to blame, so nothing is gathered
    void aLeaveIsWrittenAtOnceAndLossesAreGatheredFirst() {
        setup = new BarrierSetup(GROUP, 2, new ProcessId(0, 1), 30, 200, 5, 250, 100);
        givenComplete();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        assertThat(written()).isNull();
        assertThat(effects).contains(new BarrierEffect.StartTimer(Timer.GATHER, 5));
        when(new BarrierEvent.RecordSeen(seen(OPEN.complete(ProofCounts.NONE).degraded(List.of()))));
        when(new BarrierEvent.TimerFired(Timer.GATHER));
        assertThat(written()).as("it has ended meanwhile").isNull();

        state = BarrierState.INITIAL;
        givenComplete();
        when(new BarrierEvent.SeatLeaving(0));
        assertThat(written()).isNotNull();
    }

    // ---- telling, and taking turns

    @Test // B-7
    void announcesEachOutcomeOnce() {
        EpochRecord complete = givenComplete();
        assertThat(effects(BarrierEffect.CompleteWaiters.class)).hasSize(1);
        when(new BarrierEvent.Reconcile());
        when(read(complete, Map.of()));
        when(new BarrierEvent.RecordSeen(seen(complete)));
        assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();

        when(new BarrierEvent.RecordSeen(seen(complete.degraded(List.of()))));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class)).hasSize(1);
        when(new BarrierEvent.ReadFailed());
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(open(4, ZERO, ONE), Map.of()));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class)).isEmpty();
    }

    @Test // B-7
    void publishesCompleteBeforeDegradedAndNeitherIfNeverComplete() {
        givenAMark();
        EpochRecord degraded = OPEN.complete(ProofCounts.NONE).degraded(List.of());
        when(new BarrierEvent.RecordSeen(seen(degraded)));
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
        assertThat(effects).hasSize(2);
        assertThat(effects.getFirst()).isInstanceOf(BarrierEffect.PublishAllConnected.class);
        assertThat(effects.getLast()).isInstanceOf(BarrierEffect.PublishDegraded.class);
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
        assertThat(effects).as("once").isEmpty();

        state = BarrierState.INITIAL;
        givenAMark();
        when(new BarrierEvent.RecordSeen(seen(OPEN.degraded(List.of()))));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class)).isEmpty();
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
        assertThat(effects).isEmpty();
    }

    @Test
    void waitsItsTurnInEachEpochAndOnlyForLiveProcesses() {
        setup = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
        when(new BarrierEvent.SeatTaken(ONE));
        when(new BarrierEvent.RankSeen(1, entry(ONE, RankEntry.State.LIVE)));
        when(new BarrierEvent.RankSeen(0, entry(ZERO, RankEntry.State.LIVE)));
        for (long number = 1; number <= 2; number++) {
            EpochRecord over = open(number, ZERO, ONE).degraded(List.of());
            when(new BarrierEvent.RecordSeen(seen(over)));
            assertThat(effects).containsExactly(new BarrierEffect.StartTimer(Timer.OVERDUE, 250));
            when(new BarrierEvent.TimerFired(Timer.OVERDUE));
            when(read(over, Map.of()));
            assertThat(effects).containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));
        }
    }
}
