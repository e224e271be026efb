// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierEvent;
import io.muster.epoch.BarrierSetup;
import io.muster.epoch.BarrierState;
import io.muster.epoch.LocalMember;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEffect;
import io.muster.seat.SeatEvent;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.seat.SeatMachine;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.store.StoreKeys;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The shell of the {@link SeatMachine}, for each rank that this process has joined or is joining.
 *
 * <p><b>What it holds.</b> The state of each seat; the ranks that are prepared but not joined yet; and the unanswered
 * {@link SeatQuestions} of newcomers.
 *
 * <p><b>Threads.</b> It changes state on the group's context only. The map of seats is concurrent because
 * {@link #holds} and {@link #claims} read it from other contexts, when another process asks who holds a rank.
 *
 * <p><b>Order of events.</b> A claim first reads three keys: the rank's entry, its ready mark and the epoch record. All
 * of them may name former lives of the rank, and the claim must be above the greatest. After a successful write the
 * order is: report the published entry, inform the barrier, open the links, complete the join. A rank that was prepared
 * on an empty store skips the read: its compare-and-set expects the absent key.
 *
 * <p><b>Invariant.</b> A newcomer that asks about a life held here gets its answer only when the entry has been written
 * again, the seat has ended, or the time limit is over. Only if too many questions wait is it answered HOLDS at once. A
 * question about a life not held here is answered GONE at once.
 *
 * <p><b>The trap that shaped it.</b> A claim that is being written may have been applied already, and another process
 * may have read it. So {@link #holds} counts a claim under way as held. Otherwise a newcomer could take the seat of a
 * process that answers.
 */
public final class SeatRunner {
    /** The time that the dial of the other end has. Later only means that a connection is opened later. */
    private static final long DIAL_AHEAD_MS = 250;
    /** Delay of one further read after a claim: an event since the read before the claim may have been lost. */
    private static final long LOOK_AGAIN_MS = 250;

    private final BarrierSetup setup;
    private final GroupPorts ports;
    private final SerialQueue queue;
    private final Neighbours group;
    private final StoreKeys keys;
    /** Changed on the group's context only; read on other contexts to answer questions about a rank. */
    private final Map<Integer, SeatState> seats = new ConcurrentSkipListMap<>();
    /**
     * Ranks for which no entry, mark or epoch record was in the store when they were prepared. Their first claim needs
     * no read: it is a compare-and-set on the absent key.
     */
    private final Set<Integer> absent = new HashSet<>();
    /** Ranks that are going to be joined. */
    private final Set<Integer> expected = new HashSet<>();

    private final SeatQuestions questions = new SeatQuestions();

    /** The other parts of the group that seats use. */
    interface Neighbours {
        Directory directory();

        WorldSizes sizes();

        LinkUpdates links();

        BarrierState barrier();

        void barrier(BarrierEvent event);

        void recordRead(StoredBytes record);

        void markRead(int rank, StoredBytes mark);

        void rankSeen(int rank, StoredBytes value);
    }

    SeatRunner(BarrierSetup setup, GroupPorts ports, SerialQueue queue, Neighbours group) {
        this.setup = setup;
        this.ports = ports;
        this.queue = queue;
        this.group = group;
        this.keys = new StoreKeys(setup.group());
    }

    Map<Integer, SeatState> seats() {
        return seats;
    }

    /** Reads the keys of a rank before it is joined, so that joining needs one step less. Completes in any case. */
    Future<?> lookAhead(int rank) {
        expected.add(rank);
        return ports.store()
                .getAll(needed(rank))
                .map(Map::isEmpty)
                .otherwise(false)
                .onSuccess(nothingThere -> {
                    if (nothingThere) {
                        absent.add(rank);
                    }
                });
    }

    /**
     * Dials the process of a life before the ranks of this process that will be linked to it are published. If a rank
     * here is the one that dials in that link, the dial starts now. If the other end dials, this process waits a little
     * first, so that not both dial when all ranks are published at once.
     */
    void expect(RankEntry entry) {
        if (!isExpectedFor(entry)) {
            return;
        }
        if (expected.stream().anyMatch(rank -> rank > entry.member().rank())) {
            ports.network().dialAhead(entry);
        } else {
            ports.after(DIAL_AHEAD_MS, () -> {
                if (!queue.isClosed() && isExpectedFor(entry)) {
                    ports.network().dialAhead(entry);
                }
            });
        }
    }

    private boolean isExpectedFor(RankEntry entry) {
        return entry.isLive()
                && !expected.isEmpty()
                && !entry.handle().process().equals(setup.process());
    }

    /**
     * Whether this process holds the life, or may hold it: a claim that is being written may have been applied already,
     * and a newcomer that has read it must not take the seat of a process that answers. May be called from any thread.
     */
    boolean holds(Member member) {
        return switch (seats.get(member.rank())) {
            case SeatState.Held held -> held.member().equals(member);
            case SeatState.Claiming(var _, var _, var next, var _) ->
                next.value() != null && next.value().member().equals(member);
            case SeatState.Leaving(var current, int _, var _) ->
                current.value() != null && current.value().member().equals(member);
            case SeatState.Idle _,
                    SeatState.Looking _,
                    SeatState.AskingIncumbent _,
                    SeatState.AskingWitnesses _,
                    SeatState.Confirming _,
                    SeatState.Pausing _,
                    SeatState.Ended _ -> false;
            case null -> false;
        };
    }

    /**
     * Whether the claim of this life is being written or has been applied, so that its links begin soon or have begun.
     * May be called from any thread.
     */
    boolean claims(Member member) {
        return !(seats.get(member.rank()) instanceof SeatState.Leaving) && holds(member);
    }

    /** Answers a newcomer once the store holds a newer value than the entry that it has read, or after the limit. */
    Future<Answer> asked(RankEntry about, long limitMs) {
        Member member = about.member();
        if (!holds(member)) {
            return Future.succeededFuture(Answer.GONE);
        }
        if (questions.isFull()) {
            return Future.succeededFuture(Answer.HOLDS);
        }
        Future<Answer> answer = questions.add(about);
        if (seats.get(member.rank()) instanceof SeatState.Held held && held.work() == SeatState.Held.Work.NONE) {
            questions.published(held.entry());
        }
        if (!answer.isComplete()) {
            seat(member.rank(), new SeatEvent.Asked(about.revision()));
            ports.after(limitMs, () -> questions.late(answer, holds(member)));
        }
        return answer;
    }

    void seat(int rank, SeatEvent event) {
        queue.run(() -> transition(rank, event));
    }

    private void transition(int rank, SeatEvent event) {
        SeatState state = seats.get(rank);
        if (state == null || queue.isClosed()) {
            return;
        }
        var step = SeatMachine.transition(new SeatMachine.Setup(setup.group(), setup.worldSize(), rank), state, event);
        seats.put(rank, step.next());
        step.effects().forEach(effect -> run(rank, effect));
    }

    private void run(int rank, SeatEffect effect) {
        switch (effect) {
            case SeatEffect.ReadKey() when absent.remove(rank) -> keyRead(rank, null);
            case SeatEffect.ReadKey() ->
                queue.store(
                        keys.rank(rank),
                        ports.store().getAll(needed(rank)),
                        read -> {
                            StoredBytes epoch = read.get(keys.epoch());
                            if (epoch != null) {
                                group.recordRead(epoch);
                            }
                            StoredBytes mark = read.get(keys.ready(rank));
                            if (mark != null) {
                                group.markRead(rank, mark);
                            }
                            queue.run(() -> keyRead(rank, group.directory().decode(rank, read.get(keys.rank(rank)))));
                        },
                        failure -> seat(rank, failed(failure)));
            case SeatEffect.WriteKey(var expected, var next) ->
                queue.store(
                        keys.rank(rank),
                        ports.store().compareAndSet(keys.rank(rank), expected, next.bytes()),
                        applied -> {
                            if (applied && !isSeen(rank, next)) {
                                ports.network()
                                        .broadcast(new Gossip(setup.group(), keys.rank(rank), next.bytes()), _ -> true);
                            }
                            seat(rank, new SeatEvent.Written(next.bytes(), applied));
                        },
                        failure -> seat(rank, failed(failure)));
            case SeatEffect.AskIncumbent(RankEntry incumbent) ->
                ports.here(ports.network().askIncumbent(incumbent)).onComplete(asked -> {
                    var answer = asked.succeeded()
                            ? asked.result()
                            : new Network.SeatAnswer(
                                    Answer.SILENT, String.valueOf(asked.cause().getMessage()));
                    seat(rank, new SeatEvent.IncumbentAnswered(answer.answer(), answer.detail(), ticket(rank)));
                });
            case SeatEffect.AskWitnesses(RankEntry incumbent) ->
                ports.here(ports.network().askWitnesses(incumbent, witnesses(incumbent)))
                        .onComplete(asked -> {
                            var answer = asked.succeeded() ? asked.result() : Network.WitnessAnswer.NONE;
                            seat(rank, new SeatEvent.WitnessesAnswered(answer.answer(), answer.detail(), ticket(rank)));
                        });
            case SeatEffect.Pause(long ms) -> ports.after(ms, () -> seat(rank, new SeatEvent.PauseOver()));
            case SeatEffect.Take(RankEntry entry) -> {
                expected.remove(rank);
                taken(entry);
            }
            case SeatEffect.End(var member, var end, String reason) -> {
                expected.remove(rank);
                if (member != null) {
                    questions.ended(member);
                    group.barrier(new BarrierEvent.SeatReleased(rank));
                    ports.links().close(member, reason);
                    group.links().send(rank, new LinkEvent.PeerLeft(member, reason));
                }
                ports.listener().seatEnded(rank, end, reason);
            }
        }
    }

    private static SeatEvent failed(Throwable failure) {
        return new SeatEvent.StoreFailed(
                String.valueOf(failure.getMessage()),
                failure instanceof MusterException known && known.kind() == MusterException.Kind.FATAL);
    }

    /** Whether the store has already pushed this entry here, and so to the other processes. */
    private boolean isSeen(int rank, Versioned<RankEntry> written) {
        return seats.get(rank) instanceof SeatState.Held held
                && held.work() == SeatState.Held.Work.NONE
                && held.current().equals(written);
    }

    private void keyRead(int rank, @Nullable Versioned<RankEntry> seen) {
        String disagreement = group.sizes().disagreementAt(rank);
        if (disagreement != null && !(seats.get(rank) instanceof SeatState.Held)) {
            expected.remove(rank);
            seats.put(rank, new SeatState.Ended(disagreement, SeatState.End.TAKEN));
            ports.listener().seatEnded(rank, SeatState.End.TAKEN, disagreement);
        } else {
            seat(rank, new SeatEvent.KeyRead(seen, ticket(rank)));
        }
    }

    private void taken(RankEntry entry) {
        int rank = entry.member().rank();
        ports.listener().seatPublished(entry);
        LocalMember known = group.barrier().seats().get(rank);
        if (known == null || !known.member().equals(entry.member())) {
            group.barrier(new BarrierEvent.SeatTaken(entry.member()));
            group.links().open(entry.member());
        }
        group.rankSeen(rank, Schema.encode(entry));
        ports.listener().seatTaken(entry);
        questions.published(entry);
        long asked = questions.revision(entry.member());
        if (asked >= 0) {
            seat(rank, new SeatEvent.Asked(asked));
        }
        ports.after(LOOK_AGAIN_MS, () -> {
            if (!queue.isClosed() && !isComplete(entry.member())) {
                group.barrier(new BarrierEvent.Reconcile());
            }
        });
    }

    private boolean isComplete(Member member) {
        EpochRecord epoch = group.barrier().epoch();
        return epoch != null
                && epoch.state() == EpochRecord.State.COMPLETE
                && epoch.vector().get(member.rank()).equals(member);
    }

    private List<RankEntry> witnesses(RankEntry incumbent) {
        return group.directory().newest().values().stream()
                .map(Versioned::value)
                .filter(entry -> entry != null
                        && entry.isLive()
                        && !entry.handle().process().equals(setup.process())
                        && !entry.handle().process().equals(incumbent.handle().process()))
                .map(RankEntry.class::cast)
                .toList();
    }

    /**
     * The keys that may name a former life of the rank. A claim goes above all of these lives, even if the store has
     * lost some of them.
     */
    private Set<String> needed(int rank) {
        return Set.of(keys.rank(rank), keys.epoch(), keys.ready(rank));
    }

    /**
     * Ends seats of which the epoch's vector or a mark names a newer life. Such a seat can never be in an epoch again;
     * its successor claims an incarnation above both.
     */
    void lookForNewerLives(BarrierState barrier) {
        EpochRecord epoch = barrier.epoch();
        barrier.seats().forEach((rank, seat) -> {
            ReadyMark mark = Versioned.valueOf(barrier.marks().get(rank));
            if (epoch != null && epoch.vector().get(rank).isNewerThan(seat.member())) {
                seat(rank, new SeatEvent.LifeKnown(epoch.vector().get(rank)));
            } else if (mark != null && mark.member().isNewerThan(seat.member())) {
                seat(rank, new SeatEvent.LifeKnown(mark.member()));
            }
        });
    }

    /** A claim goes above every life of the rank that is known here, even if the store has lost its entry. */
    private SeatEvent.Ticket ticket(int rank) {
        EpochRecord epoch = group.barrier().epoch();
        ReadyMark mark = Versioned.valueOf(group.barrier().marks().get(rank));
        RankEntry known = group.directory().greatest(rank);
        long former = Math.max(
                epoch == null ? 0 : epoch.vector().get(rank).incarnation(),
                Math.max(
                        mark == null ? 0 : mark.member().incarnation(),
                        known == null ? 0 : known.member().incarnation()));
        return new SeatEvent.Ticket(former, ports.wallClockMs(), ports.newLife());
    }
}
