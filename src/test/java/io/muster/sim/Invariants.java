// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.Session;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.store.StoreKeys;
import io.muster.wire.Decoded;
import io.muster.wire.Digest;
import io.muster.wire.StoredBytes;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What must hold at every step, whatever goes wrong. Each check is made where the thing that it is about changes. */
final class Invariants {
    /** Silence is noticed after 3 s, a tick later at most; two liveness answers settle a lost close. */
    private static final long LET_GO_MS = 8_000;
    /** After a way is open again, what was held back arrives, and liveness is asked and answered. */
    private static final long SETTLES_MS = 3_000;

    private static final long LOOK_MS = 2_000;

    private final World world;
    private final StoreKeys keys = new StoreKeys(World.GROUP);
    private long sequence;
    private final Map<Member, @Nullable Member[]> told = new HashMap<>();
    private final Map<Member, Long> lastLoss = new HashMap<>();
    private final Map<Digest, Map<Member, Long>> marks = new HashMap<>();
    private final Map<Long, Set<List<Member>>> allConnected = new HashMap<>();
    private final Set<Long> completeEver = new HashSet<>();
    private final Map<SimProcess, Long> lastAllConnected = new HashMap<>();
    private final Map<SimProcess, Long> lastDegraded = new HashMap<>();
    private final Map<Integer, Member> newestClaimed = new HashMap<>();
    /** Every entry that the store has held at any time. */
    private final Set<RankEntry> everHeld = new HashSet<>();

    private final Map<Asked, Answer> lastAnswer = new HashMap<>();
    /** After a split, or a loss of entries, the order of claims is that of the half that a claim was made in. */
    boolean lineageBroken;

    long greatestEpoch;

    private record Asked(SimProcess by, int rank) {}

    /** The simulation has shown that a rule does not hold. */
    static final class Violation extends AssertionError {
        private static final long serialVersionUID = 1L;

        Violation(String message) {
            super(message);
        }
    }

    Invariants(World world) {
        this.world = world;
    }

    private static void require(boolean holds, String rule, Object... details) {
        if (!holds) {
            throw new Violation(rule + ": " + Arrays.toString(details));
        }
    }

    // ---- links

    void linkMoved(SimLink link, LinkEvent event, LinkState before, LinkState after) {
        if (before instanceof LinkState.Connected
                && (event instanceof LinkEvent.HandleWithdrawn || event instanceof LinkEvent.HandleRejected)) {
            require(
                    after instanceof LinkState.Connected,
                    "R-12: what the store says of a key tears down no link",
                    link.process,
                    event);
        }
        if (before instanceof LinkState.Connected && !(after instanceof LinkState.Connected)) {
            require(
                    isEvidence(event),
                    "R-9: CONNECTED ends by evidence on the path, a leave, a newer life, or a report",
                    link.process,
                    event,
                    after);
        }
        Member known = before.history().newest();
        Member now = after.history().newest();
        honest(link.process, now);
        require(
                known == null || (now != null && !known.isNewerThan(now)),
                "R-7: a link never goes back to an older life",
                link.process,
                known,
                now,
                event);
        if (after instanceof LinkState.Connected(var history, Session session, var _, var _)
                && !(before instanceof LinkState.Connected)) {
            require(
                    !history.over(),
                    "P-15: no link becomes CONNECTED to a life that is over",
                    link.process,
                    history.newest());
            if (session != null) {
                require(
                        link.process.channel(session.generation()) != null,
                        "P-12: no link becomes CONNECTED over a dead channel",
                        link.process);
                Member there = link.seat.rank == session.writer().rank() ? session.waiter() : session.writer();
                require(
                        there.equals(history.newest()),
                        "P-15: a link is CONNECTED to the newest life",
                        there,
                        history.newest());
            }
        }
    }

    /** S-1: who does not know the secret is no member for anybody. */
    private void honest(SimProcess process, @Nullable Member member) {
        require(
                world.stranger == null || !world.stranger.isLifeOf(member),
                "S-1: nobody knows a life that a stranger made up",
                process,
                member);
    }

    private static boolean isEvidence(LinkEvent event) {
        return switch (event) {
            case LinkEvent.ChannelLost _,
                    LinkEvent.CloseReceived _,
                    LinkEvent.OpenReceived _,
                    LinkEvent.PairNotHeld _,
                    LinkEvent.PathFailed _,
                    LinkEvent.PeerLeft _,
                    LinkEvent.HandlePublished _,
                    LinkEvent.Reported _,
                    LinkEvent.CloseRequested _ -> true;
            case LinkEvent.Started _,
                    LinkEvent.HandleRejected _,
                    LinkEvent.HandleWithdrawn _,
                    LinkEvent.ChannelReady _,
                    LinkEvent.LocalReady _,
                    LinkEvent.DialFailed _,
                    LinkEvent.ChannelUp _,
                    LinkEvent.PolicyAnswered _,
                    LinkEvent.AcceptReceived _,
                    LinkEvent.RefuseReceived _,
                    LinkEvent.SlotWritten _,
                    LinkEvent.WriteApplied _,
                    LinkEvent.WriteFailed _,
                    LinkEvent.TimerFired _,
                    LinkEvent.Drained _ -> false;
        };
    }

    /**
     * A process accuses another of silence: something must have kept it silent, and not the accuser's own sleep (P-9,
     * P-10).
     */
    void accused(SimChannel channel, long silentMs) {
        SimProcess peer = channel.peer;
        long sinceUs = world.clock.nowUs() - (silentMs + SETTLES_MS) * 1_000;
        require(
                peer.crashed
                        || peer.paused
                        || peer.resumedUs > sinceUs
                        || channel.isDeadThere()
                        || world.network.hasHeld(peer, channel.self, sinceUs)
                        || world.faults.mayStrike(Fault.MESSAGE_SLOW),
                "P-9: nobody is accused who was heard, or could have been",
                channel.self,
                peer,
                silentMs);
    }

    /** Looks whether an end has been CONNECTED alone for long, though the two processes reach each other (P-17). */
    void watchForLonelyEnds() {
        for (SimProcess process : world.living()) {
            process.seats
                    .values()
                    .forEach(seat -> seat.links.forEach(link -> {
                        link.lonelyLooks = isLonely(process, link) ? link.lonelyLooks + 1 : 0;
                        require(
                                link.lonelyLooks * LOOK_MS <= LET_GO_MS,
                                "P-17: no end stays CONNECTED alone",
                                process,
                                link.state);
                    }));
        }
        world.clock.after(LOOK_MS * 1_000, this::watchForLonelyEnds);
    }

    private boolean isLonely(SimProcess process, SimLink link) {
        if (!(link.state instanceof LinkState.Connected(var _, Session session, var _, var _))
                || session == null
                || process.paused) {
            return false;
        }
        SimChannel channel = process.channel(session.generation());
        if (channel == null
                || channel.peer.crashed
                || channel.peer.paused
                || channel.isDeadThere()
                || world.network.hasHeld(channel.peer, process, world.clock.nowUs() - SETTLES_MS * 1_000)) {
            return false;
        }
        SimSeat there = channel.peer.seats.get(link.peer);
        return there == null
                || there.links
                        .get(link.seat.rank)
                        .state
                        .agreed()
                        .map(Session::pairId)
                        .filter(session.pairId()::equals)
                        .isEmpty();
    }

    void lossReported(SimProcess process, Member self, Member peer) {
        @Nullable Member[] view = told.get(self);
        if (view != null && peer.equals(view[peer.rank()])) {
            view[peer.rank()] = null;
            lastLoss.put(self, ++sequence);
        }
    }

    void gainReported(SimProcess process, Member self, Member peer) {
        told.computeIfAbsent(self, _ -> new @Nullable Member[world.scenario.worldSize()])[peer.rank()] = peer;
    }

    /** From now on this life is over: no link may be CONNECTED to it some seconds later. */
    void lifeEnded(Member member) {
        world.clock.after(
                LET_GO_MS * 1_000,
                () -> world.processes.forEach(process -> {
                    if (process.crashed
                            || process.paused
                            || process.resumedUs > world.clock.nowUs() - LET_GO_MS * 1_000) {
                        return;
                    }
                    process.seats.values().forEach(seat -> {
                        if (seat.self != null && !seat.self.equals(member)) {
                            LinkState state = seat.links.get(member.rank()).state;
                            require(
                                    !(state instanceof LinkState.Connected
                                            && member.equals(state.history().newest())),
                                    "P-15: all links to an ended life leave CONNECTED",
                                    process,
                                    seat.self,
                                    member);
                        }
                    });
                }));
    }

    // ---- marks and epochs

    private @Nullable ReadyMark markAt(String key, @Nullable StoredBytes value) {
        return keys.parse(key, world.scenario.worldSize()).orElse(null) instanceof StoreKeys.Key.Ready
                ? mark(value)
                : null;
    }

    /** A process is about to write. */
    void writing(String key, @Nullable StoredBytes next) {
        ReadyMark mark = markAt(key, next);
        require(
                mark == null || marks.getOrDefault(mark.digest(), Map.of()).containsKey(mark.member()),
                "a mark is told before it is written",
                mark);
    }

    /** A process tells others what it has written, or a mark that it makes. */
    void marking(SimProcess process, String key, @Nullable StoredBytes value) {
        ReadyMark mark = markAt(key, value);
        if (mark == null || marks.getOrDefault(mark.digest(), Map.of()).containsKey(mark.member())) {
            return;
        }
        EpochRecord epoch = process.core.barrier().epoch();
        require(
                epoch != null && epoch.digest().equals(mark.digest()) && epoch.number() == mark.epoch(),
                "a mark carries the epoch that its process sees",
                process,
                mark,
                epoch);
        @Nullable Member[] view = told.get(mark.member());
        require(
                epoch != null && view != null && epoch.vector().equals(Arrays.asList(view)),
                "a mark is made only when all links are CONNECTED to exactly the vector",
                process,
                mark.member(),
                epoch,
                Arrays.toString(view));
        marks.computeIfAbsent(mark.digest(), _ -> new HashMap<>()).putIfAbsent(mark.member(), ++sequence);
    }

    void allConnected(SimProcess process, EpochRecord record) {
        record.vector().forEach(member -> honest(process, member));
        sameVector(process, record);
        require(
                process.core.seats().values().stream()
                        .anyMatch(seat -> seat instanceof SeatState.Held held
                                && record.vector().get(held.member().rank()).equals(held.member())),
                "nobody outside the vector is told",
                process,
                record);
        require(
                lastDegraded.getOrDefault(process, 0L) < record.number(),
                "B-2: degraded after all-connected, never before",
                process,
                record);
        require(
                lastAllConnected.getOrDefault(process, 0L) < record.number(),
                "each epoch is told once, in order",
                process,
                record);
        lastAllConnected.put(process, record.number());
        for (Member member : record.vector()) {
            if (process.core.holds(member)) {
                require(
                        lastLoss.getOrDefault(member, 0L)
                                < marks.get(record.digest()).get(member),
                        "B-2: a process that has lost a link since its mark does not believe COMPLETE",
                        process,
                        record);
            }
        }
    }

    void publishedAllConnected(SimProcess process, EpochRecord record) {
        sameVector(process, record);
    }

    /**
     * A life marks one vector of a number, so two sets with a life in common can't both be all-connected. Two whole
     * groups without one can, where every rank has got a new life while the store was split or had lost its data:
     * nobody is left who could know better.
     */
    private void sameVector(SimProcess process, EpochRecord record) {
        Set<List<Member>> known = allConnected.computeIfAbsent(record.number(), _ -> new HashSet<>());
        known.add(record.vector());
        known.forEach(other -> require(
                other.equals(record.vector()) || lineageBroken && Collections.disjoint(other, record.vector()),
                "B-2: one all-connected set per number",
                process,
                other,
                record));
        Map<Member, Long> marked = marks.getOrDefault(record.digest(), Map.of());
        require(
                marked.keySet().containsAll(record.vector()),
                "all-connected: every member has marked exactly this",
                process,
                record,
                marked.keySet());
        greatestEpoch = Math.max(greatestEpoch, record.number());
    }

    void degraded(SimProcess process, long epoch) {
        lastDegraded.merge(process, epoch, Math::max);
    }

    void publishedDegraded(SimProcess process, long epoch) {
        require(
                completeEver.contains(epoch),
                "degraded is published only for an epoch that was COMPLETE",
                process,
                epoch);
    }

    /**
     * Null if every member's mark stands: nothing has been lost since. A COMPLETE of which this is not so must not last
     * (B-2).
     */
    @Nullable
    String whyNotTrue(EpochRecord record) {
        Map<Member, Long> marked = marks.getOrDefault(record.digest(), Map.of());
        for (Member member : record.vector()) {
            if (marked.getOrDefault(member, 0L) <= lastLoss.getOrDefault(member, 0L)) {
                return "B-2: COMPLETE stands after a loss since the mark of " + member + ": " + record;
            }
        }
        return null;
    }

    // ---- the truth

    void changed(String key, @Nullable StoredBytes old, @Nullable StoredBytes next, SimProcess by) {
        if (next == null) {
            require(false, "nobody removes a key", key, by);
            return;
        }
        switch (keys.parse(key, world.scenario.worldSize()).orElseThrow()) {
            case StoreKeys.Key.Rank _ -> entryChanged(entry(old), Objects.requireNonNull(entry(next)), by);
            case StoreKeys.Key.Ready _ -> markChanged(mark(old), Objects.requireNonNull(mark(next)), by);
            case StoreKeys.Key.Epoch _ -> recordChanged(record(old), Objects.requireNonNull(record(next)), by);
        }
    }

    private void entryChanged(@Nullable RankEntry old, RankEntry next, SimProcess by) {
        honest(by, next.member());
        claimed(next, by);
        if (old == null) {
            return;
        }
        require(next.supersedes(old), "R-7: an entry is replaced only by a greater one", old, next, by);
        boolean isClaim = next.revision() == 0;
        if (isClaim && !old.member().equals(next.member()) && old.state() != RankEntry.State.LEFT) {
            SimProcess holder = world.holderOf(old.member());
            if (holder != null && !holder.paused) {
                Answer last = lastAnswer.get(new Asked(by, old.member().rank()));
                require(
                        last != Answer.HOLDS || stillWants(by, old.member().rank()),
                        "R-10: a live incumbent that answers keeps its rank",
                        old,
                        next,
                        by,
                        last);
            }
        }
    }

    private void claimed(RankEntry entry, SimProcess by) {
        everHeld.add(entry);
        Member newest = newestClaimed.get(entry.member().rank());
        if (newest == null || entry.member().isNewerThan(newest)) {
            newestClaimed.put(entry.member().rank(), entry.member());
        } else {
            require(
                    lineageBroken || entry.member().equals(newest),
                    "R-7: incarnations strictly increase",
                    by,
                    newest,
                    entry.member());
        }
    }

    /**
     * It knows that the incumbent holds the seat, but has not given up yet: it will see its claim, and keep the seat.
     */
    private static boolean stillWants(SimProcess by, int rank) {
        SeatState seat = by.core.seats().get(rank);
        return seat != null && !(seat instanceof SeatState.Ended);
    }

    private void markChanged(@Nullable ReadyMark old, ReadyMark next, SimProcess by) {
        require(old == null || next.supersedes(old), "a mark is only overwritten by a greater one", old, next, by);
    }

    private void recordChanged(@Nullable EpochRecord old, EpochRecord next, SimProcess by) {
        next.vector().forEach(member -> honest(by, member));
        if (next.state() == EpochRecord.State.COMPLETE) {
            completeEver.add(next.number());
        }
        if (old == null) {
            return;
        }
        boolean other = old.number() == next.number() && !old.vector().equals(next.vector());
        require(
                next.supersedes(old)
                        || (other
                                && next.state() == EpochRecord.State.DEGRADED
                                && old.state() == EpochRecord.State.DEGRADED),
                "the record only grows",
                old,
                next,
                by);
        if (next.number() > old.number() && !lineageBroken) {
            for (int rank = 0; rank < old.worldSize(); rank++) {
                require(
                        !old.vector().get(rank).isNewerThan(next.vector().get(rank)),
                        "no vector goes back",
                        old,
                        next,
                        by);
            }
        }
    }

    private static @Nullable RankEntry entry(@Nullable StoredBytes bytes) {
        return bytes != null && Schema.rankEntry(bytes) instanceof Decoded.Valid<RankEntry>(RankEntry value)
                ? value
                : null;
    }

    private static @Nullable ReadyMark mark(@Nullable StoredBytes bytes) {
        return bytes != null && Schema.readyMark(bytes) instanceof Decoded.Valid<ReadyMark>(ReadyMark value)
                ? value
                : null;
    }

    private static @Nullable EpochRecord record(@Nullable StoredBytes bytes) {
        return bytes != null && Schema.epochRecord(bytes) instanceof Decoded.Valid<EpochRecord>(EpochRecord value)
                ? value
                : null;
    }

    // ---- seats

    void asked(SimProcess by, Member incumbent, Answer answer) {
        lastAnswer.put(new Asked(by, incumbent.rank()), answer);
    }

    /**
     * Claims are ordered where they are applied, in the store. The answer to a claim may come when the next claim has
     * been applied already, as may the answer to any read that would come before the seat is taken; so a process may
     * take a seat that was its own for a moment only. It must not take a seat that was never its own, or one that it
     * knows to be another life's.
     */
    void taken(SimProcess process, RankEntry entry) {
        require(everHeld.contains(entry), "R-7: a seat is taken by a claim that was applied", process, entry);
        Versioned<RankEntry> seen = process.core.directory().get(entry.member().rank());
        RankEntry known = seen == null ? null : seen.value();
        require(
                known == null || !known.member().isNewerThan(entry.member()),
                "R-7: no process takes a seat of which it knows a newer life",
                process,
                known,
                entry);
    }

    void ended(SimProcess process, int rank, SeatState.End end) {
        if (end == SeatState.End.TAKEN) {
            return;
        }
        for (SimSeat seat : process.seats.values()) {
            if (seat.rank == rank && !seat.links.isEmpty()) {
                Member member = seat.lastSelf;
                if (member != null) {
                    lifeEnded(member);
                }
            }
        }
    }
}
