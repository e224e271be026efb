// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Some processes with one rank each, their store keys and links, as one immutable state, and every step that it can
 * make: the production barrier machine, with the world around it as small as possible.
 *
 * @param dirty of each process, whether the present record has not been pushed to it
 * @param newcomers of each process, the ranks whose present lives have not been pushed to it, one bit each; the links
 *     may bring them before
 * @param mail marks that are on their way from process to process
 * @param made of each rank, the marks that its lives have made, in order; the last one, and those of numbers that are
 *     not over
 * @param ends what each end of each link is connected to: an incarnation, 0 if it is down
 * @param late operations that have missed their deadline, and may still be applied
 * @param lostAfterMark of each rank, the greatest epoch in which its present life has lost a link after it had sent a
 *     mark
 * @param damaged true if a link was down while the present record was COMPLETE
 * @param keyOwner the rank of the process that owns the keys, -1 if it is unknown; a process knows it when it asks
 */
record BarrierWorld(
        @Nullable Versioned<EpochRecord> epoch,
        List<Versioned<RankEntry>> ranks,
        List<@Nullable Versioned<ReadyMark>> marks,
        List<Node> nodes,
        List<Boolean> dirty,
        List<Integer> newcomers,
        List<Mail> mail,
        List<List<ReadyMark>> made,
        List<List<Long>> ends,
        List<Write> late,
        List<Long> lostAfterMark,
        boolean damaged,
        int keyOwner,
        Budget budget) {
    static final GroupName GROUP = new GroupName("walk");

    /**
     * How many faults of each kind may still happen.
     *
     * @param keyMoves how often the keys may move to another process
     */
    record Budget(int breaks, int restarts, int lostNotifications, int lateOperations, int keyMoves, Overdue overdue) {
        Budget(int breaks, int restarts, int lostNotifications, int lateOperations) {
            this(
                    breaks,
                    restarts,
                    lostNotifications,
                    lateOperations,
                    0,
                    lostNotifications + lateOperations > 0 ? Overdue.HASTY : Overdue.LAST);
        }

        Budget less(int brokenLinks, int restarted, int notifications, int operations, int moved) {
            return new Budget(
                    breaks - brokenLinks,
                    restarts - restarted,
                    lostNotifications - notifications,
                    lateOperations - operations,
                    keyMoves - moved,
                    overdue);
        }
    }

    /** When marks may be overdue. */
    enum Overdue {
        /** At any time. */
        HASTY,
        /** Only when nothing else is on its way, since all else takes less time than that. */
        LAST,
        /** Never: all that is done has to be done without the marks in the store. */
        NEVER
    }

    /** A write to the store: to the epoch if {@code rank} is negative, else to the mark of that rank. */
    record Write(
            int rank,
            @Nullable StoredBytes expected,
            @Nullable Versioned<EpochRecord> record,
            @Nullable Versioned<ReadyMark> mark) {}

    /** A mark on its way, with the process that sent it and the one that it is sent to. */
    record Mail(int from, int to, Versioned<ReadyMark> mark) {}

    /** A read under way. */
    record Read(boolean recordRead, @Nullable Versioned<EpochRecord> basis) {}

    /** One process. */
    record Node(
            BarrierState state,
            @Nullable Read read,
            @Nullable Write record,
            @Nullable Write mark,
            int timers,
            long marked) {}

    /** One step to another state. */
    record Move(String what, boolean isFault, BarrierWorld to) {}

    /** @param linked whether the links are up; otherwise they come up one by one */
    static BarrierWorld start(int size, Budget budget, boolean linked) {
        return start(size, budget, linked, -1);
    }

    /** @param keyOwner the rank whose process owns the keys at first, -1 if it is never known */
    static BarrierWorld start(int size, Budget budget, boolean linked, int keyOwner) {
        var builder = new Builder(size, budget);
        builder.keyOwner = keyOwner;
        for (int rank = 0; rank < size; rank++) {
            builder.lookForKeyOwner(rank);
            builder.event(rank, new BarrierEvent.SeatTaken(member(rank, 1)));
            builder.event(rank, new BarrierEvent.LinkConnected(rank, member(rank, 1), Proof.LOCAL));
            for (int other = 0; other < size; other++) {
                builder.event(rank, new BarrierEvent.RankSeen(other, builder.ranks.get(other)));
                if (other != rank && linked) {
                    builder.connectEnd(rank, other);
                }
            }
        }
        return builder.build();
    }

    int size() {
        return nodes.size();
    }

    static Member member(int rank, long incarnation) {
        return new Member(rank, incarnation, new LifeId(0, incarnation));
    }

    private static BarrierSetup setup(int rank, int size) {
        return new BarrierSetup(GROUP, size, new ProcessId(0, rank + 1), 30, 200, 0, 250, 100);
    }

    private static Versioned<RankEntry> entry(int rank, int size, long incarnation) {
        var handle = new SegmentHandle(
                new ProcessId(0, rank + 1),
                "h",
                1 + rank,
                "",
                0,
                "",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        var entry = new RankEntry(GROUP, size, member(rank, incarnation), RankEntry.State.LIVE, 0, handle);
        return new Versioned<>(Schema.encode(entry), entry);
    }

    /**
     * All is well, and everybody knows: COMPLETE for the present lives over links that have stood ever since the marks.
     */
    boolean isGood() {
        EpochRecord record = Versioned.valueOf(epoch);
        if (record == null || record.state() != EpochRecord.State.COMPLETE || damaged) {
            return false;
        }
        for (int rank = 0; rank < size(); rank++) {
            Member member = Objects.requireNonNull(ranks.get(rank).value()).member();
            if (!record.vector().get(rank).equals(member)
                    || lostAfterMark.get(rank) >= record.number()
                    || !Objects.equals(nodes.get(rank).state().record(), epoch)
                    || !allConnected(rank, record)) {
                return false;
            }
        }
        return true;
    }

    private boolean allConnected(int rank, EpochRecord record) {
        for (int other = 0; other < size(); other++) {
            if (other != rank
                    && ends.get(rank).get(other) != record.vector().get(other).incarnation()) {
                return false;
            }
        }
        return true;
    }

    List<Move> moves() {
        List<Move> moves = new ArrayList<>();
        for (int rank = 0; rank < size(); rank++) {
            storeMoves(rank, moves);
            newsMoves(rank, moves);
            linkMoves(rank, moves);
            restart(rank, moves);
        }
        for (Mail one : mail) {
            moves.add(move(one.to() + " is told of the mark of " + one.from(), false, builder -> {
                builder.mail.remove(one);
                builder.event(one.to(), new BarrierEvent.MarkSeen(one.from(), one.mark()));
            }));
            boolean broken = ends.get(one.from()).get(one.to()) == 0
                    || ends.get(one.to()).get(one.from()) == 0;
            if (broken || budget.lostNotifications() > 0) {
                moves.add(move(one.to() + " is never told of the mark of " + one.from(), true, builder -> {
                    builder.mail.remove(one);
                    if (!broken) {
                        builder.spendNotification();
                    }
                }));
            }
        }
        for (int rank = 0; rank < size() && keyOwner >= 0; rank++) {
            keyMoves(rank, moves);
        }
        for (int index = 0; index < late.size(); index++) {
            int chosen = index;
            moves.add(move("late write applied or not", false, builder -> builder.apply(builder.late.remove(chosen))));
        }
        return moves;
    }

    private void keyMoves(int rank, List<Move> moves) {
        if (rank != keyOwner && budget.keyMoves() > 0) {
            moves.add(move("the keys move to " + rank, true, builder -> {
                builder.spendKeyMove();
                builder.keyOwner = rank;
            }));
        }
        var to = new Builder(this);
        if (to.lookForKeyOwner(rank)) {
            moves.add(new Move(rank + " has some reason to ask who owns the keys", true, to.build()));
        }
    }

    private Move move(String what, boolean isFault, java.util.function.Consumer<Builder> change) {
        var builder = new Builder(this);
        change.accept(builder);
        return new Move(what, isFault, builder.build());
    }

    private void storeMoves(int rank, List<Move> moves) {
        Node node = nodes.get(rank);
        Read read = node.read();
        if (read != null && !read.recordRead()) {
            moves.add(move(rank + " reads the record", false, builder -> builder.read(rank, new Read(true, epoch))));
        } else if (read != null) {
            moves.add(move(rank + " reads all", false, builder -> {
                builder.read(rank, null);
                builder.event(rank, builder.readDone(read.basis()));
            }));
        }
        Write record = node.record();
        if (record != null) {
            moves.add(move(rank + " writes the record", false, builder -> {
                builder.record(rank, null);
                builder.event(
                        rank,
                        new BarrierEvent.RecordWritten(Objects.requireNonNull(record.record()), builder.apply(record)));
            }));
            if (budget.lateOperations() > 0) {
                moves.add(move(rank + " misses the deadline of its record", true, builder -> {
                    builder.record(rank, null);
                    builder.tooLate(record);
                    builder.event(rank, new BarrierEvent.RecordWriteFailed());
                }));
            }
        }
        Write mark = node.mark();
        if (mark != null) {
            moves.add(move(rank + " writes its mark", false, builder -> {
                builder.mark(rank, null);
                builder.event(
                        rank,
                        new BarrierEvent.MarkWritten(rank, Objects.requireNonNull(mark.mark()), builder.apply(mark)));
            }));
            if (budget.lateOperations() > 0) {
                moves.add(move(rank + " misses the deadline of its mark", true, builder -> {
                    builder.mark(rank, null);
                    builder.tooLate(mark);
                    builder.event(rank, new BarrierEvent.MarkWriteFailed(rank));
                }));
            }
        }
        for (Timer timer : Timer.values()) {
            boolean isSoon = timer == Timer.OVERDUE
                    && (budget.overdue() == Overdue.NEVER || budget.overdue() == Overdue.LAST && isBusy());
            if ((node.timers() & 1 << timer.ordinal()) != 0 && !isSoon) {
                moves.add(move(rank + " timer " + timer, false, builder -> {
                    builder.timers(rank, builder.nodes.get(rank).timers() & ~(1 << timer.ordinal()));
                    builder.event(rank, new BarrierEvent.TimerFired(timer));
                }));
            }
        }
    }

    /** Something is on its way. */
    private boolean isBusy() {
        return !mail.isEmpty()
                || dirty.contains(true)
                || newcomers.stream().anyMatch(ranks -> ranks != 0)
                || nodes.stream().anyMatch(node -> node.read() != null || node.record() != null || node.mark() != null);
    }

    private void newsMoves(int rank, List<Move> moves) {
        for (int other = 0; other < size(); other++) {
            int of = other;
            if ((newcomers.get(rank) & 1 << of) != 0) {
                moves.add(move(rank + " is told of the life of " + of, false, builder -> {
                    builder.newcomers.set(rank, builder.newcomers.get(rank) & ~(1 << of));
                    builder.event(rank, new BarrierEvent.RankSeen(of, builder.ranks.get(of)));
                }));
            }
        }
        if (dirty.get(rank)) {
            moves.add(move(rank + " is told of the record", false, builder -> {
                builder.dirty.set(rank, false);
                builder.event(rank, new BarrierEvent.RecordSeen(epoch));
            }));
            if (budget.lostNotifications() > 0) {
                moves.add(move(rank + " is never told of the record", true, builder -> {
                    builder.dirty.set(rank, false);
                    builder.spendNotification();
                }));
            }
            return;
        }
        BarrierState state = nodes.get(rank).state();
        if (!Objects.equals(state.record(), epoch)
                || !state.ranks().equals(presentRanks())
                || knowsLess(state.marks())) {
            Node node = nodes.get(rank);
            if (node.read() == null && node.record() == null && node.mark() == null && node.timers() == 0) {
                moves.add(move(
                        rank + " reconciles", false, builder -> builder.event(rank, new BarrierEvent.Reconcile())));
            }
        }
    }

    private Map<Integer, Versioned<RankEntry>> presentRanks() {
        Map<Integer, Versioned<RankEntry>> all = new HashMap<>();
        for (int rank = 0; rank < size(); rank++) {
            all.put(rank, ranks.get(rank));
        }
        return all;
    }

    private boolean knowsLess(Map<Integer, Versioned<ReadyMark>> known) {
        for (int rank = 0; rank < size(); rank++) {
            ReadyMark there = Versioned.valueOf(marks.get(rank));
            ReadyMark here = Versioned.valueOf(known.get(rank));
            if (there != null && (here == null || there.supersedes(here))) {
                return true;
            }
        }
        return false;
    }

    private long incarnation(int rank) {
        return Objects.requireNonNull(ranks.get(rank).value()).member().incarnation();
    }

    private void linkMoves(int rank, List<Move> moves) {
        for (int other = 0; other < size(); other++) {
            if (other == rank) {
                continue;
            }
            int peer = other;
            long mine = ends.get(rank).get(peer);
            long theirs = ends.get(peer).get(rank);
            if (rank < peer && mine == 0 && theirs == 0) {
                moves.add(move(rank + " and " + peer + " connect", false, builder -> {
                    builder.connectEnd(rank, peer);
                    builder.connectEnd(peer, rank);
                }));
            }
            if (mine != 0 && (theirs != incarnation(rank) || mine != incarnation(peer))) {
                moves.add(move(
                        rank + " notices that " + peer + " is lost", false, builder -> builder.breakEnd(rank, peer)));
            }
            if (mine != 0 && budget.breaks() > 0) {
                moves.add(move(rank + " loses " + peer, true, builder -> {
                    builder.spendBreak();
                    builder.breakEnd(rank, peer);
                }));
            }
        }
    }

    private void restart(int rank, List<Move> moves) {
        if (budget.restarts() > 0) {
            moves.add(move(rank + " restarts", true, builder -> builder.restart(rank, incarnation(rank) + 1)));
        }
    }

    /** The next state in the making. */
    private static final class Builder {
        private final int size;
        private @Nullable Versioned<EpochRecord> epoch;
        private final List<Versioned<RankEntry>> ranks;
        private final List<@Nullable Versioned<ReadyMark>> marks;
        private final List<Node> nodes;
        private final List<Boolean> dirty;
        private final List<Integer> newcomers;
        private final List<Mail> mail;
        private final List<List<ReadyMark>> made;
        private final List<List<Long>> ends;
        private final List<Write> late;
        private final List<Long> lostAfterMark;
        private boolean damaged;
        private int keyOwner;
        private final Deque<Integer> looking = new ArrayDeque<>();
        private @Nullable BarrierEvent handling;
        private Budget budget;

        Builder(int size, Budget budget) {
            this.size = size;
            this.budget = budget;
            ranks = new ArrayList<>();
            marks = new ArrayList<>();
            nodes = new ArrayList<>();
            dirty = new ArrayList<>();
            newcomers = new ArrayList<>();
            mail = new ArrayList<>();
            made = new ArrayList<>();
            ends = new ArrayList<>();
            late = new ArrayList<>();
            lostAfterMark = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                ranks.add(entry(rank, size, 1));
                marks.add(null);
                nodes.add(new Node(BarrierState.INITIAL, null, null, null, 0, 0));
                dirty.add(false);
                newcomers.add(0);
                made.add(List.of());
                ends.add(new ArrayList<>(java.util.Collections.nCopies(size, 0L)));
                lostAfterMark.add(0L);
            }
        }

        Builder(BarrierWorld from) {
            size = from.size();
            epoch = from.epoch;
            ranks = new ArrayList<>(from.ranks);
            marks = new ArrayList<>(from.marks);
            nodes = new ArrayList<>(from.nodes);
            dirty = new ArrayList<>(from.dirty);
            newcomers = new ArrayList<>(from.newcomers);
            mail = new ArrayList<>(from.mail);
            made = new ArrayList<>(from.made);
            ends = new ArrayList<>();
            from.ends.forEach(row -> ends.add(new ArrayList<>(row)));
            late = new ArrayList<>(from.late);
            lostAfterMark = new ArrayList<>(from.lostAfterMark);
            damaged = from.damaged;
            keyOwner = from.keyOwner;
            budget = from.budget;
        }

        BarrierWorld build() {
            EpochRecord record = Versioned.valueOf(epoch);
            // a mark of an epoch that is over can only lead to a write on bytes that are gone
            made.replaceAll(all -> all.stream()
                    .filter(mark -> record == null || mark.epoch() >= record.number() || mark == all.getLast())
                    .toList());
            mail.removeIf(one ->
                    record != null && Objects.requireNonNull(one.mark().value()).epoch() < record.number());
            if (record != null && record.state() == EpochRecord.State.COMPLETE) {
                for (int rank = 0; rank < size; rank++) {
                    for (int other = 0; other < size; other++) {
                        damaged |= rank != other
                                && ends.get(rank).get(other)
                                        != record.vector().get(other).incarnation();
                    }
                }
            }
            return new BarrierWorld(
                    epoch,
                    ranks,
                    marks,
                    nodes,
                    dirty,
                    newcomers,
                    mail,
                    made,
                    ends,
                    late,
                    lostAfterMark,
                    damaged,
                    keyOwner,
                    budget);
        }

        void event(int rank, BarrierEvent event) {
            Node node = nodes.get(rank);
            handling = event;
            var step = BarrierMachine.transition(setup(rank, size), node.state(), event);
            EpochRecord epochNow = step.next().epoch();
            boolean isOpen = epochNow != null && epochNow.state() == EpochRecord.State.OPEN;
            int timers = isOpen ? node.timers() : node.timers() & ~(1 << Timer.OVERDUE.ordinal());
            nodes.set(
                    rank,
                    new Node(untold(step.next()), node.read(), node.record(), node.mark(), timers, node.marked()));
            step.effects().forEach(effect -> run(rank, effect));
            for (Integer asks = looking.poll(); asks != null; asks = looking.poll()) {
                lookForKeyOwner(asks);
            }
        }

        /** Whether it is news. */
        private boolean lookForKeyOwner(int rank) {
            KeyOwner now =
                    keyOwner < 0 ? null : new KeyOwner(setup(keyOwner, size).process(), "the same says the process");
            if (Objects.equals(now, nodes.get(rank).state().keyOwner())) {
                return false;
            }
            event(rank, new BarrierEvent.KeyOwnerSeen(now));
            return true;
        }

        /**
         * The announcements decide only later announcements, never writes: states that differ in them are the same
         * here.
         */
        private static BarrierState untold(BarrierState state) {
            return new BarrierState(
                    state.seats(),
                    state.record(),
                    state.implied(),
                    state.ranks(),
                    state.marks(),
                    state.keyOwner(),
                    state.work(),
                    BarrierState.INITIAL.announced());
        }

        private void run(int rank, BarrierEffect effect) {
            Node node = nodes.get(rank);
            switch (effect) {
                case BarrierEffect.ReadAll _ -> {
                    require(node.read() == null, "one read at a time");
                    read(rank, new Read(false, null));
                }
                case BarrierEffect.WriteRecord(var expected, var next) -> {
                    require(node.record() == null, "one write per key at a time");
                    EpochRecord before = node.state().recorded();
                    EpochRecord value = Objects.requireNonNull(next.value());
                    boolean opens = value.state() == EpochRecord.State.OPEN
                            && (before == null || value.number() > before.number());
                    require(handling instanceof BarrierEvent.ReadDone || !opens, "opened without a fresh read");
                    record(rank, new Write(-1, expected, next, null));
                }
                case BarrierEffect.WriteMark(int of, var expected, var next) -> {
                    require(node.mark() == null, "one write per key at a time");
                    require(
                            made.get(rank).contains(Objects.requireNonNull(next.value())),
                            "a mark is told before it is written");
                    mark(rank, new Write(of, expected, null, next));
                }
                case BarrierEffect.SendMark(var mark, var to, boolean _) -> {
                    make(rank, Objects.requireNonNull(mark.value()));
                    for (int other = 0; other < size; other++) {
                        var one = new Mail(rank, other, mark);
                        if (other != rank
                                && (to == null || to.equals(setup(other, size).process()))
                                && ends.get(rank).get(other) != 0
                                && !mail.contains(one)) {
                            mail.add(one);
                        }
                    }
                    mail.sort(java.util.Comparator.comparingInt(Mail::hashCode));
                }
                case BarrierEffect.StartTimer(Timer timer, long _) -> {
                    if (timer != Timer.REPUBLISH && (timer != Timer.KEY_OWNER || keyOwner >= 0)) {
                        timers(rank, node.timers() | 1 << timer.ordinal());
                    }
                }
                case BarrierEffect.CompleteWaiters(EpochRecord record) ->
                    require(
                            node.marked() == record.number() && lostAfterMark.get(rank) < record.number(),
                            "a process believes COMPLETE only on its own mark, with nothing lost since");
                case BarrierEffect.LookForKeyOwner _ -> looking.add(rank);
                case BarrierEffect.BroadcastRecord _,
                        BarrierEffect.PublishAllConnected _,
                        BarrierEffect.AnnounceDegraded _,
                        BarrierEffect.PublishDegraded _ -> {}
            }
        }

        private void make(int rank, ReadyMark mark) {
            Node node = nodes.get(rank);
            if (made.get(rank).contains(mark)) {
                return;
            }
            EpochRecord seen = Objects.requireNonNull(node.state().epoch());
            require(
                    mark.digest().equals(seen.digest()),
                    "marked another vector: " + mark + " seen " + seen + " former " + made.get(rank));
            for (int other = 0; other < size; other++) {
                require(
                        other == rank
                                || ends.get(rank).get(other)
                                        == seen.vector().get(other).incarnation(),
                        "marked while a link is down");
            }
            made.get(rank).forEach(former -> require(mark.supersedes(former), "a mark is taken back"));
            List<ReadyMark> all = new ArrayList<>(made.get(rank));
            all.add(mark);
            made.set(rank, List.copyOf(all));
            nodes.set(
                    rank,
                    new Node(
                            node.state(),
                            node.read(),
                            node.record(),
                            node.mark(),
                            node.timers(),
                            Math.max(node.marked(), mark.epoch())));
        }

        void read(int rank, @Nullable Read read) {
            Node node = nodes.get(rank);
            nodes.set(rank, new Node(node.state(), read, node.record(), node.mark(), node.timers(), node.marked()));
        }

        void record(int rank, @Nullable Write write) {
            Node node = nodes.get(rank);
            nodes.set(rank, new Node(node.state(), node.read(), write, node.mark(), node.timers(), node.marked()));
        }

        void mark(int rank, @Nullable Write write) {
            Node node = nodes.get(rank);
            nodes.set(rank, new Node(node.state(), node.read(), node.record(), write, node.timers(), node.marked()));
        }

        void timers(int rank, int timers) {
            Node node = nodes.get(rank);
            nodes.set(rank, new Node(node.state(), node.read(), node.record(), node.mark(), timers, node.marked()));
        }

        BarrierEvent.ReadDone readDone(@Nullable Versioned<EpochRecord> basis) {
            Map<Integer, Versioned<RankEntry>> freshRanks = new HashMap<>();
            Map<Integer, Versioned<ReadyMark>> freshMarks = new HashMap<>();
            for (int rank = 0; rank < size; rank++) {
                freshRanks.put(rank, ranks.get(rank));
                Versioned<ReadyMark> mark = marks.get(rank);
                if (mark != null) {
                    freshMarks.put(rank, mark);
                }
            }
            return new BarrierEvent.ReadDone(basis, freshRanks, freshMarks);
        }

        boolean apply(Write write) {
            if (write.rank() >= 0) {
                if (!Objects.equals(Versioned.bytesOf(marks.get(write.rank())), write.expected())) {
                    return false;
                }
                ReadyMark old = Versioned.valueOf(marks.get(write.rank()));
                require(
                        old == null
                                || Objects.requireNonNull(Versioned.valueOf(write.mark()))
                                        .supersedes(old),
                        "a mark is taken back");
                marks.set(write.rank(), write.mark());
                return true;
            }
            if (!Objects.equals(Versioned.bytesOf(epoch), write.expected())) {
                return false;
            }
            EpochRecord old = Versioned.valueOf(epoch);
            EpochRecord next = Objects.requireNonNull(Versioned.valueOf(write.record()));
            if (old != null) {
                require(next.supersedes(old), "the record goes back: " + old + " -> " + next);
                for (int rank = 0; rank < size; rank++) {
                    require(!old.vector().get(rank).isNewerThan(next.vector().get(rank)), "the vector goes back");
                }
                damaged &= next.number() == old.number();
            }
            if (next.state() == EpochRecord.State.COMPLETE) {
                for (int rank = 0; rank < size; rank++) {
                    Member member = next.vector().get(rank);
                    require(
                            made.get(rank).stream()
                                    .anyMatch(mark -> mark.member().equals(member)
                                            && mark.digest().equals(next.digest())),
                            "COMPLETE without the marks");
                }
            }
            epoch = write.record();
            dirty.replaceAll(_ -> true);
            return true;
        }

        void tooLate(Write write) {
            late.add(write);
            late.sort(java.util.Comparator.comparingInt(Write::hashCode));
            budget = budget.less(0, 0, 0, 1, 0);
        }

        void spendNotification() {
            budget = budget.less(0, 0, 1, 0, 0);
        }

        void spendKeyMove() {
            budget = budget.less(0, 0, 0, 0, 1);
        }

        void spendBreak() {
            budget = budget.less(1, 0, 0, 0, 0);
        }

        void connectEnd(int rank, int peer) {
            Member there = Objects.requireNonNull(ranks.get(peer).value()).member();
            ends.get(rank).set(peer, there.incarnation());
            event(rank, new BarrierEvent.LinkConnected(rank, there, Proof.WARMUP));
        }

        void breakEnd(int rank, int peer) {
            Member there = member(peer, ends.get(rank).get(peer));
            ends.get(rank).set(peer, 0L);
            lostAfterMark.set(
                    rank, Math.max(lostAfterMark.get(rank), nodes.get(rank).marked()));
            event(rank, new BarrierEvent.LinkLost(rank, there, "LOST", "lost"));
        }

        void restart(int rank, long incarnation) {
            budget = budget.less(0, 1, 0, 0, 0);
            Node old = nodes.get(rank);
            if (old.record() != null) {
                late.add(old.record());
            }
            if (old.mark() != null) {
                late.add(old.mark());
            }
            late.sort(java.util.Comparator.comparingInt(Write::hashCode));
            ranks.set(rank, entry(rank, size, incarnation));
            mail.removeIf(one -> one.to() == rank);
            nodes.set(rank, new Node(BarrierState.INITIAL, null, null, null, 0, 0));
            dirty.set(rank, false);
            lostAfterMark.set(rank, 0L);
            for (int peer = 0; peer < size; peer++) {
                ends.get(rank).set(peer, 0L);
            }
            Member self = member(rank, incarnation);
            event(rank, new BarrierEvent.SeatTaken(self));
            event(rank, new BarrierEvent.LinkConnected(rank, self, Proof.LOCAL));
            newcomers.set(rank, 0);
            for (int other = 0; other < size; other++) {
                if (other != rank) {
                    newcomers.set(other, newcomers.get(other) | 1 << rank);
                }
            }
            event(rank, new BarrierEvent.RankSeen(rank, ranks.get(rank)));
            event(rank, new BarrierEvent.Reconcile());
        }

        private static void require(boolean holds, String rule) {
            if (!holds) {
                throw new IllegalStateException(rule);
            }
        }
    }
}
