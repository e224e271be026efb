// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Hedge;
import io.muster.epoch.BarrierState.Task;
import io.muster.epoch.BarrierState.Work;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.segment.KeyOwner;
import io.muster.wire.StoredBytes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One transition in the making: a working copy of the state, and the effects so far. Lives for one call of the machine.
 */
final class EpochTransition {
    /** The reason of a loss that the other end has seen, and not this one. */
    private static final String UNHEARD = "UNHEARD";
    /** How often it is asked who owns the keys before the epoch is overdue. */
    private static final int KEY_OWNER_LOOKS = 8;

    private final BarrierSetup setup;
    private final List<BarrierEffect> effects = new ArrayList<>();
    private final Map<Integer, LocalMember> seats;
    private final KeysSeen keys;
    private final EpochsSeen epochs;
    private final Announcements telling;
    private final Set<Integer> writingMarks;
    private boolean reading;
    private boolean readNeeded;
    private boolean retrying;
    private boolean writingEpoch;
    private boolean gathering;
    private long overdue;
    private @Nullable Versioned<EpochRecord> heardWhileWriting;
    private Hedge hedge;
    private @Nullable KeyOwner keyOwner;
    /** Who the own marks were told to before this turn, null if all were, or there are none. */
    private final @Nullable ProcessId told;

    EpochTransition(BarrierSetup setup, BarrierState state) {
        this.setup = setup;
        seats = new TreeMap<>(state.seats());
        keys = new KeysSeen(state);
        epochs = new EpochsSeen(setup, state);
        telling = new Announcements(setup, state.told(), effects);
        keyOwner = state.keyOwner();
        Work work = state.work();
        reading = work.reading();
        readNeeded = work.readNeeded();
        retrying = work.retrying();
        writingEpoch = work.writingEpoch();
        writingMarks = new HashSet<>(work.writingMarks());
        gathering = work.gathering();
        overdue = work.overdue();
        heardWhileWriting = work.heardWhileWriting();
        hedge = work.hedge();
        told = awaitsOthers() ? completer() : null;
    }

    BarrierMachine.Step step() {
        EpochRecord epoch = epoch();
        if (epoch == null || epoch.state() != EpochRecord.State.OPEN || epoch.number() != overdue) {
            overdue = 0;
        }
        var work = new Work(
                reading,
                readNeeded,
                retrying,
                writingEpoch,
                writingMarks,
                gathering,
                overdue,
                heardWhileWriting,
                hedge,
                keys.news());
        return new BarrierMachine.Step(
                new BarrierState(
                        seats,
                        epochs.record(),
                        epochs.implied(),
                        keys.ranks(),
                        keys.marks(),
                        keyOwner,
                        work,
                        telling.told()),
                effects);
    }

    // ---- what is known

    void lost(int rank, Member peer, String reason, String evidence) {
        LocalMember seat = seats.get(rank);
        if (seat == null) {
            return;
        }
        LocalMember.LinkView link = seat.links().get(peer.rank());
        if (link == null || !link.peer().equals(peer)) {
            return;
        }
        // whoever was not heard accuses nobody: it is itself what the other end has lost (P-9)
        var loss = new LostMember(reason.equals(UNHEARD) ? seat.member() : peer, reason, evidence, rank);
        LocalMember without = seat.with(peer.rank(), null);
        if (seat.isLeaving()) { // the others close their ends because of it: nobody is to blame
            seats.put(rank, without);
            return;
        }
        EpochRecord epoch = epoch();
        boolean isNews =
                epoch != null && !losses(epoch).containsKey(loss.member().rank());
        seats.put(rank, without.lost(loss));
        if (epoch != null && epoch.state() == EpochRecord.State.COMPLETE && seat.isIn(epoch) && isNews) {
            telling.degradedHere(epoch.number(), List.of(loss));
        }
    }

    /** A rank that leaves ends its epoch first, also where another write to the record is still under way. */
    void release(int rank) {
        LocalMember seat = seats.get(rank);
        if (seat != null && seat.isLeaving()) {
            seats.put(rank, seat.release());
            dropReleased();
        } else {
            seats.remove(rank);
        }
    }

    private void dropReleased() {
        EpochRecord epoch = epoch();
        for (var all = seats.values().iterator(); all.hasNext(); ) {
            LocalMember seat = all.next();
            if (seat.released()
                    && (epoch == null || !seat.isIn(epoch) || epoch.state() == EpochRecord.State.DEGRADED)) {
                all.remove();
            }
        }
    }

    void leave(int rank) {
        LocalMember seat = seats.get(rank);
        if (seat != null) {
            seats.put(rank, seat.leaving(new LostMember(seat.member(), "LEFT", "it left by its own will", rank)));
        }
    }

    void rankSeen(int rank, @Nullable Versioned<RankEntry> seen) {
        readNeeded |= !keys.rankSeen(rank, seen, reading);
    }

    /** No stranger's value takes the place of an own mark. */
    void markSeen(int rank, @Nullable Versioned<ReadyMark> seen) {
        EpochRecord epoch = epoch();
        LocalMember seat = seats.get(rank);
        ReadyMark own = epoch == null || seat == null ? null : Versioned.valueOf(ownMark(epoch, seat));
        ReadyMark value = Versioned.valueOf(seen);
        if (own == null || value == null || value.supersedes(own)) {
            keys.markSeen(rank, seen);
        }
    }

    void recordSeen(@Nullable Versioned<EpochRecord> seen) {
        heardWhileWriting = writingEpoch ? seen : heardWhileWriting;
        EpochRecord value = Versioned.valueOf(seen);
        EpochRecord known = epochs.recorded();
        if (value != null && (known == null || value.supersedes(known))) {
            adopt(seen, false);
        } else if (value == null
                ? known != null
                : !value.equals(known) && (known == null || !known.supersedes(value))) {
            readNeeded = true;
        }
    }

    void keyOwnerSeen(@Nullable KeyOwner owner) {
        int before = processesBefore();
        keyOwner = owner;
        if (!hedge.passed() && before != processesBefore()) {
            hedge = Hedge.NONE;
        }
    }

    /**
     * From an own mark on, until the epoch is complete or overdue: keys that move between two marks leave one of them
     * with a process that is not the one to complete any more, and no other event would tell.
     */
    void lookForKeyOwner() {
        if (awaitsOthers() && overdue == 0) {
            effects.add(new BarrierEffect.LookForKeyOwner());
            effects.add(
                    new BarrierEffect.StartTimer(Timer.KEY_OWNER, Math.max(1, setup.overdueMs() / KEY_OWNER_LOOKS)));
        }
    }

    /** Whether some seat has marked the epoch, which is not complete yet. */
    private boolean awaitsOthers() {
        EpochRecord epoch = epoch();
        return epoch != null
                && epoch.state() == EpochRecord.State.OPEN
                && seats.values().stream().anyMatch(seat -> seat.hasMarked(epoch));
    }

    void peerSaw(long number, EpochRecord.State state) {
        EpochRecord known = epochs.recorded();
        readNeeded |= known == null || known.isBehind(number, state);
    }

    void readDone(BarrierEvent.ReadDone done) {
        reading = false;
        keys.read(done);
        done.marks().forEach(this::markSeen);
        EpochRecord there = Versioned.valueOf(done.basis());
        EpochRecord known = epochs.recorded();
        if (there != null && (known == null || there.supersedes(known))) {
            adopt(done.basis(), false);
        } else if (there == null && known == null) {
            epochs.record(
                    done.basis()); // what nobody can read must not keep the first epoch from being written over it
        } else if (there != null && !known.supersedes(there) && there.vector().equals(known.vector())) {
            // The two halves of a split have written the same outcome in different bytes: the ones that the store holds
            // are those to build on.
            epochs.record(done.basis());
        }
        degradeOrReassert(done.basis());
        followEntries();
        decide(!writingEpoch && !gathering && sameBytes(done.basis(), epochs.record()));
        writeMarks(done.marks());
        keys.keepNews();
    }

    void recordWritten(Versioned<EpochRecord> written, boolean applied) {
        boolean isTold = sameBytes(heardWhileWriting, written);
        writingEpoch(false);
        EpochRecord value = Versioned.valueOf(written);
        EpochRecord known = epochs.recorded();
        if (!applied || value == null) {
            readNeeded = true;
            return;
        }
        effects.add(new BarrierEffect.SpreadRecord(written, isTold));
        if (known == null
                || value.equals(known)
                || value.supersedes(known)
                || value.number() == known.number() && !value.vector().equals(known.vector())) {
            adopt(written, true);
        } else if (value.state() == EpochRecord.State.COMPLETE) {
            telling.publishAllConnected(value);
        }
    }

    void markWritten(int rank, Versioned<ReadyMark> written, boolean applied) {
        writingMarks.remove(rank);
        if (applied) {
            markSeen(rank, written);
        }
        readNeeded = true; // others have written theirs at the same time, and nobody is told: the last one finds all
    }

    /** Another process is the one to complete now: the keys have moved, or a life has become known. */
    private void spreadAgain(EpochRecord epoch) {
        if (told == null || told.equals(completer())) {
            return;
        }
        for (LocalMember seat : seats.values()) {
            Versioned<ReadyMark> own = ownMark(epoch, seat);
            if (own != null) {
                spread(own, true);
            }
        }
    }

    private void spread(Versioned<ReadyMark> mark, boolean again) {
        effects.add(new BarrierEffect.SpreadMark(mark, completer(), again));
    }

    private @Nullable ProcessId completer() {
        EpochRecord epoch = epoch();
        return epoch == null ? null : EpochRules.completer(epoch, keys.ranks(), keyOwner);
    }

    private void adopt(@Nullable Versioned<EpochRecord> next, boolean mine) {
        epochs.record(next);
        EpochRecord value = epochs.recorded();
        if (value != null) {
            boolean believed =
                    value.state() == EpochRecord.State.COMPLETE && EpochRules.believes(value, seats.values());
            telling.recordChanged(value, mine, believed);
        }
    }

    void heardAllConnected(long epoch) {
        telling.heardAllConnected(epoch);
        EpochRecord known = epoch();
        readNeeded |= known == null
                || known.number() < epoch
                || known.number() == epoch && known.state() == EpochRecord.State.OPEN;
    }

    void heardDegraded(long epoch) {
        telling.heardDegraded(epoch);
        EpochRecord known = epoch();
        readNeeded |= known == null || (known.number() <= epoch && known.state() != EpochRecord.State.DEGRADED);
    }

    void republish() {
        EpochRecord value = epochs.recorded();
        if (value != null) {
            telling.republish(value);
        }
    }

    // ---- what follows from it

    void act() {
        followEntries();
        dropReleased();
        EpochRecord epoch = epoch();
        if (epoch != null && epoch.state() != EpochRecord.State.DEGRADED && !reading && !readNeeded) {
            degrade(epoch);
        }
        if (epoch != null && epoch.state() == EpochRecord.State.OPEN) {
            spreadAgain(epoch);
            markAll(epoch);
        }
        if (reading || retrying) {
            return;
        }
        if (readNeeded) {
            read();
            return;
        }
        Task task = wanted();
        if (task == Task.NONE || writingEpoch || gathering || !isMyTurn(task)) {
            return;
        }
        if (task == Task.COMPLETE && EpochRules.knowsAllOf(epoch, keys.ranks())) {
            completeOrOpen();
        } else {
            read();
        }
    }

    private void followEntries() {
        if (epochs.follow(keys.ranks(), seats)) {
            awaitCompletion();
        }
    }

    private void read() {
        reading = true;
        keys.readBegins();
        readNeeded = false;
        effects.add(new BarrierEffect.ReadAll());
    }

    /**
     * A seat that has lost a link since its mark, or that is not connected in a COMPLETE epoch, ends the epoch; but
     * never on bytes that the store is not known to hold: a write that fails for that reason again and again would keep
     * every read from being looked at.
     */
    private void degrade(EpochRecord epoch) {
        if (writingEpoch || gathering || losses(epoch).isEmpty()) {
            return;
        }
        boolean leaving =
                losses(epoch).values().stream().allMatch(loss -> loss.reason().equals("LEFT"));
        if (leaving || setup.gatherMs() == 0) {
            writeDegraded(epoch, Versioned.bytesOf(epochs.record()));
        } else {
            gathering = true;
            effects.add(new BarrierEffect.StartTimer(Timer.GATHER, setup.gatherMs()));
        }
    }

    void gathered() {
        gathering = false;
        degradeNow();
    }

    /**
     * Some key can't be read; the record may be writable all the same, and an epoch that is over should not wait for
     * the other keys.
     */
    void readFailed() {
        reading = false;
        retry();
        if (!gathering) {
            degradeNow();
        }
    }

    private void degradeNow() {
        EpochRecord epoch = epoch();
        if (epoch != null
                && !writingEpoch
                && epoch.state() != EpochRecord.State.DEGRADED
                && !losses(epoch).isEmpty()) {
            writeDegraded(epoch, Versioned.bytesOf(epochs.record()));
        }
    }

    private Map<Integer, LostMember> losses(EpochRecord epoch) {
        return EpochRules.losses(epoch, seats.values());
    }

    private void writeDegraded(EpochRecord epoch, @Nullable StoredBytes expected) {
        List<LostMember> lost = List.copyOf(losses(epoch).values());
        if (epoch.state() == EpochRecord.State.COMPLETE && telling.hasToldDegraded(epoch.number()) && lost.size() > 1) {
            telling.degradedHere(epoch.number(), lost);
        }
        write(expected, epoch.degraded(lost));
    }

    private void markAll(EpochRecord epoch) {
        boolean any = false;
        for (LocalMember seat : seats.values()) {
            any |= mark(epoch, seat);
        }
        if (any) {
            awaitCompletion();
            lookForKeyOwner();
        }
    }

    /** Whether it made one. */
    private boolean mark(EpochRecord epoch, LocalMember seat) {
        int rank = seat.member().rank();
        if (!seat.isIn(epoch) || seat.poisoned() >= epoch.number()) {
            return false;
        }
        if (seat.marked() == epoch.number() ? !seat.hasMarked(epoch) : !seat.isConnectedToAllOf(epoch)) {
            return false;
        }
        ReadyMark there = Versioned.valueOf(keys.marks().get(rank));
        if (there != null && there.member().equals(seat.member()) && there.epoch() == epoch.number()) {
            return false;
        }
        var mark = new ReadyMark(setup.group(), seat.member(), epoch.number(), epoch.digest(), seat.proofs());
        if (there != null && there.supersedes(mark)) {
            return false;
        }
        Versioned<ReadyMark> made = new Versioned<>(Schema.encode(mark), mark);
        seats.put(rank, seat.marking(epoch));
        keys.markSeen(rank, made);
        spread(made, false);
        return true;
    }

    private void awaitCompletion() {
        overdue = 0;
        effects.add(new BarrierEffect.StartTimer(Timer.OVERDUE, setup.overdueMs()));
    }

    /** The mark that this process has made for the seat in this epoch, null if it has made none. */
    private @Nullable Versioned<ReadyMark> ownMark(EpochRecord epoch, LocalMember seat) {
        Versioned<ReadyMark> known = keys.marks().get(seat.member().rank());
        ReadyMark mark = Versioned.valueOf(known);
        return mark != null
                        && mark.member().equals(seat.member())
                        && mark.epoch() == epoch.number()
                        && mark.digest().equals(epoch.digest())
                        && seat.hasMarked(epoch)
                ? known
                : null;
    }

    /**
     * Nobody has completed the epoch: whoever does not know of it, or was not told of the marks, is to find both in the
     * store.
     */
    void overdue() {
        EpochRecord epoch = epoch();
        if (epoch != null && epoch.state() == EpochRecord.State.OPEN) {
            overdue = epoch.number();
            readNeeded = true;
        }
    }

    private void writeMarks(Map<Integer, Versioned<ReadyMark>> there) {
        EpochRecord epoch = epoch();
        if (epoch == null
                || epoch.state() != EpochRecord.State.OPEN
                || epoch.number() != overdue
                || retrying
                || writingEpoch && canComplete()) {
            return;
        }
        seats.forEach((rank, seat) -> {
            Versioned<ReadyMark> own = ownMark(epoch, seat);
            if (own != null
                    && seat.poisoned() < epoch.number()
                    && !own.equals(there.get(rank))
                    && writingMarks.add(rank)) {
                effects.add(new BarrierEffect.WriteMark(rank, Versioned.bytesOf(there.get(rank)), own));
            }
        });
    }

    private Task wanted() {
        if (seats.isEmpty()) {
            return Task.NONE;
        }
        return canComplete() ? Task.COMPLETE : toOpen() != null ? Task.OPEN : Task.NONE;
    }

    private @Nullable EpochRecord toOpen() {
        return epochs.toOpen(keys.ranks(), seats, overdue);
    }

    /** Never an epoch that has ended for one of the own seats. */
    private boolean canComplete() {
        EpochRecord epoch = epoch();
        return epoch != null
                && EpochRules.canComplete(epoch, keys.ranks(), keys.marks())
                && losses(epoch).isEmpty();
    }

    /** Each process waits a little longer than those before it: {@link EpochRules#processesBefore}. */
    private boolean isMyTurn(Task task) {
        EpochRecord epoch = epoch();
        long number = epoch == null ? 0 : epoch.number();
        if (hedge.what() == task && hedge.epoch() == number) {
            return hedge.passed();
        }
        int before = processesBefore();
        if (before == 0) {
            return true;
        }
        hedge = new Hedge(task, number, false);
        effects.add(new BarrierEffect.StartTimer(Timer.HEDGE, setup.hedgeMs() * Math.min(before, 8)));
        return false;
    }

    private int processesBefore() {
        return seats.isEmpty()
                ? 0
                : EpochRules.processesBefore(setup, seats.keySet().iterator().next(), keys.ranks(), keyOwner);
    }

    /**
     * Whoever has read for another reason leaves the decision to the process whose turn it is: they would all read
     * again after its write.
     */
    private void decide(boolean canWrite) {
        Task task = canWrite ? wanted() : Task.NONE;
        if (task != Task.NONE && isMyTurn(task)) {
            completeOrOpen();
        } else if (hedge.passed()) {
            hedge = Hedge.NONE;
        }
    }

    /** The decision, over the record that is known: once a turn. */
    private void completeOrOpen() {
        hedge = Hedge.NONE;
        EpochRecord epoch = epoch();
        if (epoch != null && canComplete()) {
            write(
                    Versioned.bytesOf(epochs.record()),
                    epoch.complete(EpochRules.proofs(epoch, keys.ranks(), keys.marks())));
            return;
        }
        EpochRecord open = toOpen();
        if (open != null) {
            write(Versioned.bytesOf(epochs.record()), open);
        }
    }

    /** The store holds less than what was seen before, or another vector under the same number. */
    private void degradeOrReassert(@Nullable Versioned<EpochRecord> there) {
        EpochRecord known = epochs.recorded();
        EpochRecord value = Versioned.valueOf(there);
        if (writingEpoch || known == null || sameBytes(there, epochs.record())) {
            return;
        }
        if (value != null && value.number() == known.number() && !value.vector().equals(known.vector())) {
            if (!known.supersedes(value)) {
                epochs.record(there);
            }
            write(Versioned.bytesOf(there), (known.supersedes(value) ? known : value).degraded(List.of()));
        } else if (value == null || known.supersedes(value)) {
            write(Versioned.bytesOf(there), known);
        }
    }

    private void write(@Nullable StoredBytes expected, EpochRecord next) {
        var bytes = Schema.encode(next);
        if (bytes.equals(expected)) {
            return;
        }
        writingEpoch = true;
        effects.add(new BarrierEffect.WriteRecord(expected, new Versioned<>(bytes, next)));
    }

    private static boolean sameBytes(@Nullable Versioned<EpochRecord> one, @Nullable Versioned<EpochRecord> other) {
        return one == null ? other == null : other != null && one.bytes().equals(other.bytes());
    }

    // ---- working copy

    BarrierSetup setup() {
        return setup;
    }

    Map<Integer, LocalMember> seats() {
        return seats;
    }

    Set<Integer> writingMarks() {
        return writingMarks;
    }

    private @Nullable EpochRecord epoch() {
        return epochs.now();
    }

    void writingEpoch(boolean value) {
        writingEpoch = value;
        heardWhileWriting = null;
    }

    void needRead() {
        readNeeded = true;
    }

    void retry() {
        readNeeded = true;
        if (!retrying) {
            retrying = true;
            effects.add(new BarrierEffect.StartTimer(Timer.RETRY, setup.retryMs()));
        }
    }

    void retryNow() {
        retrying = false;
        readNeeded = true;
    }

    Hedge hedge() {
        return hedge;
    }

    void hedge(Hedge next) {
        hedge = next;
    }
}
