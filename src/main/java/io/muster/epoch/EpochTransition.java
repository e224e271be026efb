// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Hedge;
import io.muster.epoch.BarrierState.Task;
import io.muster.epoch.BarrierState.Work;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One transition of the {@link BarrierMachine}: a mutable working copy of the state, and the effects so far.
 *
 * <p><b>What it holds.</b> The seats of this process; the rank keys and marks ({@link KeysSeen}); the greatest record
 * and the implied epoch ({@link EpochsSeen}); the outcomes announced so far ({@link Announcements}); and a flag for
 * each operation that is under way. {@link #step} copies it back into an immutable {@link BarrierState}.
 *
 * <p><b>Threads.</b> None of its own. It lives for one call of the machine, on the context of the group, and reads no
 * clock.
 *
 * <p><b>Order of events.</b> First one method for the event (such as {@link #lost} or {@link #readDone}) updates the
 * facts. Then {@link #act} runs, always in this order: derive the implied epoch, drop released seats, degrade, mark,
 * and then read, complete or open. {@link #act} completes an epoch without a read if an entry of each of its members is
 * known. In all other cases it starts a read, and {@link #readDone} decides on the values of that read.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>At most one write per key and one read of everything are under way.
 *   <li>A life marks only one vector per epoch number, and never withdraws a mark.
 *   <li>A seat that has marked an epoch and then loses a link degrades it, whether it is OPEN or COMPLETE. It does so
 *       until a record has a greater number.
 *   <li>This process never completes an epoch that one of its own seats has ended.
 *   <li>Every write to the record is a compare-and-set on bytes that the store is known to have held, or on the absence
 *       of the key.
 *   <li>This process publishes each outcome at most once on the bus, and never degraded before all-connected. On this
 *       node degraded may be announced again when more losses are known.
 * </ul>
 *
 * <p><b>The trap that shaped it.</b> A store event may overtake the answer to a read or write. The answer is then older
 * than the event. Facts that arrive during a read are therefore kept apart ({@link KeysSeen#keepNews}): the decision
 * uses only the entries of that read, which were read after the record that it builds on, and the newer entries are
 * restored afterwards. Otherwise a process could open an epoch with a vector that no read after the last record
 * confirms. For the same reason a failing write of the degraded record is not repeated before a read: each failure
 * would otherwise start the next attempt on bytes that the store no longer holds.
 */
final class EpochTransition {
    /** How often the key owner is looked up before the epoch is overdue. */
    private static final int KEY_OWNER_LOOKS = 8;

    private final BarrierSetup setup;
    private final boolean mayMark;
    private final List<BarrierEffect> effects = new ArrayList<>();
    private final Map<Integer, LocalMember> seats;
    private final KeysSeen keys;
    private final EpochsSeen epochs;
    private final Announcements announcements;
    private final Set<Integer> writingMarks;
    private boolean reading;
    private boolean readNeeded;
    private boolean retrying;
    private boolean writingEpoch;
    private boolean gathering;
    private boolean refused;
    private long overdue;
    private @Nullable Versioned<EpochRecord> seenWhileWriting;
    private Hedge hedge;
    private @Nullable KeyOwner keyOwner;
    /**
     * The process to which the own marks were sent before this transition. Null if they were sent to all processes, or
     * if there are no own marks for an OPEN epoch.
     */
    private final @Nullable ProcessId completerBefore;

    EpochTransition(BarrierSetup setup, BarrierState state, boolean mayMark) {
        this.setup = setup;
        this.mayMark = mayMark;
        seats = new TreeMap<>(state.seats());
        keys = new KeysSeen(state);
        epochs = new EpochsSeen(setup, state);
        announcements = new Announcements(setup, state.announced(), effects);
        keyOwner = state.keyOwner();
        Work work = state.work();
        reading = work.reading();
        readNeeded = work.readNeeded();
        retrying = work.retrying();
        writingEpoch = work.writingEpoch();
        writingMarks = new HashSet<>(work.writingMarks());
        gathering = work.gathering();
        refused = work.refused();
        overdue = work.overdue();
        seenWhileWriting = work.seenWhileWriting();
        hedge = work.hedge();
        completerBefore = awaitsOthers() ? completer() : null;
    }

    BarrierStep step() {
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
                refused,
                overdue,
                seenWhileWriting,
                hedge,
                keys.news());
        return new BarrierStep(
                new BarrierState(
                        seats,
                        epochs.record(),
                        epochs.implied(),
                        keys.ranks(),
                        keys.marks(),
                        keyOwner,
                        work,
                        announcements.announced()),
                effects);
    }

    // ---- events

    void lost(int rank, Member peer, String reason, String evidence) {
        LocalMember seat = seats.get(rank);
        if (seat == null) {
            return;
        }
        LocalMember.LinkView link = seat.links().get(peer.rank());
        if (link == null || !link.peer().equals(peer)) {
            return;
        }
        // if only the peer has noticed the loss, this process blames itself
        var loss = new LostMember(LostMember.isOfReporter(reason) ? seat.member() : peer, reason, evidence, rank);
        LocalMember without = seat.with(peer.rank(), null);
        if (seat.isLeaving()) { // the peers close their ends because this rank leaves, so this is no loss
            seats.put(rank, without);
            return;
        }
        EpochRecord epoch = epoch();
        boolean isNews =
                epoch != null && !losses(epoch).containsKey(loss.member().rank());
        seats.put(rank, without.lost(loss));
        if (epoch != null && epoch.state() == EpochRecord.State.COMPLETE && seat.isIn(epoch) && isNews) {
            announcements.degradedHere(epoch.number(), List.of(loss));
        }
    }

    /**
     * Removes a seat. A leaving seat stays until its epoch is degraded, because another write to the record may be
     * under way and the epoch may have to be degraded after it.
     */
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
            seats.put(rank, seat.leaving(new LostMember(seat.member(), "LEFT", "it left in order", rank)));
        }
    }

    void rankSeen(int rank, @Nullable Versioned<RankEntry> seen) {
        readNeeded |= !keys.rankSeen(rank, seen, reading);
    }

    /**
     * Takes over a mark that was received or read. An own mark for the current epoch stays unless the new value
     * supersedes it.
     */
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
        seenWhileWriting = writingEpoch ? seen : seenWhileWriting;
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
     * Looks up the key owner regularly from the first own mark until the epoch is complete or overdue. If the keys move
     * between two marks, one of the marks went to a process that is no longer the first to complete, and no event
     * reports the move.
     */
    void lookForKeyOwner() {
        if (awaitsOthers() && overdue == 0) {
            effects.add(new BarrierEffect.LookForKeyOwner());
            effects.add(
                    new BarrierEffect.StartTimer(Timer.KEY_OWNER, Math.max(1, setup.overdueMs() / KEY_OWNER_LOOKS)));
        }
    }

    /** Whether a seat of this process has marked the epoch, and the epoch is still OPEN. */
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
            epochs.record(done.basis()); // unreadable bytes: the first epoch may be written over them
        } else if (there != null
                && known != null
                && !known.supersedes(there)
                && there.vector().equals(known.vector())) {
            // The two halves of a split wrote the same outcome in different bytes: build on those that the store holds.
            epochs.record(done.basis());
        }
        degradeOrReassert(done.basis());
        followEntries();
        decide(!writingEpoch && !gathering && sameBytes(done.basis(), epochs.record()));
        writeMarks(done.marks());
        keys.keepNews();
    }

    void recordWritten(Versioned<EpochRecord> written, boolean applied) {
        boolean isPushed = sameBytes(seenWhileWriting, written);
        writingEpoch(false);
        EpochRecord value = Versioned.valueOf(written);
        EpochRecord known = epochs.recorded();
        if (!applied || value == null) {
            readAfterRefusal();
            return;
        }
        refused = false;
        effects.add(new BarrierEffect.BroadcastRecord(written, isPushed));
        if (known == null
                || value.equals(known)
                || value.supersedes(known)
                || (value.number() == known.number() && !value.vector().equals(known.vector()))) {
            adopt(written, true);
        } else if (value.state() == EpochRecord.State.COMPLETE) {
            announcements.publishAllConnected(value);
        }
    }

    void markWritten(int rank, Versioned<ReadyMark> written, boolean applied) {
        writingMarks.remove(rank);
        if (applied) {
            refused = false;
            markSeen(rank, written);
            readNeeded = true; // marks of others cause no event; the process that reads last finds all of them
        } else {
            readAfterRefusal();
        }
    }

    /**
     * Reads what the key holds instead: at once the first time, since another process has just written it, and after a
     * pause from then on.
     */
    private void readAfterRefusal() {
        if (refused) {
            retry();
        }
        refused = true;
        readNeeded = true;
    }

    /**
     * Sends the own marks again if another process is now the first to complete, because the keys moved or an entry
     * became known.
     */
    private void sendMarksAgain(EpochRecord epoch) {
        if (completerBefore == null || completerBefore.equals(completer())) {
            return;
        }
        for (LocalMember seat : seats.values()) {
            Versioned<ReadyMark> own = ownMark(epoch, seat);
            if (own != null) {
                sendMark(own, true);
            }
        }
    }

    private void sendMark(Versioned<ReadyMark> mark, boolean again) {
        effects.add(new BarrierEffect.SendMark(mark, completer(), again));
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
            announcements.recordChanged(
                    value, mine, believed, seats.values().stream().anyMatch(seat -> seat.isIn(value)));
        }
    }

    void allConnectedReceived(long epoch) {
        announcements.allConnectedReceived(epoch);
        EpochRecord known = epoch();
        readNeeded |= known == null
                || known.number() < epoch
                || (known.number() == epoch && known.state() == EpochRecord.State.OPEN);
    }

    void degradedReceived(long epoch) {
        announcements.degradedReceived(epoch);
        EpochRecord known = epoch();
        readNeeded |= known == null || (known.number() <= epoch && known.state() != EpochRecord.State.DEGRADED);
    }

    void republish() {
        EpochRecord value = epochs.recorded();
        if (value != null) {
            announcements.republish(value);
        }
    }

    // ---- effects

    void act() {
        followEntries();
        dropReleased();
        EpochRecord epoch = epoch();
        if (epoch != null && epoch.state() != EpochRecord.State.DEGRADED && !reading && !readNeeded) {
            degrade(epoch);
        }
        if (epoch != null && epoch.state() == EpochRecord.State.OPEN) {
            sendMarksAgain(epoch);
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
        if (task == Task.COMPLETE && epoch != null && EpochRules.knowsAllOf(epoch, keys.ranks())) {
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
     * Degrades the epoch if an own seat has lost a link since its mark, or is not connected in a COMPLETE epoch. It is
     * called only when no read is due: after a failed write the record is read first. Otherwise a write that fails
     * repeatedly would keep {@link #readDone} from deciding anything.
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
     * A read of everything failed. The record may be writable even if another key cannot be read, so an epoch that an
     * own seat has ended is degraded now.
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
        if (epoch.state() == EpochRecord.State.COMPLETE
                && announcements.hasAnnouncedDegraded(epoch.number())
                && lost.size() > 1) {
            announcements.degradedHere(epoch.number(), lost);
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

    /** @return whether it made a mark */
    private boolean mark(EpochRecord epoch, LocalMember seat) {
        int rank = seat.member().rank();
        if (!mayMark || !seat.isIn(epoch) || seat.poisoned() >= epoch.number()) {
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
        sendMark(made, false);
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
     * The epoch was not completed in time. After the next read, its record (if the store has none) and the own marks
     * are written to the store, for processes that do not know the epoch or have not received the marks.
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
                || (writingEpoch && canComplete())) {
            return;
        }
        boolean overUnreadable = false;
        for (LocalMember seat : seats.values()) {
            int rank = seat.member().rank();
            Versioned<ReadyMark> own = ownMark(epoch, seat);
            if (own != null
                    && seat.poisoned() < epoch.number()
                    && !own.equals(there.get(rank))
                    && writingMarks.add(rank)) {
                effects.add(new BarrierEffect.WriteMark(rank, Versioned.bytesOf(there.get(rank)), own));
                overUnreadable |= isUnreadable(there.get(rank));
            }
        }
        if (overUnreadable) {
            retry();
        }
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

    /** Whether all marks are there, and no own seat has ended the epoch. */
    private boolean canComplete() {
        EpochRecord epoch = epoch();
        return epoch != null
                && EpochRules.canComplete(epoch, keys.ranks(), keys.marks())
                && losses(epoch).isEmpty();
    }

    /**
     * Whether this process may act now. Otherwise it starts a timer: one hedge time for each process that is to act
     * before it, at most eight ({@link EpochRules#processesBefore}).
     */
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
     * Decides on the values of a read. It writes only if it is this process's turn, even if the read was started for
     * another reason. If every reader wrote, all but one would fail and read again.
     */
    private void decide(boolean canWrite) {
        Task task = canWrite ? wanted() : Task.NONE;
        if (task != Task.NONE && isMyTurn(task)) {
            completeOrOpen();
        } else if (hedge.passed()) {
            hedge = Hedge.NONE;
        }
    }

    /** Writes COMPLETE or OPEN over the known record, at most once in a transition. */
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

    /**
     * Repairs a record that the store has lost or replaced. A missing or older record is overwritten with the known
     * one. If the store holds another vector under the same number, as after a split, the epoch is degraded.
     */
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
            if (isUnreadable(there)) {
                retry();
            }
        }
    }

    /**
     * Whether another program, or a process of another version, has written the value. It may write again as soon as it
     * is overwritten, so the next read is made after a pause.
     */
    private static boolean isUnreadable(@Nullable Versioned<?> there) {
        return there != null && there.value() == null;
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
        seenWhileWriting = null;
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
