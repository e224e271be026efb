// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.DIALABLE;
import static io.muster.peer.LinkFixture.GROUP;
import static io.muster.peer.LinkFixture.entry;
import static io.muster.peer.LinkFixture.generation;
import static io.muster.peer.LinkFixture.member;
import static io.muster.peer.LinkFixture.numberOf;
import static io.muster.peer.LinkFixture.slot;

import io.muster.group.Member;
import io.muster.peer.LinkEffect.Timer;
import io.muster.transfer.LossEvidence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Two links, a writer and a waiter, and everything between them: a channel that loses, repeats and reorders messages
 * during faults, warmup writes with their acknowledgements, channel loss and new channels, restarts of either end (as a
 * new process, or as a new life in the same one), timers, reports, withdrawals, and the list of held pairs in the
 * liveness answers. The shell is modelled by its contract in {@link LinkEffect}.
 *
 * <p>A world is packed into chars: the fields below, then the sorted numbers of the things in flight. Link states are
 * kept without the parts that decide nothing (texts, the count of failures), so the worlds are finite. During faults
 * any event may happen at any moment, within {@link Bounds}. Afterwards messages and outcomes still arrive in any
 * order, but once each, and a timer fires only when nothing is in flight, because timers are long compared with
 * delivery.
 */
final class TwoLinkWorld implements StateSpace.Model {
    /** The transition under test: production's, or a mutant. */
    interface Rules {
        Step transition(LinkSetup setup, LinkState state, LinkEvent event);
    }

    /**
     * Limits of the faults.
     *
     * @param attempts the writer's attempts during faults
     * @param losses channels that are lost by themselves
     * @param crashes restarts of the writer, of the waiter, each as a new process
     * @param moves restarts of the writer, of the waiter, each as a new life in the same process, over the same channel
     */
    record Bounds(
            int attempts,
            int losses,
            int[] crashes,
            int[] moves,
            int reports,
            int withdrawals,
            WarmupAnswer writerAnswer,
            WarmupAnswer waiterAnswer,
            boolean pairLists) {
        static Bounds of(int attempts, int losses, int reports, int withdrawals) {
            return new Bounds(
                    attempts,
                    losses,
                    new int[2],
                    new int[2],
                    reports,
                    withdrawals,
                    LinkFixture.EXCHANGE,
                    LinkFixture.EXCHANGE,
                    true);
        }

        Bounds crashes(int writer, int waiter) {
            return new Bounds(
                    attempts,
                    losses,
                    new int[] {waiter, writer},
                    moves,
                    reports,
                    withdrawals,
                    writerAnswer,
                    waiterAnswer,
                    pairLists);
        }

        Bounds moves(int writer, int waiter) {
            return new Bounds(
                    attempts,
                    losses,
                    crashes,
                    new int[] {waiter, writer},
                    reports,
                    withdrawals,
                    writerAnswer,
                    waiterAnswer,
                    pairLists);
        }

        Bounds answers(WarmupAnswer writer, WarmupAnswer waiter) {
            return new Bounds(attempts, losses, crashes, moves, reports, withdrawals, writer, waiter, pairLists);
        }

        /** Without the list of held pairs in the liveness answers. */
        Bounds withoutPairLists() {
            return new Bounds(
                    attempts, losses, crashes, moves, reports, withdrawals, writerAnswer, waiterAnswer, false);
        }
    }

    // ---- a world's fields; what exists once per end is at FIELD + rank: the waiter is rank 0, the writer rank 1
    private static final int WAITER = LinkFixture.WAITER_RANK;
    private static final int WRITER = LinkFixture.WRITER_RANK;
    private static final int KIND = 0;
    private static final int CHANNEL = 1;
    private static final int ALIVE = 2;
    private static final int NONCES = 3;
    private static final int REPORTS = 4;
    private static final int WITHDRAWALS = 5;
    private static final int LOSSES = 6;
    private static final int SEEN_LOST = 7;
    private static final int CRASHES = 9;
    private static final int MOVES = 11;
    private static final int LIFE = 13;
    private static final int STATE = 15;
    private static final int TIMER = 17;
    private static final int FIELDS = 19;
    /** During faults, a message beyond this number of things in flight is lost. */
    private static final int IN_FLIGHT = Integer.getInteger("muster.walk.inFlight", 4);

    /** Something in flight. */
    private sealed interface Item {
        /** On the control connection of a channel, towards a rank. */
        record Message(LinkMessage message, int channel, int to) implements Item {}

        record Asked(int end, Member peer, int attempt) implements Item {}

        record Dialled(int end, int attempt) implements Item {}

        record Write(int end, Session session, long value, Progress progress) implements Item {
            Write at(Progress next) {
                return new Write(end, session, value, next);
            }

            int target() {
                return 1 - end;
            }

            int channel() {
                return numberOf(session.generation());
            }
        }
    }

    /** Progress of a write. Its two ends learn of it at different times. */
    private enum Progress {
        UNDER_WAY,
        APPLIED,
        TARGET_KNOWS,
        SOURCE_KNOWS
    }

    private record End(int rank, int life, LinkState state) {}

    /** The effect of a transition on the world; memoized. */
    private record Move(int next, int[] items, int timer, boolean usesNonce, String violation) {}

    private static final int TIMER_UNCHANGED = -1;
    private final Rules rules;
    private final Bounds bounds;
    private final Map<End, Integer> endIds = new HashMap<>();
    private final List<End> ends = new ArrayList<>();
    private final Map<Item, Integer> itemIds = new HashMap<>();
    private final List<Item> items = new ArrayList<>();
    private final Map<LinkEvent, Integer> eventIds = new HashMap<>();
    private final List<LinkEvent> events = new ArrayList<>();
    private final Map<Long, Move> moves = new HashMap<>();
    private String violation;

    TwoLinkWorld(Rules rules, Bounds bounds) {
        this.rules = rules;
        this.bounds = bounds;
        idOf(new Item.Dialled(-1, 0));
    }

    @Override
    public char[] initial() {
        char[] world = new char[FIELDS];
        world[REPORTS] = (char) bounds.reports();
        world[WITHDRAWALS] = (char) bounds.withdrawals();
        world[LOSSES] = (char) bounds.losses();
        for (int end = WAITER; end <= WRITER; end++) {
            world[CRASHES + end] = (char) bounds.crashes()[end];
            world[MOVES + end] = (char) bounds.moves()[end];
            begin(world, end, 1);
        }
        return world;
    }

    private void begin(char[] world, int end, int life) {
        world[LIFE + end] = (char) life;
        world[STATE + end] = (char) idOf(new End(end, life, LinkMachine.initial()));
        world[TIMER + end] = 0;
    }

    // ---- every step from a world

    @Override
    public void expand(char[] world, StateSpace.Steps out) {
        boolean kind = isKind(world);
        for (int end = WAITER; end <= WRITER; end++) {
            storeTells(world, end, out);
            pathTells(world, end, out);
            timerFires(world, end, out);
            if (!kind) {
                endFails(world, end, out);
            }
        }
        for (int at = FIELDS; at < world.length; at++) {
            if (at > FIELDS && world[at] == world[at - 1]) {
                continue;
            }
            inFlight(world, world[at], out);
        }
        if (!kind) {
            if (world[ALIVE] == 1 && world[LOSSES] > 0) {
                char[] next = with(world, ALIVE, 0);
                next[LOSSES]--;
                emit(next, "the channel is lost", out);
            }
            emit(with(world, KIND, 1), "faults stop", out);
        }
    }

    private void storeTells(char[] world, int end, StateSpace.Steps out) {
        int newest = world[LIFE + 1 - end];
        for (int life = isKind(world) ? newest : 1; life <= newest; life++) {
            Member peer = member(1 - end, life);
            happens(world, end, new LinkEvent.HandlePublished(entry(peer, 0), DIALABLE), 0, "published", out);
            if (life < newest) {
                happens(world, end, new LinkEvent.HandleWithdrawn(peer, ""), 0, "gone", out);
                happens(world, end, new LinkEvent.PeerLeft(peer, ""), 0, "left", out);
            } else if (!isKind(world) && world[WITHDRAWALS] > 0) {
                happens(
                        with(world, WITHDRAWALS, world[WITHDRAWALS] - 1),
                        end,
                        new LinkEvent.HandleWithdrawn(peer, ""),
                        0,
                        "withdrawn",
                        out);
            }
        }
    }

    private void pathTells(char[] world, int end, StateSpace.Steps out) {
        int lost = world[SEEN_LOST + end] + 1;
        if (lost <= world[CHANNEL] - world[ALIVE]) {
            char[] next = with(world, SEEN_LOST + end, lost);
            next = without(
                    next,
                    item -> item instanceof Item.Message message && message.to() == end && message.channel() <= lost);
            happens(
                    next,
                    end,
                    new LinkEvent.ChannelLost(
                            generation(end, lost), new LossEvidence(LossEvidence.Kind.SOCKET_CLOSED, "")),
                    0,
                    "channel lost",
                    out);
        }
        if (isKind(world) && bounds.pairLists() && isQuiet(world) && world[ALIVE] == 1) {
            state(world, end)
                    .agreed()
                    .filter(session -> !state(world, 1 - end).holds(session.pairId()))
                    .ifPresent(session ->
                            happens(world, end, new LinkEvent.PairNotHeld(session.pairId()), 0, "not held", out));
        }
    }

    private void timerFires(char[] world, int end, StateSpace.Steps out) {
        int running = world[TIMER + end];
        if (running != 0) {
            Timer timer = Timer.values()[running / 64 - 1];
            if (!isKind(world) || isQuiet(world)) {
                happens(
                        with(world, TIMER + end, 0),
                        end,
                        new LinkEvent.TimerFired(timer, running % 64),
                        0,
                        "timer",
                        out);
            }
        }
    }

    private void endFails(char[] world, int end, StateSpace.Steps out) {
        Member peer = state(world, end).history().newest();
        if (world[REPORTS] > 0 && state(world, end) instanceof LinkState.Connected && peer != null) {
            happens(
                    with(world, REPORTS, world[REPORTS] - 1),
                    end,
                    new LinkEvent.Reported(peer, ""),
                    0,
                    "reported",
                    out);
        }
        if (world[CRASHES + end] > 0) {
            char[] next = with(world, CRASHES + end, world[CRASHES + end] - 1);
            begin(next, end, world[LIFE + end] + 1);
            next[ALIVE] = 0;
            next[SEEN_LOST + end] = next[CHANNEL];
            emit(
                    without(
                            next,
                            item -> isOf(item, end) || item instanceof Item.Message message && message.to() == end),
                    end + " crashes",
                    out);
        }
        if (world[MOVES + end] > 0) {
            char[] next = with(world, MOVES + end, world[MOVES + end] - 1);
            begin(next, end, world[LIFE + end] + 1);
            emit(without(next, item -> isOf(item, end)), end + " begins a new life in its process", out);
        }
    }

    private static boolean isOf(Item item, int end) {
        return switch (item) {
            case Item.Message _ -> false;
            case Item.Asked asked -> asked.end() == end;
            case Item.Dialled dialled -> dialled.end() == end;
            case Item.Write write -> write.end() == end;
        };
    }

    private void inFlight(char[] world, int id, StateSpace.Steps out) {
        char[] without = remove(world, id);
        switch (items.get(id)) {
            case Item.Message message -> {
                deliver(without, message, out);
                if (!isKind(world)) {
                    deliver(world, message, out);
                    emit(without, "lost " + message.message().getClass().getSimpleName(), out);
                }
            }
            case Item.Asked asked ->
                happens(
                        without,
                        asked.end(),
                        new LinkEvent.PolicyAnswered(
                                asked.peer(),
                                asked.attempt(),
                                asked.end() == WRITER ? bounds.writerAnswer() : bounds.waiterAnswer()),
                        0,
                        "policy",
                        out);
            case Item.Dialled dialled -> dialled(world, without, dialled, out);
            case Item.Write write -> write(world, without, id, write, out);
        }
    }

    private void deliver(char[] world, Item.Message item, StateSpace.Steps out) {
        int nonce = 1 + world[NONCES];
        var generation = generation(item.to(), item.channel());
        LinkEvent event = switch (item.message()) {
            case LinkMessage.Open open -> new LinkEvent.OpenReceived(open, DIALABLE, generation, nonce);
            case LinkMessage.Accept accept -> new LinkEvent.AcceptReceived(accept, generation);
            case LinkMessage.Refuse refuse -> new LinkEvent.RefuseReceived(refuse);
            case LinkMessage.Close close -> new LinkEvent.CloseReceived(close);
        };
        happens(world, item.to(), event, nonce, "", out);
    }

    private void dialled(char[] world, char[] without, Item.Dialled dialled, StateSpace.Steps out) {
        int end = dialled.end();
        long nonce = 1_000 * world[LIFE + end] + dialled.attempt();
        if (!isKind(world)) {
            happens(without, end, new LinkEvent.DialFailed(dialled.attempt(), ""), 0, "", out);
        }
        if (world[SEEN_LOST + end] < world[CHANNEL]) {
            happens(
                    without,
                    end,
                    new LinkEvent.ChannelReady(dialled.attempt(), generation(end, world[CHANNEL]), nonce),
                    0,
                    "",
                    out);
        } else {
            char[] next = with(without, CHANNEL, world[CHANNEL] + 1);
            next[ALIVE] = 1;
            StateSpace.Steps thenReady = (up, label) -> happens(
                    up,
                    end,
                    new LinkEvent.ChannelReady(dialled.attempt(), generation(end, up[CHANNEL]), nonce),
                    0,
                    label,
                    out);
            happens(next, WRITER, new LinkEvent.ChannelUp(), 0, "new channel", thenReady);
        }
    }

    private void write(char[] world, char[] without, int id, Item.Write write, StateSpace.Steps out) {
        boolean alive = write.channel() == world[CHANNEL] && world[ALIVE] == 1;
        boolean sourceHears = write.channel() > world[SEEN_LOST + write.end()];
        Member target = write.end() == WRITER
                ? write.session().waiter()
                : write.session().writer();
        boolean targetLives = target.equals(member(write.target(), world[LIFE + write.target()]));
        PairId pair = write.session().pairId();
        boolean sourceKnows = write.progress() == Progress.SOURCE_KNOWS;
        boolean targetKnows = write.progress() == Progress.TARGET_KNOWS;
        if (write.progress() == Progress.UNDER_WAY) {
            if (targetLives && alive) {
                emit(put(without, write.at(Progress.APPLIED)), "write applied", out);
            }
            if (!isKind(world) || !targetLives || !alive) {
                happens(without, write.end(), new LinkEvent.WriteFailed(pair, ""), 0, "not applied", out);
            }
            return;
        }
        if (!targetKnows) {
            if (targetLives) {
                happens(
                        sourceKnows ? without : put(without, write.at(Progress.TARGET_KNOWS)),
                        write.target(),
                        new LinkEvent.SlotWritten(write.value()),
                        0,
                        "",
                        out);
            } else {
                emit(sourceKnows ? without : put(without, write.at(Progress.TARGET_KNOWS)), "its target is over", out);
            }
        }
        if (!sourceKnows) {
            char[] next = targetKnows ? without : put(without, write.at(Progress.SOURCE_KNOWS));
            if (sourceHears) {
                happens(next, write.end(), new LinkEvent.WriteApplied(pair), 0, "", out);
            }
            if (!alive || !isKind(world)) {
                happens(next, write.end(), new LinkEvent.WriteFailed(pair, ""), 0, "acknowledgement lost", out);
            }
        }
    }

    // ---- one link takes an event, the shell runs the effects

    private void happens(char[] world, int end, LinkEvent event, int nonce, String label, StateSpace.Steps out) {
        int eventId = eventIds.computeIfAbsent(event, _ -> {
            events.add(event);
            return events.size() - 1;
        });
        Move move = moves.computeIfAbsent(
                (long) world[STATE + end] << 32 | eventId, _ -> move(ends.get(world[STATE + end]), event, nonce));
        if (move.violation() != null) {
            violation = move.violation();
        }
        char[] next = world.clone();
        next[STATE + end] = (char) move.next();
        if (move.timer() != TIMER_UNCHANGED) {
            next[TIMER + end] = (char) move.timer();
        }
        if (move.usesNonce()) {
            next[NONCES]++;
        }
        for (int item : move.items()) {
            next = launch(next, item);
        }
        if (!isKind(next) && state(next, WRITER).history().attempt() > bounds.attempts()) {
            return;
        }
        out.step(next, end + " " + label + " " + event.getClass().getSimpleName());
    }

    /** Over a dead channel a message is dropped, while a write is answered. */
    private char[] launch(char[] world, int id) {
        Item item = items.get(id);
        if (item instanceof Item.Message message) {
            boolean alive = message.channel() == world[CHANNEL] && world[ALIVE] == 1;
            boolean full = !isKind(world) && world.length - FIELDS >= IN_FLIGHT;
            return !alive || full || contains(world, id) ? world : put(world, message);
        }
        if (item instanceof Item.Write write) {
            for (int at = FIELDS; at < world.length; at++) {
                if (items.get(world[at]) instanceof Item.Write other
                        && other.end() == write.end()
                        && other.channel() == write.channel()
                        && other.progress() != Progress.SOURCE_KNOWS
                        && other.channel() > world[SEEN_LOST + write.end()]) {
                    violation = "two writes under way over one channel: " + other + " and " + write;
                }
            }
        }
        return contains(world, id) ? world : put(world, item);
    }

    private Move move(End end, LinkEvent event, int nonce) {
        Step step = rules.transition(setup(end), end.state(), event);
        LinkState state = canonical(step.next());
        int timer = TIMER_UNCHANGED;
        List<Integer> launched = new ArrayList<>();
        for (LinkEffect effect : step.effects()) {
            switch (effect) {
                case LinkEffect.StartTimer(Timer kind, int attempt, long _) ->
                    timer = 64 * (1 + kind.ordinal()) + attempt;
                case LinkEffect.StopTimer _ -> timer = 0;
                case LinkEffect.Dial(int attempt, var _) -> launched.add(idOf(new Item.Dialled(end.rank(), attempt)));
                case LinkEffect.AskPolicy(int attempt, var peer) ->
                    launched.add(idOf(new Item.Asked(end.rank(), peer.member(), attempt)));
                case LinkEffect.SendOpen(var peer, int attempt, var generation, long own, var answer) ->
                    launched.add(idOf(new Item.Message(
                            new LinkMessage.Open(
                                    entry(setup(end).self(), 0),
                                    peer.member(),
                                    attempt,
                                    own,
                                    slot(setup(end).self()),
                                    answer),
                            numberOf(generation),
                            1 - end.rank())));
                case LinkEffect.SendAccept(Session session, boolean _) ->
                    launched.add(idOf(new Item.Message(
                            LinkFixture.accept(session.pairId(), session.answer()),
                            numberOf(session.generation()),
                            1 - end.rank())));
                case LinkEffect.SendRefuse(var refuse, var generation) ->
                    launched.add(idOf(new Item.Message(
                            new LinkMessage.Refuse(
                                    GROUP,
                                    refuse.writer(),
                                    refuse.from(),
                                    refuse.attempt(),
                                    refuse.code(),
                                    "",
                                    refuse.current()),
                            numberOf(generation),
                            1 - end.rank())));
                case LinkEffect.SendClose(Session session, String _) ->
                    launched.add(idOf(new Item.Message(
                            new LinkMessage.Close(GROUP, end.rank(), 1 - end.rank(), session.pairId(), ""),
                            numberOf(session.generation()),
                            1 - end.rank())));
                case LinkEffect.WriteSlot(Session session, long value) ->
                    launched.add(idOf(new Item.Write(end.rank(), session, value, Progress.UNDER_WAY)));
                case LinkEffect.OpenLocal _, LinkEffect.Drain _ ->
                    throw new IllegalStateException("not in this walk: " + effect);
            }
        }
        boolean usesNonce = nonce != 0
                && state instanceof LinkState.OpeningSegment(var _, LinkState.Stage.AskingPolicyFor asking)
                && asking.nonce() == nonce
                && !state.equals(end.state());
        return new Move(
                idOf(new End(end.rank(), end.life(), state)),
                launched.stream().mapToInt(Integer::intValue).toArray(),
                timer,
                usesNonce,
                LinkInvariants.brokenBy(setup(end), end.state(), event, step));
    }

    private static LinkSetup setup(End end) {
        return end.rank() == WRITER ? LinkFixture.writerSetup(end.life()) : LinkFixture.waiterSetup(end.life());
    }

    /** Without texts and the count of failures: they are shown, and set the length of a delay, but decide nothing. */
    static LinkState canonical(LinkState state) {
        History old = state.history();
        var history = new History(old.target(), old.newest(), old.over(), old.attempt(), 0, null, old.writing());
        return switch (state.withHistory(history)) {
            case LinkState.Connected(var h, var session, var proof, var _) ->
                new LinkState.Connected(h, session, proof, "");
            case LinkState other -> other;
        };
    }

    // ---- judging a world

    @Override
    public String violation(char[] world) {
        if (violation != null) {
            return violation;
        }
        for (int end = WAITER; end <= WRITER; end++) {
            LinkState state = state(world, end);
            var generation = state.generation();
            if (state instanceof LinkState.Connected
                    && generation.isPresent()
                    && numberOf(generation.get()) <= world[SEEN_LOST + end]) {
                return "CONNECTED over a channel that this end has seen die";
            }
            int timer = world[TIMER + end];
            String wrong = LinkInvariants.timerMismatch(state, timer == 0 ? null : Timer.values()[timer / 64 - 1]);
            if (wrong != null) {
                return wrong;
            }
        }
        if (world[ALIVE] == 1
                && isQuiet(world)
                && state(world, WRITER) instanceof LinkState.Connected
                && state(world, WAITER) instanceof LinkState.Connected
                && !samePair(world)) {
            return "both CONNECTED, on different pairs, with nothing in flight";
        }
        return isKind(world) && state(world, WRITER).history().attempt() > bounds.attempts() + 8
                ? "attempts without end after faults"
                : null;
    }

    @Override
    public boolean isKind(char[] world) {
        return world[KIND] == 1;
    }

    @Override
    public boolean isGoal(char[] world) {
        return world[ALIVE] == 1
                && state(world, WRITER) instanceof LinkState.Connected
                && state(world, WAITER) instanceof LinkState.Connected
                && samePair(world);
    }

    private boolean samePair(char[] world) {
        return state(world, WRITER)
                .agreed()
                .map(Session::pairId)
                .equals(state(world, WAITER).agreed().map(Session::pairId));
    }

    /** Nothing is under way that could still change something by itself. */
    private boolean isQuiet(char[] world) {
        int dead = world[CHANNEL] - world[ALIVE];
        return world.length == FIELDS && world[SEEN_LOST + WAITER] >= dead && world[SEEN_LOST + WRITER] >= dead;
    }

    private LinkState state(char[] world, int end) {
        return ends.get(world[STATE + end]).state();
    }

    @Override
    public String describe(char[] world) {
        var text = new StringBuilder(
                "channel " + (int) world[CHANNEL] + (world[ALIVE] == 1 ? " alive" : " dead") + "\n  writer "
                        + (int) world[TIMER + WRITER] + " " + state(world, WRITER) + "\n  waiter "
                        + (int) world[TIMER + WAITER] + " "
                        + state(world, WAITER));
        for (int at = FIELDS; at < world.length; at++) {
            text.append("\n  in flight: ").append(items.get(world[at]));
        }
        return text.toString();
    }

    // ---- packing

    private int idOf(End end) {
        return endIds.computeIfAbsent(end, _ -> {
            ends.add(end);
            return small(ends.size() - 1);
        });
    }

    private int idOf(Item item) {
        return itemIds.computeIfAbsent(item, _ -> {
            items.add(item);
            return small(items.size() - 1);
        });
    }

    private static int small(int id) {
        if (id > Character.MAX_VALUE) {
            throw new IllegalStateException("too many different things for a char");
        }
        return id;
    }

    private static char[] with(char[] world, int field, int value) {
        char[] next = world.clone();
        next[field] = (char) value;
        return next;
    }

    private static boolean contains(char[] world, int id) {
        for (int at = FIELDS; at < world.length; at++) {
            if (world[at] == id) {
                return true;
            }
        }
        return false;
    }

    private char[] put(char[] world, Item item) {
        char[] next = Arrays.copyOf(world, world.length + 1);
        next[world.length] = (char) idOf(item);
        Arrays.sort(next, FIELDS, next.length);
        return next;
    }

    private static char[] remove(char[] world, int id) {
        char[] next = new char[world.length - 1];
        int to = 0;
        boolean removed = false;
        for (int at = 0; at < world.length; at++) {
            if (!removed && at >= FIELDS && world[at] == id) {
                removed = true;
            } else {
                next[to++] = world[at];
            }
        }
        return next;
    }

    private char[] without(char[] world, Predicate<Item> gone) {
        char[] next = world;
        for (int at = world.length - 1; at >= FIELDS; at--) {
            if (gone.test(items.get(world[at]))) {
                next = remove(next, world[at]);
            }
        }
        return next;
    }

    private static void emit(char[] next, String label, StateSpace.Steps out) {
        out.step(next, label);
    }
}
