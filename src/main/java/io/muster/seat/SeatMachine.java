// SPDX-License-Identifier: Apache-2.0

package io.muster.seat;

import io.muster.group.GroupName;
import io.muster.group.HostPort;
import io.muster.group.Member;
import io.muster.peer.LinkMessage;
import io.muster.seat.SeatState.Held;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The machine of one seat: it claims a rank and publishes its handle by one compare-and-set, defends the seat, and
 * gives it up. Pure and total.
 *
 * <p><b>What it holds.</b> One {@link SeatState}, of one rank of one process. The barrier's {@code SeatRunner} is its
 * shell.
 *
 * <p><b>Threads.</b> None: a transition is a function of its arguments. The clock, the new identity and the greatest
 * known incarnation come in with the event ({@link SeatEvent.Ticket}).
 *
 * <p><b>Order of events.</b> Read the key. If it is absent or LEFT, claim it. Otherwise ask the incumbent's process; if
 * it is silent, ask two witnesses. An incumbent that answers keeps the rank; one that is gone, or silent to all, is
 * replaced. After the claim is applied, a holder writes its entry again if it finds the key absent, unreadable, or GONE
 * under its own life. A newer life in the key ends it.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A holder has at most one operation on its key under way.
 *   <li>A claim is a compare-and-set on the bytes that were read, with an incarnation above every known one.
 *   <li>After a write that was not applied, or whose outcome is unknown, the key is read. Own bytes there mean that the
 *       write was applied. The store's event with own bytes means the same, even before the answer.
 *   <li>A newcomer reports the rank as taken only after it has read other bytes than its claims were for. A claim
 *       applied later, after its process has ended, would leave the seat without a holder. Therefore an incumbent that
 *       is asked writes its entry again.
 * </ul>
 *
 * <p><b>No retry without a pause.</b> After a failure, or after a write that was refused although nobody else's entry
 * is there, the key is read again only after {@link #PAUSE_MS}; the same after the entry was written over a value that
 * this life had not written. So two processes that overwrite each other, or a program that locks the key, cost a few
 * operations a second.
 *
 * <p><b>The trap that shaped it.</b> The order of lives is the order in which the store applies their claims, not the
 * order of its answers. When an answer or event arrives, the next life may have been applied already. So a claim ends
 * as soon as the key is seen to hold a newer life, whatever the answer says. If no newer life was seen, the answer is
 * believed, however late it is. A further read before the seat is taken could be as late, and would cost every start a
 * round trip to the store. A seat taken on such a late answer ends when its process sees the newer life. Until then its
 * peers refuse its links, and its mark is in no vector.
 */
public final class SeatMachine {
    /** Wait after a store operation that failed, and before reading a contested key again. */
    static final long PAUSE_MS = 200;

    private static final int LEAVE_TRIES = 5;

    private SeatMachine() {}

    /** Which seat. */
    public record Setup(GroupName group, int worldSize, int rank) {}

    /** One transition. */
    public record Step(SeatState next, List<SeatEffect> effects) {
        public Step {
            effects = List.copyOf(effects);
        }
    }

    public static Step transition(Setup setup, SeatState state, SeatEvent event) {
        return switch (state) {
            case SeatState.Idle idle ->
                switch (event) {
                    case SeatEvent.ClaimRequested(SegmentHandle handle) -> look(handle);
                    case SeatEvent.LeaveRequested _ -> ended(null, SeatState.End.LEFT, "left before it had a seat");
                    case SeatEvent other -> stay(idle);
                };
            case SeatState.Looking(SegmentHandle handle) ->
                switch (event) {
                    case SeatEvent.KeyRead read -> looked(setup, handle, read);
                    case SeatEvent other -> unseated(state, handle, other);
                };
            case SeatState.AskingIncumbent(SegmentHandle handle, Versioned<RankEntry> incumbent) ->
                switch (event) {
                    case SeatEvent.IncumbentAnswered answered -> incumbentAnswered(setup, handle, incumbent, answered);
                    case SeatEvent other -> unseated(state, handle, other);
                };
            case SeatState.AskingWitnesses(SegmentHandle handle, Versioned<RankEntry> incumbent) ->
                switch (event) {
                    case SeatEvent.WitnessesAnswered answered -> witnessesAnswered(setup, handle, incumbent, answered);
                    case SeatEvent other -> unseated(state, handle, other);
                };
            case SeatState.Confirming confirming ->
                switch (event) {
                    case SeatEvent.KeyRead read -> confirmed(setup, confirming, read);
                    case SeatEvent other -> unseated(state, confirming.handle(), other);
                };
            case SeatState.Claiming claiming -> claiming(setup, claiming, event);
            case SeatState.Pausing(SegmentHandle handle, String _) ->
                switch (event) {
                    case SeatEvent.PauseOver _ -> look(handle);
                    case SeatEvent other -> unseated(state, handle, other);
                };
            case Held seat -> holding(seat, event);
            case SeatState.Leaving leaving -> leaving(leaving, event);
            case SeatState.Ended over -> stay(over);
        };
    }

    // ---- before the seat is held

    private static Step claiming(Setup setup, SeatState.Claiming state, SeatEvent event) {
        SegmentHandle handle = state.handle();
        Versioned<RankEntry> next = state.next();
        return switch (event) {
            case SeatEvent.Written(StoredBytes bytes, boolean applied)
            when bytes.equals(next.bytes()) -> applied ? held(next) : lookKeeping(state);
            case SeatEvent.KeyRead read when next.equals(read.seen()) -> held(next);
            case SeatEvent.KeySeen(var seen)
            when next.equals(seen) -> held(next); // the store's event may arrive before its answer
            case SeatEvent.KeySeen(var seen) when isNewer(seen, next) -> look(handle);
            case SeatEvent.KeyRead(var seen, var _)
            when Objects.equals(Versioned.bytesOf(seen), state.expected()) || (seen != null && seen.value() == null) ->
                pause(
                        handle,
                        "its claim was not applied, although its key holds no newer entry: another program holds a lock"
                                + " on the key, or keeps changing it");
            case SeatEvent.KeyRead read -> looked(setup, handle, read);
            case SeatEvent.StoreFailed(String _, boolean closed)
            when !closed ->
                new Step(
                        new SeatState.Claiming(handle, state.expected(), next, true),
                        List.of(new SeatEffect.Pause(PAUSE_MS)));
            case SeatEvent.PauseOver _ when state.paused() -> lookKeeping(state);
            case SeatEvent other -> unseated(state, handle, other);
        };
    }

    private static Step unseated(SeatState state, SegmentHandle handle, SeatEvent event) {
        return switch (event) {
            case SeatEvent.StoreFailed(String reason, boolean closed) ->
                closed
                        ? ended(null, SeatState.End.STORE_CLOSED, reason)
                        : pause(handle, "the store has not answered: " + reason);
            case SeatEvent.LeaveRequested _ -> ended(null, SeatState.End.LEFT, "left before it had a seat");
            case SeatEvent.ClaimRequested _,
                    SeatEvent.KeyRead _,
                    SeatEvent.Written _,
                    SeatEvent.KeySeen _,
                    SeatEvent.IncumbentAnswered _,
                    SeatEvent.WitnessesAnswered _,
                    SeatEvent.HandleChanged _,
                    SeatEvent.PauseOver _,
                    SeatEvent.Asked _,
                    SeatEvent.LifeKnown _ -> stay(state);
        };
    }

    private static Step look(SegmentHandle handle) {
        return new Step(new SeatState.Looking(handle), List.of(new SeatEffect.ReadKey()));
    }

    /** Reads the key without forgetting what was being claimed. */
    private static Step lookKeeping(SeatState.Claiming state) {
        return new Step(
                new SeatState.Claiming(state.handle(), state.expected(), state.next(), false),
                List.of(new SeatEffect.ReadKey()));
    }

    private static Step pause(SegmentHandle handle, String reason) {
        return new Step(new SeatState.Pausing(handle, reason), List.of(new SeatEffect.Pause(PAUSE_MS)));
    }

    private static Step looked(Setup setup, SegmentHandle handle, SeatEvent.KeyRead read) {
        Versioned<RankEntry> seen = read.seen();
        RankEntry incumbent = Versioned.valueOf(seen);
        if (seen == null || incumbent == null || incumbent.state() == RankEntry.State.LEFT) {
            return claim(setup, handle, seen, read.ticket());
        }
        return new Step(new SeatState.AskingIncumbent(handle, seen), List.of(new SeatEffect.AskIncumbent(incumbent)));
    }

    private static Step incumbentAnswered(
            Setup setup, SegmentHandle handle, Versioned<RankEntry> incumbent, SeatEvent.IncumbentAnswered answered) {
        RankEntry entry = incumbent.value();
        if (entry == null) {
            return look(handle);
        }
        return switch (answered.answer()) {
            case HOLDS -> confirm(handle, incumbent, "it answers");
            case GONE -> claim(setup, handle, incumbent, answered.ticket());
            case SILENT ->
                new Step(new SeatState.AskingWitnesses(handle, incumbent), List.of(new SeatEffect.AskWitnesses(entry)));
        };
    }

    private static Step witnessesAnswered(
            Setup setup, SegmentHandle handle, Versioned<RankEntry> incumbent, SeatEvent.WitnessesAnswered answered) {
        RankEntry entry = incumbent.value();
        if (entry == null) {
            return look(handle);
        }
        return switch (answered.answer()) {
            case HOLDS -> confirm(handle, incumbent, "reachable from " + answered.detail() + ", not from here");
            case GONE, SILENT -> claim(setup, handle, incumbent, answered.ticket());
        };
    }

    private static Step confirm(SegmentHandle handle, Versioned<RankEntry> incumbent, String how) {
        return new Step(new SeatState.Confirming(handle, incumbent, how), List.of(new SeatEffect.ReadKey()));
    }

    private static Step confirmed(Setup setup, SeatState.Confirming state, SeatEvent.KeyRead read) {
        RankEntry there = Versioned.valueOf(read.seen());
        RankEntry incumbent = Objects.requireNonNull(state.incumbent().value());
        if (state.incumbent().equals(read.seen())) {
            SegmentHandle handle = incumbent.handle();
            return pause(
                    state.handle(),
                    "held by pid " + handle.pid() + " at " + HostPort.text(handle.host(), handle.port()) + " ("
                            + state.how() + "), which has not written its entry again yet");
        }
        return there == null || there.member().equals(incumbent.member())
                ? taken(setup, incumbent, state.how())
                : looked(setup, state.handle(), read);
    }

    private static Step taken(Setup setup, RankEntry incumbent, String how) {
        SegmentHandle there = incumbent.handle();
        return ended(
                null,
                SeatState.End.TAKEN,
                "rank " + setup.rank() + " of group " + setup.group() + " is held by pid " + there.pid() + " at "
                        + HostPort.text(there.host(), there.port()) + " (" + how
                        + "); stop that process first, or join with another rank");
    }

    private static Step claim(
            Setup setup, SegmentHandle handle, @Nullable Versioned<RankEntry> there, SeatEvent.Ticket ticket) {
        RankEntry before = Versioned.valueOf(there);
        long incarnation = Math.max(
                        Math.max(before == null ? 0 : before.member().incarnation(), ticket.formerIncarnation()),
                        ticket.nowMs())
                + 1;
        var entry = new RankEntry(
                setup.group(),
                setup.worldSize(),
                new Member(setup.rank(), incarnation, ticket.life()),
                RankEntry.State.LIVE,
                0,
                handle);
        Versioned<RankEntry> next = seen(entry);
        StoredBytes expected = Versioned.bytesOf(there);
        return new Step(
                new SeatState.Claiming(handle, expected, next, false),
                List.of(new SeatEffect.WriteKey(expected, next)));
    }

    private static Step held(Versioned<RankEntry> current) {
        var seat = new Held(current, Held.Work.NONE, null, false);
        return new Step(seat, List.of(new SeatEffect.Take(seat.entry())));
    }

    // ---- while the seat is held

    private static Step holding(Held seat, SeatEvent event) {
        return switch (event) {
            case SeatEvent.LeaveRequested _ -> leave(seat.current(), 0);
            case SeatEvent.KeySeen(var seen) ->
                seat.work() == Held.Work.NONE ? seenWhileHolding(seat, seen, false) : newer(seat, seen);
            case SeatEvent.KeyRead read -> seenWhileHolding(work(seat, Held.Work.NONE), read.seen(), true);
            case SeatEvent.Written(StoredBytes bytes, boolean _)
            when !bytes.equals(seat.current().bytes()) -> stay(seat);
            case SeatEvent.Written(StoredBytes _, boolean applied)
            when applied && seat.work() == Held.Work.NONE -> stay(seat); // the store's event came first
            case SeatEvent.Written(StoredBytes _, boolean applied)
            when applied && seat.work() != Held.Work.ASSERTING ->
                rewrite(work(seat, Held.Work.NONE), List.of(new SeatEffect.Take(seat.entry())));
            case SeatEvent.Written(StoredBytes _, boolean applied) ->
                pause(seat, applied ? List.of(new SeatEffect.Take(seat.entry())) : List.of());
            case SeatEvent.StoreFailed _ -> pause(seat, List.of());
            case SeatEvent.PauseOver _ -> seat.work() == Held.Work.PAUSING ? read(seat) : stay(seat);
            case SeatEvent.HandleChanged(SegmentHandle handle) -> {
                var next = new Held(seat.current(), seat.work(), handle, seat.rewriteDue());
                yield next.work() == Held.Work.NONE ? rewrite(next, List.of()) : stay(next);
            }
            case SeatEvent.LifeKnown(Member member) ->
                member.isNewerThan(seat.member()) ? lostSuccessor(seat, member) : stay(seat);
            case SeatEvent.Asked(long revision) when seat.entry().revision() > revision -> stay(seat);
            case SeatEvent.Asked _ -> {
                var next = new Held(seat.current(), seat.work(), seat.wanted(), true);
                yield next.work() == Held.Work.NONE ? rewrite(next, List.of()) : stay(next);
            }
            case SeatEvent.ClaimRequested _, SeatEvent.IncumbentAnswered _, SeatEvent.WitnessesAnswered _ -> stay(seat);
        };
    }

    /** Reads the key again after a pause. */
    private static Step pause(Held seat, List<SeatEffect> effects) {
        return new Step(
                work(seat, Held.Work.PAUSING),
                Stream.concat(effects.stream(), Stream.of(new SeatEffect.Pause(PAUSE_MS)))
                        .toList());
    }

    private static Step read(Held seat) {
        return new Step(work(seat, Held.Work.READING), List.of(new SeatEffect.ReadKey()));
    }

    private static Step newer(Held seat, @Nullable Versioned<RankEntry> seen) {
        RankEntry there = Versioned.valueOf(seen);
        return there != null && there.member().isNewerThan(seat.member()) ? superseded(seat, there) : stay(seat);
    }

    /** Whether the key holds a newer life than this one, so that this one has ended or cannot begin. */
    private static boolean isNewer(@Nullable Versioned<RankEntry> seen, Versioned<RankEntry> own) {
        RankEntry there = Versioned.valueOf(seen);
        return there != null
                && there.member()
                        .isNewerThan(Objects.requireNonNull(own.value()).member());
    }

    /**
     * Compares the value of the key with the own entry. A push may be late, so a difference in a push is confirmed by a
     * read first.
     *
     * @param fresh the value comes from a read
     */
    private static Step seenWhileHolding(Held seat, @Nullable Versioned<RankEntry> seen, boolean fresh) {
        RankEntry there = Versioned.valueOf(seen);
        if (there != null && there.member().isNewerThan(seat.member())) {
            return superseded(seat, there);
        }
        if (seat.current().equals(seen)) {
            // own bytes after a write of unknown outcome: it was applied, and the shell does not know yet
            return rewrite(seat, fresh ? List.of(new SeatEffect.Take(seat.entry())) : List.of());
        }
        if (!fresh) {
            return read(seat);
        }
        long revision = Math.max(
                seat.entry().revision(), there != null && there.member().equals(seat.member()) ? there.revision() : 0);
        return write(seat, seen, revision, Held.Work.ASSERTING);
    }

    private static Step rewrite(Held seat, List<SeatEffect> effects) {
        if (!seat.rewriteDue()
                && (seat.wanted() == null || seat.wanted().equals(seat.entry().handle()))) {
            return new Step(new Held(seat.current(), seat.work(), null, false), effects);
        }
        Step write = write(seat, seat.current(), seat.entry().revision(), Held.Work.WRITING);
        return new Step(
                write.next(),
                Stream.concat(effects.stream(), write.effects().stream()).toList());
    }

    private static Step write(Held seat, @Nullable Versioned<RankEntry> there, long revision, Held.Work work) {
        RankEntry own = seat.entry();
        SegmentHandle handle = seat.wanted() == null ? own.handle() : seat.wanted();
        Versioned<RankEntry> next = seen(
                new RankEntry(own.group(), own.worldSize(), own.member(), RankEntry.State.LIVE, revision + 1, handle));
        return new Step(
                new Held(next, work, null, false), List.of(new SeatEffect.WriteKey(Versioned.bytesOf(there), next)));
    }

    private static Step superseded(Held seat, RankEntry by) {
        if (!by.isLive()) {
            return lostSuccessor(seat, by.member());
        }
        return ended(
                seat.member(),
                SeatState.End.SUPERSEDED,
                "rank " + seat.member().rank() + " of group " + seat.entry().group()
                        + " was taken over by a newer life, " + by.member() + ", of pid "
                        + by.handle().pid() + " at "
                        + HostPort.text(by.handle().host(), by.handle().port())
                        + ", because this process did not answer it; this life has ended");
    }

    private static Step lostSuccessor(Held seat, Member newer) {
        return ended(
                seat.member(),
                SeatState.End.SUPERSEDED,
                "rank " + seat.member().rank() + " of group " + seat.entry().group()
                        + " was claimed as " + seat.member() + ", but had had a newer life, " + newer
                        + ", whose entry the store had lost; this life"
                        + " has ended: join again, and set the clock of this host, which is behind");
    }

    // ---- giving it up

    private static Step leave(Versioned<RankEntry> current, int tries) {
        RankEntry own = Objects.requireNonNull(current.value());
        Versioned<RankEntry> next = seen(own.with(RankEntry.State.LEFT, own.handle()));
        return new Step(
                new SeatState.Leaving(next, tries, false), List.of(new SeatEffect.WriteKey(current.bytes(), next)));
    }

    private static Step leaving(SeatState.Leaving state, SeatEvent event) {
        Member member = Objects.requireNonNull(state.current().value()).member();
        return switch (event) {
            case SeatEvent.Written(StoredBytes bytes, boolean _)
            when !bytes.equals(state.current().bytes()) -> stay(state);
            case SeatEvent.Written(StoredBytes _, boolean applied) ->
                applied
                        ? ended(member, SeatState.End.LEFT, LinkMessage.LEFT)
                        : state.tries() == 0 ? readLeaving(state) : leaveLater(state);
            case SeatEvent.KeyRead read -> {
                RankEntry there = Versioned.valueOf(read.seen());
                boolean over = there == null || !there.member().equals(member) || there.state() == RankEntry.State.LEFT;
                yield over || state.tries() >= LEAVE_TRIES || read.seen() == null
                        ? ended(member, SeatState.End.LEFT, LinkMessage.LEFT)
                        : leave(read.seen(), state.tries() + 1);
            }
            case SeatEvent.StoreFailed(String reason, boolean closed) ->
                closed || state.tries() >= LEAVE_TRIES
                        ? ended(
                                member,
                                SeatState.End.LEFT,
                                "left, but LEFT could not be written to the store: " + reason)
                        : leaveLater(new SeatState.Leaving(state.current(), state.tries() + 1, true));
            case SeatEvent.PauseOver _ -> state.paused() ? readLeaving(state) : stay(state);
            case SeatEvent.ClaimRequested _,
                    SeatEvent.KeySeen _,
                    SeatEvent.IncumbentAnswered _,
                    SeatEvent.WitnessesAnswered _,
                    SeatEvent.HandleChanged _,
                    SeatEvent.LeaveRequested _,
                    SeatEvent.Asked _,
                    SeatEvent.LifeKnown _ -> stay(state);
        };
    }

    private static Step readLeaving(SeatState.Leaving state) {
        return new Step(
                new SeatState.Leaving(state.current(), state.tries(), false), List.of(new SeatEffect.ReadKey()));
    }

    private static Step leaveLater(SeatState.Leaving state) {
        return new Step(
                new SeatState.Leaving(state.current(), state.tries(), true), List.of(new SeatEffect.Pause(PAUSE_MS)));
    }

    private static Step ended(@Nullable Member member, SeatState.End end, String reason) {
        return new Step(new SeatState.Ended(reason, end), List.of(new SeatEffect.End(member, end, reason)));
    }

    private static Step stay(SeatState state) {
        return new Step(state, List.of());
    }

    private static Held work(Held seat, Held.Work work) {
        return new Held(seat.current(), work, seat.wanted(), seat.rewriteDue());
    }

    private static Versioned<RankEntry> seen(RankEntry entry) {
        StoredBytes bytes = Schema.encode(entry);
        return new Versioned<>(bytes, entry);
    }
}
