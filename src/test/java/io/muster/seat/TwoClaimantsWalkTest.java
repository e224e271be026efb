// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.SeatRunner;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Walks every state of a rank's holder and a newcomer that wants its seat: two production seat machines, one key, a way
 * between them that may be cut, and writes that are applied long after their deadline. In no state have both given up
 * (R-10).
 */
@Timeout(120)
class TwoClaimantsWalkTest {
    private static final SeatMachine.Setup SETUP = new SeatMachine.Setup(new GroupName("walk"), 1, 0);
    private static final int HOLDER = 0;
    private static final int NEWCOMER = 1;
    private static final long MAX_REVISION = 4;

    /** The one operation that a claimant waits for. */
    private sealed interface Waits {
        record Nothing() implements Waits {}

        record Read() implements Waits {}

        record Write(@Nullable StoredBytes expected, Versioned<RankEntry> next) implements Waits {}

        record Answered(RankEntry about, boolean asked) implements Waits {}

        record Witnesses() implements Waits {}

        record Pause() implements Waits {}
    }

    /** The machines, their open operations, the key, writes that missed their deadlines, and the faults left. */
    private record State(
            List<SeatState> seats,
            List<Waits> waits,
            Versioned<RankEntry> key,
            List<Waits.Write> late,
            boolean cut,
            int cuts,
            int delays,
            int lives) {}

    private record Move(String what, State to) {}

    /** False: the newcomer believes that its claims are over without having read it. */
    private boolean reads = true;

    @Test
    void oneOfTwoAlwaysKeepsTheSeat() {
        Walked walked = walk();
        System.out.printf("walk: two claimants: %d states%n", walked.states());
        assertThat(walked.bothHaveGivenUp())
                .as("the way to where both have given up")
                .isNull();
        assertThat(walked.holderHasKeptIt() && walked.newcomerHasGotIt())
                .as("both ends are reached")
                .isTrue();
    }

    @Test
    void aNewcomerThatGivesUpTooEarlyWouldLeaveTheSeatEmpty() {
        reads = false;
        assertThat(walk().bothHaveGivenUp()).isNotNull().contains("a late write is applied, or not");
    }

    private record Walked(
            int states, @Nullable List<String> bothHaveGivenUp, boolean holderHasKeptIt, boolean newcomerHasGotIt) {}

    private Walked walk() {
        Versioned<RankEntry> held = seen(new RankEntry(
                SETUP.group(), 1, new Member(0, 1, new LifeId(0, 1)), RankEntry.State.LIVE, 0, handle(HOLDER)));
        var first = new State(
                List.of(new SeatState.Held(held, SeatState.Held.Work.NONE, null, false), new SeatState.Idle()),
                List.of(new Waits.Nothing(), new Waits.Nothing()),
                held,
                List.of(),
                false,
                2,
                2,
                1);
        Map<State, Integer> known = new HashMap<>();
        List<State> states = new ArrayList<>();
        List<Integer> parents = new ArrayList<>();
        List<String> how = new ArrayList<>();
        State start = event(first, NEWCOMER, new SeatEvent.ClaimRequested(handle(NEWCOMER)));
        known.put(start, 0);
        states.add(start);
        parents.add(-1);
        how.add("start");
        boolean holderHasKeptIt = false;
        boolean newcomerHasGotIt = false;
        for (int at = 0; at < states.size(); at++) {
            State state = states.get(at);
            boolean holderIsOver = state.seats().getFirst() instanceof SeatState.Ended;
            boolean newcomerIsOver = state.seats().getLast() instanceof SeatState.Ended;
            if (holderIsOver && newcomerIsOver) {
                List<String> way = new ArrayList<>();
                for (int step = at; step >= 0; step = parents.get(step)) {
                    way.addFirst(how.get(step));
                }
                return new Walked(states.size(), way, holderHasKeptIt, newcomerHasGotIt);
            }
            holderHasKeptIt |= newcomerIsOver;
            newcomerHasGotIt |= holderIsOver && state.seats().getLast() instanceof SeatState.Held;
            if (Objects.requireNonNull(state.key().value()).revision() >= MAX_REVISION) {
                continue;
            }
            for (Move move : moves(state)) {
                if (known.putIfAbsent(move.to(), states.size()) == null) {
                    states.add(move.to());
                    parents.add(at);
                    how.add(move.what());
                }
            }
        }
        return new Walked(states.size(), null, holderHasKeptIt, newcomerHasGotIt);
    }

    private List<Move> moves(State state) {
        List<Move> moves = new ArrayList<>();
        if (state.cut()) {
            moves.add(new Move("the way is open again", cut(state, false)));
        } else if (state.cuts() > 0) {
            moves.add(new Move("the way is cut", cut(state, true)));
        }
        for (int who = 0; who < 2; who++) {
            step(state, who, moves);
            if (state.seats().get(who) instanceof SeatState.Held held
                    && !held.current().equals(state.key())) {
                moves.add(new Move(who + " sees its key", event(state, who, new SeatEvent.KeySeen(state.key()))));
            }
        }
        for (Waits.Write write : state.late()) {
            List<Waits.Write> left = new ArrayList<>(state.late());
            left.remove(write);
            moves.add(new Move(
                    "a late write is applied, or not",
                    new State(
                            state.seats(),
                            state.waits(),
                            applied(state, write),
                            left,
                            state.cut(),
                            state.cuts(),
                            state.delays(),
                            state.lives())));
        }
        return moves;
    }

    private void step(State state, int who, List<Move> moves) {
        State idle = waits(state, who, new Waits.Nothing());
        switch (state.waits().get(who)) {
            case Waits.Nothing _ -> {}
            case Waits.Read _ -> {
                Versioned<RankEntry> seen = reads
                                || !(state.seats().get(who) instanceof SeatState.Confirming confirming)
                        ? state.key()
                        : seen(Objects.requireNonNull(confirming.incumbent().value())
                                .with(RankEntry.State.LIVE, handle(1 - who)));
                moves.add(new Move(who + " reads", event(idle, who, new SeatEvent.KeyRead(seen, ticket(state)))));
            }
            case Waits.Write write -> {
                boolean fits = state.key().bytes().equals(write.expected());
                State written = new State(
                        idle.seats(),
                        idle.waits(),
                        applied(state, write),
                        idle.late(),
                        idle.cut(),
                        idle.cuts(),
                        idle.delays(),
                        idle.lives());
                moves.add(new Move(
                        who + " writes",
                        event(written, who, new SeatEvent.Written(write.next().bytes(), fits))));
                if (state.delays() > 0) {
                    List<Waits.Write> late = new ArrayList<>(state.late());
                    late.add(write);
                    moves.add(new Move(
                            who + " misses its deadline",
                            event(
                                    new State(
                                            idle.seats(),
                                            idle.waits(),
                                            idle.key(),
                                            late,
                                            idle.cut(),
                                            idle.cuts(),
                                            idle.delays() - 1,
                                            idle.lives()),
                                    who,
                                    new SeatEvent.StoreFailed("late", false))));
                }
            }
            case Waits.Answered answered -> answers(state, who, answered, moves);
            case Waits.Witnesses _ ->
                moves.add(new Move(
                        "there are no witnesses",
                        event(idle, who, new SeatEvent.WitnessesAnswered(Answer.SILENT, "", ticket(state)))));
            case Waits.Pause _ -> moves.add(new Move(who + " has paused", event(idle, who, new SeatEvent.PauseOver())));
        }
    }

    private void answers(State state, int who, Waits.Answered waiting, List<Move> moves) {
        int other = 1 - who;
        boolean own = waiting.about().handle().equals(handle(who));
        SeatState there = state.seats().get(own ? who : other);
        if (state.cut() && !own) {
            moves.add(answer(state, who, Answer.SILENT));
        } else if (!holds(there, waiting.about().member())) {
            moves.add(answer(state, who, Answer.GONE));
        } else if (there instanceof SeatState.Held held
                && held.work() == SeatState.Held.Work.NONE
                && held.entry().revision() > waiting.about().revision()) {
            moves.add(answer(state, who, Answer.HOLDS));
        } else if (!waiting.asked()) {
            moves.add(new Move(
                    who + " asks",
                    event(
                            waits(state, who, new Waits.Answered(waiting.about(), true)),
                            own ? who : other,
                            new SeatEvent.Asked(waiting.about().revision()))));
        } else {
            moves.add(answer(state, who, Answer.HOLDS));
        }
    }

    private static Move answer(State state, int who, Answer answer) {
        return new Move(
                who + " hears " + answer,
                event(
                        waits(state, who, new Waits.Nothing()),
                        who,
                        new SeatEvent.IncumbentAnswered(answer, "", ticket(state))));
    }

    /** As {@link SeatRunner#holds}. */
    private static boolean holds(SeatState seat, Member member) {
        return seat instanceof SeatState.Held held && held.member().equals(member)
                || seat instanceof SeatState.Claiming(var _, var _, var next, var _)
                        && next.value() != null
                        && next.value().member().equals(member);
    }

    private static Versioned<RankEntry> applied(State state, Waits.Write write) {
        return state.key().bytes().equals(write.expected()) ? write.next() : state.key();
    }

    private static State event(State state, int who, SeatEvent event) {
        var step = SeatMachine.transition(SETUP, state.seats().get(who), event);
        List<SeatState> seats = new ArrayList<>(state.seats());
        seats.set(who, step.next());
        State next = new State(
                seats,
                state.waits(),
                state.key(),
                state.late(),
                state.cut(),
                state.cuts(),
                state.delays(),
                state.lives()
                        + (step.next() instanceof SeatState.Claiming
                                        && !(state.seats().get(who) instanceof SeatState.Claiming)
                                ? 1
                                : 0));
        for (SeatEffect effect : step.effects()) {
            next = switch (effect) {
                case SeatEffect.ReadKey _ -> waits(next, who, new Waits.Read());
                case SeatEffect.WriteKey(var expected, var entry) -> waits(next, who, new Waits.Write(expected, entry));
                case SeatEffect.AskIncumbent(RankEntry incumbent) ->
                    waits(next, who, new Waits.Answered(incumbent, false));
                case SeatEffect.AskWitnesses _ -> waits(next, who, new Waits.Witnesses());
                case SeatEffect.Pause _ -> waits(next, who, new Waits.Pause());
                case SeatEffect.Take _, SeatEffect.End _ -> next;
            };
        }
        return next;
    }

    private static State waits(State state, int who, Waits what) {
        List<Waits> all = new ArrayList<>(state.waits());
        all.set(who, what);
        return new State(
                state.seats(),
                all,
                state.key(),
                state.late(),
                state.cut(),
                state.cuts(),
                state.delays(),
                state.lives());
    }

    private static State cut(State state, boolean cut) {
        return new State(
                state.seats(),
                state.waits(),
                state.key(),
                state.late(),
                cut,
                cut ? state.cuts() - 1 : state.cuts(),
                state.delays(),
                state.lives());
    }

    private static SeatEvent.Ticket ticket(State state) {
        return new SeatEvent.Ticket(0, 0, new LifeId(0, state.lives() + 1));
    }

    private static SegmentHandle handle(int who) {
        return new SegmentHandle(
                new ProcessId(0, who + 1),
                "h" + who,
                1,
                "",
                who,
                "",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
    }

    private static Versioned<RankEntry> seen(RankEntry entry) {
        return new Versioned<>(Schema.encode(entry), entry);
    }
}
