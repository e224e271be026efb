// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.NullSource;

/** The rules of one seat, one by one. */
class SeatMachineTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final SeatMachine.Setup SETUP = new SeatMachine.Setup(GROUP, 2, 1);
    private static final SegmentHandle HANDLE = handle(1);

    private SeatState state = new SeatState.Idle();
    private List<SeatEffect> effects = List.of();

    private static SegmentHandle handle(long process) {
        return new SegmentHandle(
                new ProcessId(0, process),
                "10.0.0." + process,
                4_000,
                "",
                100 + process,
                "",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
    }

    private static Versioned<RankEntry> entry(
            long incarnation, RankEntry.State entryState, long revision, long process) {
        var entry = new RankEntry(
                GROUP,
                2,
                new Member(1, incarnation, new LifeId(0, incarnation)),
                entryState,
                revision,
                handle(process));
        return new Versioned<>(Schema.encode(entry), entry);
    }

    private static SeatEvent.Ticket ticket(long epochIncarnation, long nowMs) {
        return new SeatEvent.Ticket(epochIncarnation, nowMs, new LifeId(0, 7));
    }

    private void when(SeatEvent event) {
        var step = SeatMachine.transition(SETUP, state, event);
        state = step.next();
        effects = step.effects();
    }

    private Versioned<RankEntry> claimed() {
        assertThat(effects).singleElement().isInstanceOf(SeatEffect.WriteKey.class);
        return ((SeatEffect.WriteKey) effects.getFirst()).next();
    }

    private static RankEntry value(Versioned<RankEntry> seen) {
        return Objects.requireNonNull(seen.value());
    }

    private void lookedAt(@Nullable Versioned<RankEntry> there, SeatEvent.Ticket ticket) {
        when(new SeatEvent.ClaimRequested(HANDLE));
        when(new SeatEvent.KeyRead(there, ticket));
    }

    private Versioned<RankEntry> givenASeat() {
        lookedAt(null, ticket(0, 100));
        Versioned<RankEntry> own = claimed();
        when(new SeatEvent.Written(own.bytes(), true));
        assertThat(effects).containsExactly(new SeatEffect.Take(value(own)));
        return own;
    }

    @Test
    void claimsAboveTheEntryTheEpochAndTheClock() {
        lookedAt(entry(50, RankEntry.State.LEFT, 3, 2), ticket(0, 10));
        assertThat(value(claimed()).member().incarnation()).isEqualTo(51);
        state = new SeatState.Idle();
        lookedAt(null, ticket(70, 10));
        assertThat(value(claimed()).member().incarnation()).isEqualTo(71);
        state = new SeatState.Idle();
        lookedAt(null, ticket(70, 90));
        assertThat(value(claimed()).member().incarnation()).isEqualTo(91);
    }

    @Test
    void ignoresTheOutcomeOfAWriteOtherThanItsClaim() {
        lookedAt(null, ticket(0, 100));
        SeatState claiming = state;
        when(new SeatEvent.Written(entry(50, RankEntry.State.LIVE, 0, 2).bytes(), true));
        assertThat(state).isEqualTo(claiming);
    }

    @Test // what the store tells of its write is as good as its answer, and may come first
    void itsOwnEntrySeenBeforeTheAnswerGivesItTheSeatOnce() {
        lookedAt(null, ticket(0, 100));
        Versioned<RankEntry> own = claimed();
        when(new SeatEvent.KeySeen(entry(50, RankEntry.State.LIVE, 0, 2)));
        assertThat(state).as("a write of another process").isInstanceOf(SeatState.Claiming.class);
        when(new SeatEvent.KeySeen(own));
        assertThat(effects).containsExactly(new SeatEffect.Take(value(own)));
        SeatState held = state;
        when(new SeatEvent.Written(own.bytes(), true));
        assertThat(effects).isEmpty();
        assertThat(state).isEqualTo(held);
        when(new SeatEvent.Written(own.bytes(), false));
        assertThat(effects)
                .as("a claim that was repeated, or is gone already: it looks after a pause")
                .containsExactly(new SeatEffect.Pause(SeatMachine.PAUSE_MS));
    }

    @Test // its claim has been succeeded, or can't be applied any more, whatever its late answer says
    void readsAgainIfItSeesANewerLifeWhileItClaims() {
        lookedAt(null, ticket(0, 100));
        Versioned<RankEntry> own = claimed();
        Versioned<RankEntry> newer = entry(5_000, RankEntry.State.LIVE, 0, 2);
        when(new SeatEvent.KeySeen(newer));
        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
        when(new SeatEvent.Written(own.bytes(), true));
        assertThat(effects).as("the late answer").isEmpty();
        when(new SeatEvent.KeyRead(newer, ticket(0, 200)));

        assertThat(effects).containsExactly(new SeatEffect.AskIncumbent(value(newer)));
    }

    @Test
    void aNewerLifeEndsItEvenWhileItWrites() {
        givenASeat();
        when(new SeatEvent.HandleChanged(handle(9)));
        claimed();
        when(new SeatEvent.KeySeen(entry(5_000, RankEntry.State.LIVE, 0, 2)));
        assertThat(state).isInstanceOf(SeatState.Ended.class);
    }

    @Test
    void theLateOutcomeOfAnOlderWriteDoesNotCountForTheNext() {
        Versioned<RankEntry> first = givenASeat();
        when(new SeatEvent.HandleChanged(handle(9)));
        SeatState writing = state;
        when(new SeatEvent.Written(first.bytes(), true));
        assertThat(state).isEqualTo(writing);
        assertThat(effects).isEmpty();
    }

    @Test
    void anIncumbentThatAnswersKeepsItsRankAndIsNamed() {
        lookedAt(entry(50, RankEntry.State.LIVE, 0, 2), ticket(0, 100));
        assertThat(effects).singleElement().isInstanceOf(SeatEffect.AskIncumbent.class);
        when(new SeatEvent.IncumbentAnswered(Answer.HOLDS, "", ticket(0, 100)));
        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
        when(new SeatEvent.KeyRead(entry(50, RankEntry.State.LIVE, 1, 2), ticket(0, 100)));

        assertThat(effects).singleElement().satisfies(effect -> {
            SeatEffect.End end = (SeatEffect.End) effect;
            assertThat(end.end()).isEqualTo(SeatState.End.TAKEN);
            assertThat(end.reason()).contains("pid 102", "10.0.0.2:4000");
        });
    }

    @Test // GONE in the store is no verdict
    void asksAnIncumbentWhoseEntryIsGone() {
        lookedAt(entry(50, RankEntry.State.GONE, 0, 2), ticket(0, 100));

        assertThat(effects).singleElement().isInstanceOf(SeatEffect.AskIncumbent.class);
    }

    @Test
    void replacesAnIncumbentThatIsGoneAtOnce() {
        Versioned<RankEntry> there = entry(50, RankEntry.State.LIVE, 0, 2);
        lookedAt(there, ticket(0, 10));
        when(new SeatEvent.IncumbentAnswered(Answer.GONE, "", ticket(0, 10)));

        assertThat(value(claimed()).member().incarnation()).isEqualTo(51);
        assertThat(((SeatEffect.WriteKey) effects.getFirst()).expected()).isEqualTo(there.bytes());
    }

    @Test // R-10, PROTOCOL 6
    void asksWitnessesBeforeItTakesTheSeatOfASilentRank() {
        lookedAt(entry(50, RankEntry.State.LIVE, 0, 2), ticket(0, 100));
        when(new SeatEvent.IncumbentAnswered(Answer.SILENT, "", ticket(0, 100)));
        assertThat(effects).singleElement().isInstanceOf(SeatEffect.AskWitnesses.class);
        SeatState asking = state;

        when(new SeatEvent.WitnessesAnswered(Answer.HOLDS, "10.0.0.3:4000", ticket(0, 100)));
        when(new SeatEvent.KeyRead(entry(50, RankEntry.State.LIVE, 1, 2), ticket(0, 100)));
        assertThat(state)
                .isInstanceOfSatisfying(
                        SeatState.Ended.class,
                        ended -> assertThat(ended.reason()).contains("reachable from 10.0.0.3:4000, not from here"));
        state = asking;
        when(new SeatEvent.WitnessesAnswered(Answer.SILENT, "", ticket(0, 100)));
        assertThat(state).isInstanceOf(SeatState.Claiming.class);
    }

    @Test // a claim on the bytes that the newcomer has read can't be applied after the answer
    void writesItsEntryAgainWhenANewcomerAsks() {
        Versioned<RankEntry> own = givenASeat();
        when(new SeatEvent.Asked(0));
        Versioned<RankEntry> anew = claimed();

        assertThat(((SeatEffect.WriteKey) effects.getFirst()).expected()).isEqualTo(own.bytes());
        assertThat(value(anew)).isEqualTo(value(own).with(RankEntry.State.LIVE, HANDLE));
        when(new SeatEvent.Written(anew.bytes(), true));
        assertThat(effects).containsExactly(new SeatEffect.Take(value(anew)));
        when(new SeatEvent.Asked(0));
        assertThat(effects).as("that claim fails already").isEmpty();
    }

    @Test
    void writesItsEntryAgainAfterAWriteTheNewcomerMayHaveRead() {
        givenASeat();
        when(new SeatEvent.HandleChanged(handle(9)));
        Versioned<RankEntry> changed = claimed();
        when(new SeatEvent.Asked(1));
        assertThat(effects).as("one operation per key at a time").isEmpty();
        when(new SeatEvent.Written(changed.bytes(), true));

        assertThat(effects)
                .hasSize(2)
                .contains(new SeatEffect.Take(value(changed)))
                .last()
                .isInstanceOfSatisfying(
                        SeatEffect.WriteKey.class,
                        write -> assertThat(value(write.next()).revision()).isEqualTo(2));
    }

    @Test // its claim may be applied yet, and then nobody would hold the seat
    void doesNotGiveUpWhileTheStoreHoldsItsClaimedEntry() {
        Versioned<RankEntry> there = entry(50, RankEntry.State.LIVE, 0, 2);
        lookedAt(there, ticket(0, 100));
        when(new SeatEvent.IncumbentAnswered(Answer.HOLDS, "", ticket(0, 100)));
        when(new SeatEvent.KeyRead(there, ticket(0, 100)));

        assertThat(effects).containsExactly(new SeatEffect.Pause(SeatMachine.PAUSE_MS));
    }

    @Test
    void asksTheNextIncumbentIfTheSeatChangedHands() {
        lookedAt(entry(50, RankEntry.State.LIVE, 0, 2), ticket(0, 100));
        when(new SeatEvent.IncumbentAnswered(Answer.HOLDS, "", ticket(0, 100)));
        Versioned<RankEntry> next = entry(60, RankEntry.State.LIVE, 0, 3);
        when(new SeatEvent.KeyRead(next, ticket(0, 100)));

        assertThat(effects).containsExactly(new SeatEffect.AskIncumbent(value(next)));
    }

    @Test // PROTOCOL 2: own bytes after a failure mean success
    void recognisesItsOwnClaimWhenTheAnswerWasLost() {
        lookedAt(null, ticket(0, 100));
        Versioned<RankEntry> own = claimed();
        when(new SeatEvent.StoreFailed("no answer", false));
        assertThat(effects).containsExactly(new SeatEffect.Pause(SeatMachine.PAUSE_MS));
        when(new SeatEvent.PauseOver());
        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
        when(new SeatEvent.KeyRead(own, ticket(0, 200)));

        assertThat(effects).containsExactly(new SeatEffect.Take(value(own)));
    }

    @Test
    void writesItsEntryAgainWhenItIsMissing() {
        givenASeat();
        when(new SeatEvent.KeySeen(null));
        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
        when(new SeatEvent.KeyRead(null, ticket(0, 200)));

        assertThat(value(claimed()).revision()).isEqualTo(1);
    }

    @Test // R-12, PROTOCOL 2: a delayed cleaner must not leave a live rank GONE
    void writesItsEntryAgainWhenItIsGoneUnderItsOwnLife() {
        RankEntry own = value(givenASeat());
        var gone = new RankEntry(GROUP, 2, own.member(), RankEntry.State.GONE, 5, own.handle());
        Versioned<RankEntry> there = new Versioned<>(Schema.encode(gone), gone);
        when(new SeatEvent.KeySeen(there));
        when(new SeatEvent.KeyRead(there, ticket(0, 200)));

        assertThat(value(claimed())).satisfies(next -> {
            assertThat(next.state()).isEqualTo(RankEntry.State.LIVE);
            assertThat(next.revision()).isEqualTo(6);
            assertThat(next.member()).isEqualTo(own.member());
        });
    }

    @Test
    void aNewerLifeEndsIt() {
        givenASeat();
        when(new SeatEvent.KeySeen(entry(500, RankEntry.State.LIVE, 0, 2)));

        assertThat(state)
                .isInstanceOfSatisfying(
                        SeatState.Ended.class, ended -> assertThat(ended.end()).isEqualTo(SeatState.End.SUPERSEDED));
    }

    @Test
    void anOlderLifeIsReplaced() {
        RankEntry own = value(givenASeat());
        Versioned<RankEntry> older = entry(50, RankEntry.State.LIVE, 9, 2);
        when(new SeatEvent.KeySeen(older));
        when(new SeatEvent.KeyRead(older, ticket(0, 200)));

        assertThat(value(claimed()).member()).isEqualTo(own.member());
    }

    @Test // found by simulation: its tombstone was lost, and its clock was behind
    void aRestoredTombstoneOfANewerLifeEndsItAndSaysWhy() {
        givenASeat();
        when(new SeatEvent.KeySeen(entry(500, RankEntry.State.GONE, 2, 2)));

        assertThat(state)
                .isInstanceOfSatisfying(
                        SeatState.Ended.class,
                        ended -> assertThat(ended.reason()).contains("clock of this host"));
    }

    @Test // PROTOCOL 1, found by simulation: only the epoch's vector still knew of the newer life
    void aNewerLifeThatTheVectorOrAMarkNamesEndsIt() {
        RankEntry own = value(givenASeat());
        SeatState held = state;
        when(new SeatEvent.LifeKnown(own.member()));
        assertThat(state).isEqualTo(held);
        when(new SeatEvent.LifeKnown(new Member(1, 500, new LifeId(0, 1))));

        assertThat(state)
                .isInstanceOfSatisfying(
                        SeatState.Ended.class,
                        ended -> assertThat(ended.reason()).contains("clock of this host"));
    }

    @Test
    void publishesAChangedHandleWithTheNextRevision() {
        Versioned<RankEntry> own = givenASeat();
        when(new SeatEvent.HandleChanged(handle(9)));

        assertThat(value(claimed())).satisfies(next -> {
            assertThat(next.revision()).isEqualTo(1);
            assertThat(next.handle()).isEqualTo(handle(9));
        });
        assertThat(((SeatEffect.WriteKey) effects.getFirst()).expected()).isEqualTo(own.bytes());
    }

    @Test // G-2
    void leavingWritesLeftAndEndsTheSeat() {
        RankEntry own = value(givenASeat());
        when(new SeatEvent.LeaveRequested());
        Versioned<RankEntry> left = claimed();
        assertThat(value(left).state()).isEqualTo(RankEntry.State.LEFT);
        when(new SeatEvent.Written(left.bytes(), true));

        assertThat(effects).containsExactly(new SeatEffect.End(own.member(), SeatState.End.LEFT, "left"));
    }

    /** What the key holds while no write is applied. */
    private enum There {
        NOTHING(null),
        GARBAGE(new Versioned<>(StoredBytes.copyOf(new byte[] {1}), null)),
        FOREIGN(new Versioned<>(StoredBytes.foreign("a String"), null)),
        LEFT(entry(50, RankEntry.State.LEFT, 3, 2)),
        GONE(entry(50, RankEntry.State.GONE, 3, 2)),
        LIVE(entry(50, RankEntry.State.LIVE, 3, 2));

        private final @Nullable Versioned<RankEntry> value;

        There(@Nullable Versioned<RankEntry> value) {
            this.value = value;
        }
    }

    /** The operations of a seat while nothing that it does succeeds; ends with the seat, or after 20 pauses. */
    private int mostOperationsWithoutAPause(List<SeatEvent> begin, @Nullable There there) {
        var waiting = new ArrayDeque<>(begin);
        int pauses = 0;
        int operations = 0;
        int most = 0;
        while (!waiting.isEmpty() && pauses < 20) {
            when(waiting.poll());
            for (SeatEffect effect : effects) {
                operations++;
                waiting.add(
                        switch (effect) {
                            case SeatEffect.ReadKey _ ->
                                there == null
                                        ? new SeatEvent.StoreFailed("no answer", false)
                                        : new SeatEvent.KeyRead(there.value, ticket(0, 100 + pauses));
                            case SeatEffect.WriteKey(var _, var next) ->
                                there == null
                                        ? new SeatEvent.StoreFailed("no answer", false)
                                        : new SeatEvent.Written(next.bytes(), false);
                            case SeatEffect.AskIncumbent _ ->
                                new SeatEvent.IncumbentAnswered(Answer.GONE, "", ticket(0, 100 + pauses));
                            case SeatEffect.AskWitnesses _ ->
                                new SeatEvent.WitnessesAnswered(Answer.GONE, "", ticket(0, 100 + pauses));
                            case SeatEffect.Pause _ -> new SeatEvent.PauseOver();
                            case SeatEffect.Take _, SeatEffect.End _ -> new SeatEvent.Asked(-1);
                        });
                if (effect instanceof SeatEffect.Pause) {
                    pauses++;
                    most = Math.max(most, operations);
                    operations = 0;
                }
            }
            assertThat(operations).as("operations without a pause").isLessThan(10);
        }
        assertThat(pauses > 0 || state instanceof SeatState.Ended)
                .as("it pauses or ends: %s", state)
                .isTrue();
        return most;
    }

    @ParameterizedTest
    @NullSource // the store does not answer
    @EnumSource(There.class)
    void noFailureIsFollowedByTheSameQuestionAtOnce(@Nullable There there) {
        List<SeatEvent> claim = List.of(new SeatEvent.ClaimRequested(HANDLE));
        assertThat(mostOperationsWithoutAPause(claim, there)).isLessThanOrEqualTo(6);
        for (SeatEvent event : List.of(
                new SeatEvent.KeySeen(there == null ? null : there.value),
                new SeatEvent.HandleChanged(handle(9)),
                new SeatEvent.Asked(5),
                new SeatEvent.LeaveRequested())) {
            state = new SeatState.Idle();
            givenASeat();
            assertThat(mostOperationsWithoutAPause(List.of(event), there))
                    .as("%s", event)
                    .isLessThanOrEqualTo(6);
        }
    }

    @Test
    void pausesAfterItHasWrittenOverAForeignValue() {
        RankEntry own = value(givenASeat());
        when(new SeatEvent.KeySeen(There.GARBAGE.value));
        when(new SeatEvent.KeyRead(There.GARBAGE.value, ticket(0, 200)));
        Versioned<RankEntry> again = claimed();
        when(new SeatEvent.Written(again.bytes(), true));
        assertThat(effects)
                .containsExactly(new SeatEffect.Take(value(again)), new SeatEffect.Pause(SeatMachine.PAUSE_MS));
        when(new SeatEvent.KeySeen(There.GARBAGE.value));
        assertThat(effects).as("overwritten again").isEmpty();
        when(new SeatEvent.PauseOver());
        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
        assertThat(value(again).member()).isEqualTo(own.member());
    }

    @Test
    void aClosedStoreEndsAClaimAtOnce() {
        lookedAt(null, ticket(0, 100));
        when(new SeatEvent.StoreFailed("the segment store is closed", true));

        assertThat(effects)
                .containsExactly(new SeatEffect.End(null, SeatState.End.STORE_CLOSED, "the segment store is closed"));
    }

    @Test
    void readsAgainAfterAPauseIfTheStoreDoesNotAnswer() {
        when(new SeatEvent.ClaimRequested(HANDLE));
        when(new SeatEvent.StoreFailed("no answer after 3000 ms", false));
        assertThat(effects).containsExactly(new SeatEffect.Pause(SeatMachine.PAUSE_MS));
        when(new SeatEvent.PauseOver());

        assertThat(effects).containsExactly(new SeatEffect.ReadKey());
    }
}
