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
import io.muster.segment.KeyOwner;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of epochs, one by one, for the process of rank 0 in a group of two. */
class BarrierMachineTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final Member ZERO = member(0, 10);
    private static final Member ONE = member(1, 20);
    private static final BarrierSetup SETUP = new BarrierSetup(GROUP, 2, new ProcessId(0, 1), 30, 200, 0, 250, 100);

    private BarrierState state = BarrierState.INITIAL;
    private List<BarrierEffect> effects = List.of();

    private static Member member(int rank, long incarnation) {
        return new Member(rank, incarnation, new LifeId(rank, incarnation));
    }

    private static Versioned<RankEntry> entry(Member member) {
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
        var entry = new RankEntry(GROUP, Math.max(2, member.rank() + 1), member, RankEntry.State.LIVE, 0, handle);
        return new Versioned<>(Schema.encode(entry), entry);
    }

    private static EpochRecord open(long number, Member... vector) {
        return BarrierValues.open(GROUP, number, vector);
    }

    private void when(BarrierEvent event) {
        when(SETUP, event);
    }

    private void when(BarrierSetup setup, BarrierEvent event) {
        var step = BarrierMachine.transition(setup, state, event);
        state = step.next();
        effects = step.effects();
    }

    private <T extends BarrierEffect> List<T> effects(Class<T> type) {
        List<T> found = new ArrayList<>();
        effects.forEach(effect -> {
            if (type.isInstance(effect)) {
                found.add(type.cast(effect));
            }
        });
        return found;
    }

    /** Of two ranks with {@link BarrierValues#mark}, each in a process of its own. */
    private static final ProofCounts PROVEN = new ProofCounts(Map.of(Proof.WARMUP, 2), Map.of(Proof.WARMUP, 1));

    private static BarrierEvent.ReadDone read(
            @Nullable Versioned<EpochRecord> basis, Map<Integer, Versioned<ReadyMark>> marks) {
        return new BarrierEvent.ReadDone(basis, Map.of(0, entry(ZERO), 1, entry(ONE)), marks);
    }

    private @Nullable EpochRecord written() {
        List<BarrierEffect.WriteRecord> all = effects(BarrierEffect.WriteRecord.class);
        return all.isEmpty() ? null : all.getFirst().next().value();
    }

    private void givenASeatConnectedToAll() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
    }

    private EpochRecord givenAMarkFor(EpochRecord record) {
        givenASeatConnectedToAll();
        when(new BarrierEvent.RecordSeen(seen(record)));
        return record;
    }

    private EpochRecord givenComplete() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.RecordSeen(seen(record.complete(ProofCounts.NONE))));
        return record.complete(ProofCounts.NONE);
    }

    private void givenTheFirstEpochIsImplied(BarrierSetup setup, Member self) {
        when(setup, new BarrierEvent.SeatTaken(self));
        when(setup, new BarrierEvent.RankSeen(0, entry(ZERO)));
        when(setup, new BarrierEvent.RankSeen(1, entry(ONE)));
    }

    private void givenTheFirstEpochIsOverdue(BarrierSetup setup, Member self) {
        givenTheFirstEpochIsImplied(setup, self);
        when(setup, new BarrierEvent.TimerFired(Timer.OVERDUE));
        when(setup, read(null, Map.of()));
    }

    @Test // B-1, ADR 31
    void anImpliedFirstEpochIsWrittenOnceOverdueFromAFreshRead() {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        assertThat(state.epoch()).isEqualTo(open(1, ZERO, ONE));
        assertThat(state.recorded()).isNull();
        assertThat(effects).containsExactly(new BarrierEffect.StartTimer(Timer.OVERDUE, 250));
        when(new BarrierEvent.Reconcile());
        when(read(null, Map.of()));
        assertThat(effects).as("it may be completed yet").isEmpty();

        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        assertThat(written()).isNull();
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
        when(read(null, Map.of()));
        assertThat(written()).isEqualTo(open(1, ZERO, ONE));
    }

    @Test // ADR 31; found by simulation: a report named a rank whose mark was told elsewhere, for seconds
    void theWriterOfAnOverdueEpochWritesItsMarksToo() {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        givenASeatConnectedToAll();
        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        when(read(null, Map.of()));
        assertThat(written()).isEqualTo(open(1, ZERO, ONE));
        assertThat(effects(BarrierEffect.WriteMark.class)).hasSize(1);
    }

    /** What the store does with every operation. */
    private enum Trouble {
        /** It does not answer. */
        SILENT,
        /** It applies no write, and holds values that are not of Muster. */
        FOREIGN,
        /** It applies each write, and another program overwrites it at once. */
        OVERWRITTEN
    }

    @ParameterizedTest
    @EnumSource(Trouble.class)
    void noFailureIsFollowedByTheSameQuestionAtOnce(Trouble trouble) {
        var foreign = new Versioned<EpochRecord>(StoredBytes.foreign("a String"), null);
        var foreignMark = new Versioned<ReadyMark>(StoredBytes.foreign("a String"), null);
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        givenASeatConnectedToAll();
        var waiting = new ArrayDeque<BarrierEvent>(List.of(new BarrierEvent.TimerFired(Timer.OVERDUE)));
        int operations = 0;
        int timers = 0;
        while (timers < 50) {
            assertThat(waiting).as("it never gives up").isNotEmpty();
            when(waiting.poll());
            for (BarrierEffect effect : effects) {
                switch (effect) {
                    case BarrierEffect.ReadAll _ ->
                        waiting.add(
                                trouble == Trouble.SILENT
                                        ? new BarrierEvent.ReadFailed()
                                        : read(foreign, Map.of(0, foreignMark, 1, foreignMark)));
                    case BarrierEffect.WriteRecord(var _, var next) ->
                        waiting.add(
                                trouble == Trouble.SILENT
                                        ? new BarrierEvent.RecordWriteFailed()
                                        : new BarrierEvent.RecordWritten(next, trouble == Trouble.OVERWRITTEN));
                    case BarrierEffect.WriteMark(int rank, var _, var next) ->
                        waiting.add(
                                trouble == Trouble.SILENT
                                        ? new BarrierEvent.MarkWriteFailed(rank)
                                        : new BarrierEvent.MarkWritten(rank, next, trouble == Trouble.OVERWRITTEN));
                    case BarrierEffect.StartTimer(var timer, long delayMs) -> {
                        assertThat(delayMs).isPositive();
                        if (timer == Timer.RETRY) {
                            timers++;
                            operations = 0;
                        }
                        waiting.add(new BarrierEvent.TimerFired(timer));
                    }
                    default -> operations--;
                }
                operations++;
                assertThat(operations).as("operations without a pause").isLessThan(20);
            }
        }
    }

    @Test // ADR 31: entries that were read count like entries that were pushed
    void theEpochFollowsFromEntriesThatWereRead() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.Reconcile());
        when(read(null, Map.of()));
        assertThat(state.epoch()).isEqualTo(open(1, ZERO, ONE));
        assertThat(effects).containsExactly(new BarrierEffect.StartTimer(Timer.OVERDUE, 250));
    }

    @Test // ADR 31
    void anImpliedEpochCompletesOverTheRecordBeforeIt() {
        EpochRecord before = open(4, ZERO, ONE).degraded(List.of());
        when(new BarrierEvent.RecordSeen(seen(before)));
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        givenASeatConnectedToAll();
        EpochRecord implied = open(5, ZERO, ONE);
        assertThat(effects(BarrierEffect.SendMark.class))
                .containsExactly(
                        new BarrierEffect.SendMark(mark(ZERO, implied, Proof.LOCAL), new ProcessId(0, 1), false));
        when(new BarrierEvent.MarkSeen(1, mark(ONE, implied)));
        assertThat(effects)
                .containsExactly(new BarrierEffect.WriteRecord(seen(before).bytes(), seen(implied.complete(PROVEN))));
    }

    @Test // ADR 31: a life marks one vector of a number
    void anImpliedEpochFollowsTheEntriesUntilItIsMarked() {
        Member former = member(1, 19);
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.RankSeen(0, entry(ZERO)));
        when(new BarrierEvent.RankSeen(1, entry(former)));
        assertThat(state.epoch()).isEqualTo(open(1, ZERO, former));
        when(new BarrierEvent.RankSeen(1, entry(ONE)));
        assertThat(state.epoch()).isEqualTo(open(1, ZERO, ONE));
        assertThat(effects).as("its clock runs already").isEmpty();

        givenASeatConnectedToAll();
        assertThat(effects(BarrierEffect.SendMark.class)).hasSize(1);
        Member next = member(1, 21);
        when(new BarrierEvent.RankSeen(1, entry(next)));
        assertThat(state.epoch()).isEqualTo(open(1, ZERO, ONE));
        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        when(new BarrierEvent.ReadDone(null, Map.of(0, entry(ZERO), 1, entry(next)), Map.of()));
        assertThat(written()).as("of these entries it is not the next").isNull();

        when(new BarrierEvent.LinkLost(0, ONE, "RESTARTED", "a newer life"));
        EpochRecord over = open(1, ZERO, ONE).degraded(List.of());
        assertThat(written())
                .as("the epoch that it has marked is over, and so is its number")
                .isEqualTo(over);
        when(new BarrierEvent.LinkConnected(0, next, Proof.WARMUP));
        when(new BarrierEvent.RecordWritten(seen(over), true));
        assertThat(effects(BarrierEffect.SendMark.class))
                .singleElement()
                .satisfies(spread -> assertThat(spread.mark()).isEqualTo(mark(ZERO, open(2, ZERO, next), Proof.LOCAL)));
    }

    @Test // B-7: it was started after its former life was lost
    void aNewcomerDoesNotAnnounceEpochsBeforeItsTime() {
        EpochRecord complete = open(1, ZERO, ONE).complete(ProofCounts.NONE);
        EpochRecord over = complete.degraded(List.of(new LostMember(ZERO, "SOCKET_CLOSED", "closed", 1)));
        for (EpochRecord before : List.of(complete, over)) {
            state = BarrierState.INITIAL;
            when(new BarrierEvent.SeatTaken(member(0, 11)));
            when(new BarrierEvent.RecordSeen(seen(before)));
            assertThat(effects(BarrierEffect.AnnounceDegraded.class)).isEmpty();
            assertThat(effects(BarrierEffect.StartTimer.class))
                    .as("nor does it say it again for the others")
                    .noneMatch(timer -> timer.timer() == Timer.REPUBLISH);

            state = BarrierState.INITIAL;
            when(new BarrierEvent.SeatTaken(ZERO));
            when(new BarrierEvent.RecordSeen(seen(before)));
            assertThat(effects(BarrierEffect.StartTimer.class))
                    .as("a member of the epoch does")
                    .anyMatch(timer -> timer.timer() == Timer.REPUBLISH);
        }
    }

    @ParameterizedTest // P-9: the peer has noticed the loss and this process has not
    @ValueSource(strings = {"UNHEARD", "REOPENED"})
    void aLossThatOnlyThePeerNoticedNamesThisRank(String reason) {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        givenASeatConnectedToAll();
        Versioned<EpochRecord> complete = seen(open(1, ZERO, ONE).complete(ProofCounts.NONE));
        when(new BarrierEvent.RecordSeen(complete));
        when(new BarrierEvent.LinkLost(0, ONE, reason, "opened again"));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class).getFirst().lost())
                .containsExactly(new LostMember(ZERO, reason, "opened again", 0));
    }

    @Test // G-2, ADR 31: its COMPLETE may be on its way, and nobody else may be left to end it
    void aLeaverEndsAnImpliedEpochThatItHasMarked() {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        givenASeatConnectedToAll();
        BarrierState marked = state;
        when(new BarrierEvent.SeatLeaving(0));
        assertThat(written()).isEqualTo(open(1, ZERO, ONE).degraded(List.of()));

        state = marked;
        when(new BarrierEvent.MarkSeen(1, mark(ONE, open(1, ZERO, ONE))));
        Versioned<EpochRecord> complete =
                effects(BarrierEffect.WriteRecord.class).getFirst().next();
        when(new BarrierEvent.SeatLeaving(0));
        when(new BarrierEvent.SeatReleased(0));
        assertThat(written()).as("one write at a time").isNull();
        when(new BarrierEvent.RecordWritten(complete, true));
        EpochRecord over = Objects.requireNonNull(written());
        assertThat(over.state()).isEqualTo(EpochRecord.State.DEGRADED);
        assertThat(over.lost()).singleElement().extracting(LostMember::reason).isEqualTo("LEFT");
        when(new BarrierEvent.RecordWritten(seen(over), true));
        assertThat(state.seats()).isEmpty();
    }

    @Test // B-7, ADR 31: the epoch that is implied after it does not hide it
    void republishesAnOutcomeEvenIfTheNextEpochIsImplied() {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        when(new BarrierEvent.RecordSeen(
                seen(open(4, ZERO, ONE).complete(ProofCounts.NONE).degraded(List.of()))));
        assertThat(state.epoch())
                .isEqualTo(new EpochRecord(
                        GROUP, 5, List.of(ZERO, ONE), EpochRecord.State.OPEN, 4, List.of(), ProofCounts.NONE));
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
        assertThat(effects).hasSize(2);
        assertThat(effects.getFirst()).isInstanceOf(BarrierEffect.PublishAllConnected.class);
        assertThat(effects.getLast()).isInstanceOf(BarrierEffect.PublishDegraded.class);
    }

    @Test // B-6: the other half of a split has ended the number without having known that it was COMPLETE here
    void everyAnnouncedEpochIsFollowedByItsDegraded() {
        EpochRecord record = givenComplete();
        when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE).degraded(List.of()))));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class))
                .containsExactly(new BarrierEffect.AnnounceDegraded(1, List.of()));

        state = BarrierState.INITIAL;
        assertThat(givenComplete()).isEqualTo(record);
        when(new BarrierEvent.RecordSeen(seen(open(2, ZERO, ONE))));
        assertThat(effects(BarrierEffect.AnnounceDegraded.class))
                .containsExactly(new BarrierEffect.AnnounceDegraded(1, List.of()));
    }

    @Test
    void ignoresTheOutcomeOfAnOutdatedOwnWrite() {
        EpochRecord newer = givenAMarkFor(open(3, ZERO, ONE));
        when(new BarrierEvent.RecordWritten(seen(open(2, ZERO, member(1, 19))), true));
        assertThat(state.recorded()).isEqualTo(newer);
    }

    @Test // ADR 31: a process that is still in an epoch must learn that it is over
    void impliesNoEpochWhileOneIsOpenOrComplete() {
        EpochRecord complete = givenComplete();
        when(new BarrierEvent.RankSeen(0, entry(ZERO)));
        when(new BarrierEvent.RankSeen(1, entry(member(1, 21))));
        assertThat(state.epoch()).isEqualTo(complete);
        assertThat(effects(BarrierEffect.ReadAll.class))
                .as("but opened at once")
                .hasSize(1);
    }

    @Test // ADR 31: its end would be forgotten with it
    void anImpliedEpochNamesTheLastKnownCompleteOne() {
        EpochRecord before = open(4, ZERO, ONE).degraded(List.of());
        EpochRecord merged = open(4, ZERO, ONE)
                .complete(ProofCounts.NONE)
                .degraded(List.of(new LostMember(ONE, "SILENCE", "there", 0)));
        when(new BarrierEvent.RecordSeen(seen(before)));
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        when(new BarrierEvent.RecordSeen(seen(merged)));
        assertThat(state.epoch()).satisfies(implied -> {
            assertThat(implied.number()).isEqualTo(5);
            assertThat(implied.lastComplete()).isEqualTo(4);
            assertThat(implied.lost()).isEqualTo(merged.lost());
        });
    }

    @Test // B-1: N processes that publish at once all read, and would all write, and all but one read again
    void anUnrelatedReadLeavesTheOpeningToTheFirstProcess() {
        var second = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
        givenTheFirstEpochIsOverdue(second, ONE);
        assertThat(effects).as("it waits for its turn").containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));

        when(second, new BarrierEvent.Reconcile());
        when(second, read(null, Map.of()));
        assertThat(effects).as("which has not come yet").isEmpty();

        when(second, new BarrierEvent.TimerFired(Timer.HEDGE));
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
        when(second, read(null, Map.of()));
        assertThat(written()).isEqualTo(open(1, ZERO, ONE));

        when(second, new BarrierEvent.RecordWritten(seen(open(1, ZERO, ONE)), false));
        when(second, read(null, Map.of()));
        assertThat(written()).as("once a turn").isNull();
        assertThat(effects(BarrierEffect.StartTimer.class))
                .containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));
    }

    @Test // ADR 27
    void aMarkIsSpreadAtOnceAndWrittenOnlyOnceOverdue() {
        EpochRecord record = open(1, ZERO, ONE);
        when(new BarrierEvent.RecordSeen(seen(record)));
        givenASeatConnectedToAll();
        assertThat(effects)
                .containsExactly(
                        new BarrierEffect.SendMark(mark(ZERO, record, Proof.LOCAL), null, false),
                        new BarrierEffect.StartTimer(Timer.OVERDUE, 250),
                        new BarrierEffect.LookForKeyOwner(),
                        new BarrierEffect.StartTimer(Timer.KEY_OWNER, 31));

        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        assertThat(effects)
                .as("the stored value is read before the write")
                .containsExactly(new BarrierEffect.ReadAll());
        when(read(seen(record), Map.of()));
        assertThat(effects).containsExactly(new BarrierEffect.WriteMark(0, null, mark(ZERO, record, Proof.LOCAL)));

        when(new BarrierEvent.MarkWriteFailed(0));
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        Versioned<ReadyMark> former = mark(member(0, 5), open(7, member(0, 5), ONE));
        when(read(seen(record), Map.of(0, former)));
        assertThat(effects)
                .as("again, over the stored value")
                .containsExactly(new BarrierEffect.WriteMark(0, former.bytes(), mark(ZERO, record, Proof.LOCAL)));
        when(new BarrierEvent.MarkWritten(0, mark(ZERO, record, Proof.LOCAL), true));
        assertThat(effects)
                .as("others have written theirs at the same time")
                .containsExactly(new BarrierEffect.ReadAll());
        when(read(seen(record), Map.of(0, mark(ZERO, record, Proof.LOCAL))));
        assertThat(effects).as("once").isEmpty();
    }

    @Test // ADR 27
    void noMarkIsWrittenOnceTheEpochIsComplete() {
        EpochRecord record = givenComplete();
        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        assertThat(effects).isEmpty();
        when(new BarrierEvent.Reconcile());
        when(read(seen(record), Map.of()));
        assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();
    }

    @Test // ADR 27, 31
    void aMarkIsSentOnlyToTheProcessThatCompletesFirst() {
        Map<Integer, Versioned<RankEntry>> ranks = new HashMap<>();
        Member[] vector = new Member[5];
        for (int rank = 0; rank < 5; rank++) {
            vector[rank] = member(rank, 1);
            ranks.put(rank, entry(vector[rank]));
        }
        EpochRecord epoch = open(1, vector);
        assertThat(EpochRules.completer(epoch, ranks, null)).isEqualTo(new ProcessId(0, 1));
        assertThat(EpochRules.completer(epoch, ranks, owner(5)))
                .as("the owner of the keys comes first")
                .isEqualTo(new ProcessId(0, 5));
        assertThat(EpochRules.completer(epoch, ranks, owner(9)))
                .as("unless it holds no rank")
                .isEqualTo(new ProcessId(0, 1));
        ranks.remove(1);
        assertThat(EpochRules.completer(epoch, ranks, null))
                .as("those that come later need not be known")
                .isNotNull();
        ranks.put(0, entry(member(0, 9)));
        assertThat(EpochRules.completer(epoch, ranks, null))
                .as("another life of rank 0 may be elsewhere")
                .isNull();
        ranks.remove(0);
        assertThat(EpochRules.completer(epoch, ranks, null))
                .as("rank 0 is not known yet")
                .isNull();
    }

    @Test // ADR 27
    void theOwnerOfTheKeysDecidesFirst() {
        var second = setup(2);
        Map<Integer, Versioned<RankEntry>> ranks = Map.of(0, entry(ZERO), 1, entry(ONE), 2, entry(member(2, 1)));
        assertThat(EpochRules.processesBefore(second, 1, ranks, null)).isEqualTo(1);
        assertThat(EpochRules.processesBefore(second, 1, ranks, owner(2))).isZero();
        assertThat(EpochRules.processesBefore(second, 1, ranks, owner(1))).isEqualTo(1);
        assertThat(EpochRules.processesBefore(second, 1, ranks, owner(3))).isEqualTo(2);
        assertThat(EpochRules.processesBefore(second, 1, ranks, owner(7)))
                .as("it holds no rank")
                .isEqualTo(1);
        assertThat(EpochRules.processesBefore(setup(1), 0, ranks, owner(3))).isEqualTo(1);
    }

    @Test // ADR 27
    void aMarkIsSentAgainWhenAnotherProcessOwnsTheKeys() {
        givenTheFirstEpochIsImplied(SETUP, ZERO);
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.KeyOwnerSeen(owner(2)));
        assertThat(effects(BarrierEffect.SendMark.class))
                .containsExactly(
                        new BarrierEffect.SendMark(mark(ZERO, record, Proof.LOCAL), new ProcessId(0, 2), true));
        when(new BarrierEvent.KeyOwnerSeen(new KeyOwner(new ProcessId(0, 2), "another member")));
        assertThat(effects(BarrierEffect.SendMark.class)).as("the same process").isEmpty();
        when(new BarrierEvent.RecordSeen(seen(record.complete(ProofCounts.NONE))));
        when(new BarrierEvent.KeyOwnerSeen(owner(1)));
        assertThat(effects(BarrierEffect.SendMark.class))
                .as("not of an epoch that is complete")
                .isEmpty();
    }

    @Test // ADR 33: keys that move between two marks leave each with the process that made it
    void looksUpTheKeyOwnerUntilTheEpochIsCompleteOrOverdue() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        for (int time = 0; time < 3; time++) {
            when(new BarrierEvent.TimerFired(Timer.KEY_OWNER));
            assertThat(effects)
                    .containsExactly(
                            new BarrierEffect.LookForKeyOwner(), new BarrierEffect.StartTimer(Timer.KEY_OWNER, 31));
        }
        BarrierState before = state;
        when(new BarrierEvent.RecordSeen(seen(record.complete(ProofCounts.NONE))));
        when(new BarrierEvent.TimerFired(Timer.KEY_OWNER));
        assertThat(effects).as("complete").isEmpty();

        state = before;
        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        when(new BarrierEvent.TimerFired(Timer.KEY_OWNER));
        assertThat(effects).as("the marks are in the store now").isEmpty();
    }

    @Test // ADR 33
    void aProcessThatLearnsItOwnsTheKeysCompletesAtOnce() {
        var second = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
        givenTheFirstEpochIsImplied(second, ONE);
        when(second, new BarrierEvent.KeyOwnerSeen(owner(1)));
        when(second, new BarrierEvent.LinkConnected(1, ONE, Proof.LOCAL));
        when(second, new BarrierEvent.LinkConnected(1, ZERO, Proof.WARMUP));
        when(second, new BarrierEvent.MarkSeen(0, mark(ZERO, open(1, ZERO, ONE))));
        assertThat(effects).as("its turn comes second").containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));
        when(second, new BarrierEvent.KeyOwnerSeen(owner(2)));
        assertThat(written()).isEqualTo(open(1, ZERO, ONE).complete(PROVEN));
    }

    @Test // ADR 27: the store has told everybody by then
    void aRecordPushedByTheStoreNeedNotBeSpread() {
        givenTheFirstEpochIsOverdue(SETUP, ZERO);
        when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE))));
        when(new BarrierEvent.RecordWritten(seen(open(1, ZERO, ONE)), true));
        assertThat(effects(BarrierEffect.BroadcastRecord.class))
                .containsExactly(new BarrierEffect.BroadcastRecord(seen(open(1, ZERO, ONE)), true));

        EpochRecord next = open(2, ZERO, member(1, 30));
        when(new BarrierEvent.RecordWritten(seen(next), true));
        assertThat(effects(BarrierEffect.BroadcastRecord.class))
                .as("the store has not pushed this one")
                .containsExactly(new BarrierEffect.BroadcastRecord(seen(next), false));
    }

    private static KeyOwner owner(int process) {
        return new KeyOwner(new ProcessId(0, process), "another than the entries say");
    }

    private static BarrierSetup setup(int process) {
        return new BarrierSetup(GROUP, 5, new ProcessId(0, process), 30, 200, 0, 250, 100);
    }

    @Test // B-1
    void opensNothingWhileASeatIsEmpty() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.ReadDone(null, Map.of(0, entry(ZERO)), Map.of()));

        assertThat(written()).isNull();
    }

    @Test // B-1: a restarted rank is never counted twice
    void neverOpensAVectorThatGoesBack() {
        when(new BarrierEvent.SeatTaken(ZERO));
        EpochRecord newer = open(4, ZERO, member(1, 21)).degraded(List.of());
        when(new BarrierEvent.RecordSeen(seen(newer)));
        when(read(seen(newer), Map.of()));

        assertThat(written()).isNull();
    }

    @Test
    void marksOnceAllLinksAreConnectedToExactlyTheVector() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE))));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        when(new BarrierEvent.LinkConnected(0, member(1, 19), Proof.WARMUP));
        assertThat(effects(BarrierEffect.SendMark.class)).isEmpty();

        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        assertThat(effects(BarrierEffect.SendMark.class)).hasSize(1);
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        assertThat(effects(BarrierEffect.SendMark.class)).isEmpty();
    }

    @Test // B-2
    void completesOnlyWithMarksOfThisVeryVector() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        EpochRecord other = open(1, ZERO, member(1, 19));
        when(new BarrierEvent.Reconcile());
        when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, other))));
        assertThat(written()).isNull();

        when(new BarrierEvent.Reconcile());
        when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
        assertThat(written()).isEqualTo(record.complete(PROVEN));
    }

    @Test // B-1, ADR 32
    void completesWithTheLastMarkUnlessANewerLifeIsKnown() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.RankSeen(0, entry(ZERO)));
        when(new BarrierEvent.RankSeen(1, entry(ONE)));
        BarrierState before = state;
        when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
        assertThat(effects)
                .containsExactly(new BarrierEffect.WriteRecord(seen(record).bytes(), seen(record.complete(PROVEN))));
        when(new BarrierEvent.RecordWritten(seen(record.complete(PROVEN)), false));
        assertThat(effects(BarrierEffect.ReadAll.class))
                .as("another process has written another one")
                .hasSize(1);

        state = before;
        Member next = member(1, 21);
        when(new BarrierEvent.RankSeen(1, entry(next)));
        when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
        assertThat(written()).isNull();
        when(new BarrierEvent.ReadDone(
                seen(record),
                Map.of(0, entry(ZERO), 1, entry(next)),
                Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
        assertThat(written()).isEqualTo(open(2, ZERO, next));
    }

    @Test // ADR 32: the record counts the paths, and an entry names the process of its rank
    void readsTheEntriesFirstOnlyWhereItDoesNotKnowThem() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.RankSeen(0, entry(ZERO)));
        when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
        assertThat(effects).containsExactly(new BarrierEffect.ReadAll());
        when(read(seen(record), Map.of()));
        assertThat(written()).isEqualTo(record.complete(PROVEN));
    }

    @Test // B-2: its mark may have been made by links that have never come up again
    void degradesACompleteEpochThatItIsNotConnectedFor() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
        EpochRecord complete = open(1, ZERO, ONE).complete(ProofCounts.NONE);
        when(new BarrierEvent.RecordSeen(seen(complete)));

        assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();
        assertThat(written()).isNotNull().satisfies(next -> {
            assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
            assertThat(next.lost()).singleElement().satisfies(lost -> {
                assertThat(lost.member()).isEqualTo(ONE);
                assertThat(lost.reason()).isEqualTo("NOT_CONNECTED");
            });
        });
    }

    @Test // B-2, PROTOCOL 3: a seat that has lost a link since its mark ends the epoch and does not complete it first
    void completesNothingThatHasEndedForItsOwnSeat() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
        assertThat(written()).satisfies(next -> assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED));
    }

    @Test // ADR 27: without a secret anybody can write one
    void anotherVectorsMarkDoesNotReplaceItsOwn() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.MarkSeen(0, mark(ZERO, open(1, ZERO, member(1, 99)))));
        when(new BarrierEvent.Reconcile());
        when(read(seen(record), Map.of(0, mark(ZERO, open(1, ZERO, member(1, 99))), 1, mark(ONE, record))));
        assertThat(written()).isEqualTo(record.complete(PROVEN));
    }

    @Test // B-7: the store's event may have been lost
    void asksTheStoreWhenAnEpochThatIsOpenHereIsCompleteElsewhere() {
        givenAMarkFor(open(1, ZERO, ONE));
        when(read(seen(open(1, ZERO, ONE)), Map.of()));
        when(new BarrierEvent.AllConnectedReceived(1));
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    }

    @Test // B-2
    void completesNothingOnceANewerLifeIsPublished() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.ReadDone(
                seen(record),
                Map.of(0, entry(ZERO), 1, entry(member(1, 21))),
                Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));

        assertThat(written()).isNotNull().isNotEqualTo(record.complete(ProofCounts.NONE));
    }

    @Test // B-2
    void aLossAfterTheMarkEndsTheEpochEvenIfTheLinkIsBack() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        assertThat(written()).isEqualTo(record.degraded(List.of()));
        when(new BarrierEvent.RecordWriteFailed());
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.TimerFired(Timer.RETRY));

        when(read(seen(record.complete(ProofCounts.NONE)), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
        assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();
        assertThat(written()).isNotNull().extracting(EpochRecord::state).isEqualTo(EpochRecord.State.DEGRADED);
    }

    @Test
    void aLossBeforeTheMarkChangesNothingInTheStore() {
        when(new BarrierEvent.SeatTaken(ZERO));
        when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
        when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE))));
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));

        assertThat(effects).isEmpty();
    }

    @Test // B-6
    void announcesDegradedLocallyInTheStepThatSeesTheLoss() {
        givenComplete();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));

        assertThat(effects.getFirst())
                .isEqualTo(new BarrierEffect.AnnounceDegraded(
                        1, List.of(new LostMember(ONE, "SOCKET_CLOSED", "closed", 0))));
        assertThat(written()).isNotNull().extracting(EpochRecord::lastComplete).isEqualTo(1L);
    }

    @Test // B-6: with a greater epoch, also for an unchanged vector
    void theNextNumberFollowsForAnUnchangedVectorAfterDegraded() {
        EpochRecord degraded = givenComplete().degraded(List.of());
        when(new BarrierEvent.RecordSeen(seen(degraded)));
        when(new BarrierEvent.Reconcile());
        when(read(seen(degraded), Map.of()));

        assertThat(state.epoch()).isNotNull().satisfies(next -> {
            assertThat(next.number()).isEqualTo(2);
            assertThat(next.vector()).containsExactly(ZERO, ONE);
            assertThat(next.lastComplete()).isEqualTo(1);
        });
    }

    @Test // B-8
    void readsTheStoreWhenAPeerHasSeenALaterState() {
        givenComplete();
        when(new BarrierEvent.PeerSaw(2, EpochRecord.State.OPEN));

        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    }

    @Test // B-7
    void publishesAgainIfNoPublicationWasReceived() {
        EpochRecord complete = givenComplete();
        assertThat(effects).contains(new BarrierEffect.StartTimer(Timer.REPUBLISH, 200));
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
        assertThat(effects).containsExactly(new BarrierEffect.PublishAllConnected(complete));
    }

    @Test // B-7
    void publishesNothingAgainThatWasReceived() {
        givenComplete();
        when(new BarrierEvent.AllConnectedReceived(1));
        when(new BarrierEvent.TimerFired(Timer.REPUBLISH));

        assertThat(effects).isEmpty();
    }

    @Test
    void restoresTheRecordThatTheStoreHasLost() {
        EpochRecord complete = givenComplete();
        when(new BarrierEvent.RecordSeen(null));
        when(read(null, Map.of()));

        assertThat(written()).isEqualTo(complete);
    }

    @Test // B-2: two halves of a split
    void endsAnEpochNumberThatHasTwoVectors() {
        givenAMarkFor(open(1, ZERO, ONE));
        EpochRecord other = open(1, ZERO, member(1, 21));
        when(new BarrierEvent.RecordSeen(seen(other)));
        when(read(seen(other), Map.of()));

        assertThat(written()).isNotNull().satisfies(next -> {
            assertThat(next.number()).isEqualTo(1);
            assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
        });
    }

    @Test // B-6; found in network namespaces: while one process could not reach the owner of another key,
    // no process got degraded
    void degradesEvenIfAnotherKeyCannotBeRead() {
        EpochRecord complete = givenComplete();
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.LinkLost(0, ONE, "SILENCE", "nothing heard"));
        assertThat(written())
                .as("a read is under way, which may show that it has ended already")
                .isNull();

        when(new BarrierEvent.ReadFailed());

        assertThat(written()).isEqualTo(complete.degraded(List.of(new LostMember(ONE, "SILENCE", "nothing heard", 0))));
    }

    @Test // found by simulation: it compared with its own bytes for ever, and opened nothing
    void writesOverTheBytesThatAMergeHasLeft() {
        EpochRecord complete = givenComplete();
        EpochRecord here = complete.degraded(List.of(new LostMember(ONE, "SILENCE", "here", 0)));
        EpochRecord there = complete.degraded(List.of(new LostMember(ZERO, "SILENCE", "there", 1)));
        when(new BarrierEvent.RecordSeen(seen(here)));
        when(new BarrierEvent.ReadFailed());
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(seen(there), Map.of()));
        when(new BarrierEvent.TimerFired(Timer.OVERDUE));
        when(read(seen(there), Map.of()));

        assertThat(effects(BarrierEffect.WriteRecord.class))
                .singleElement()
                .satisfies(write ->
                        assertThat(write.expected()).isEqualTo(seen(there).bytes()));
    }

    @Test // ADR 27: a mark is never taken back, so it stays though it is not in the store
    void completesFromMarksThatWereSentToIt() {
        EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
        when(read(seen(record), Map.of()));
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
        assertThat(written()).as("the read may show that the epoch is over").isNull();
        when(read(seen(record), Map.of()));
        assertThat(written()).isEqualTo(record.complete(PROVEN));

        when(new BarrierEvent.RecordWriteFailed());
        when(new BarrierEvent.TimerFired(Timer.RETRY));
        when(read(seen(record), Map.of()));
        assertThat(written()).isEqualTo(record.complete(PROVEN));
    }

    @Test // found by simulation: it waited for the next reconcile, seconds later
    void keepsAnEntryReceivedWhileItReadAnOlderOne() {
        EpochRecord record = givenComplete();
        Member next = member(1, 21);
        when(new BarrierEvent.Reconcile());
        when(new BarrierEvent.RankSeen(1, entry(next)));
        when(read(seen(record), Map.of()));
        assertThat(written()).as("decided from the values that were read").isNull();
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
        when(new BarrierEvent.ReadDone(seen(record), Map.of(0, entry(ZERO), 1, entry(next)), Map.of()));
        assertThat(written()).satisfies(opened -> assertThat(opened.vector()).containsExactly(ZERO, next));
    }

    @Test // found by simulation: stale writes kept every read from being looked at
    void readsBeforeItRetriesAFailedDegradedWrite() {
        givenComplete();
        when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
        Versioned<EpochRecord> tried =
                effects(BarrierEffect.WriteRecord.class).getFirst().next();
        when(new BarrierEvent.RecordWritten(tried, false));

        assertThat(written()).isNull();
        assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    }

    @Test
    void waitsForTheProcessesBeforeItBeforeItOpens() {
        var setup = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
        when(setup, new BarrierEvent.SeatTaken(ONE));
        when(setup, new BarrierEvent.RecordSeen(seen(open(1, member(0, 5), ONE))));
        when(setup, new BarrierEvent.RankSeen(1, entry(ONE)));
        when(setup, new BarrierEvent.RankSeen(0, entry(ZERO)));
        assertThat(effects).containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));

        when(setup, new BarrierEvent.TimerFired(Timer.HEDGE));
        assertThat(effects).singleElement().isInstanceOf(BarrierEffect.ReadAll.class);
    }

    @Test // G-2
    void aLeaverEndsTheEpochItself() {
        givenComplete();
        when(new BarrierEvent.SeatLeaving(0));

        assertThat(written()).isNotNull().satisfies(next -> {
            assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
            assertThat(next.lost())
                    .singleElement()
                    .extracting(LostMember::reason)
                    .isEqualTo("LEFT");
        });
    }
}
