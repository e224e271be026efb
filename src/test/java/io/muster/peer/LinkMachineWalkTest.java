// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.DIALABLE;
import static io.muster.peer.LinkFixture.GROUP;
import static io.muster.peer.LinkFixture.entry;
import static io.muster.peer.LinkFixture.generation;
import static io.muster.peer.LinkFixture.member;
import static io.muster.peer.LinkFixture.slot;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Member;
import io.muster.peer.History.PendingWrite;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkEvent.Reach;
import io.muster.peer.LinkState.Stage;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Exhaustive walk of one link: every event of a finite alphabet, valid or stale, in every reachable state.
 *
 * <p>What makes it finite: attempts are renumbered after each step so that the current one is at most 2 and older ones
 * 1 (the machine only compares them), nonces are renamed to "the current pair's" and "an older pair's", texts and the
 * count of failures are dropped. A channel's name is used again after the loss of that channel, which is sound because
 * no state may remember it then; that is checked.
 */
@Timeout(120)
final class LinkMachineWalkTest {
    private static final Path PAGE = Path.of("src/main/docs/peer-states.md");
    private static final long WRITER_NONCE = 7;
    private static final long WAITER_NONCE = 9;
    private static final long OLD = 1_000;
    private static final long OTHER_VALUE = 4_711;

    /** Which link is walked. */
    private enum Walk {
        SELF(0, 0, List.of()),
        WRITER(1, 0, List.of(DIALABLE, new Reach.Unusable("loopback"))),
        WAITER(0, 1, List.of(DIALABLE, new Reach.Unusable("loopback"))),
        LOCAL_WRITER(1, 0, List.of(new Reach.SameProcess())),
        LOCAL_WAITER(0, 1, List.of(new Reach.SameProcess()));

        private final LinkSetup setup;
        private final List<Reach> reaches;

        Walk(int self, int peer, List<Reach> reaches) {
            this.setup = new LinkSetup(GROUP, LinkFixture.WORLD_SIZE, member(self, 1), peer, LinkFixture.TIMING);
            this.reaches = reaches;
        }
    }

    /** A state and the timer that its shell has running. */
    private record Node(LinkState state, @Nullable Timer timer) {}

    /**
     * An event that may happen in a state.
     *
     * @param stale it belongs to an older attempt, another life, channel or value: it may change bookkeeping only
     * @param kind it happens by itself in an environment without faults
     */
    private record Possible(LinkEvent event, boolean stale, boolean kind) {}

    private record Edge(LinkState.Name from, LinkState.Name to) {}

    /** The result of a walk. */
    private record Seen(Map<Node, Set<Node>> kindSteps, Map<Edge, Set<String>> edges, List<String> wrong) {}

    // P-1 P-2 P-15 P-16 W-4
    @ParameterizedTest
    @EnumSource(Walk.class)
    void keepsItsInvariantsInEveryStateAndIsNeverStuck(Walk walk) {
        Seen seen = walk(walk, LinkMachine::transition);
        System.out.println("one link, " + walk + ": " + seen.kindSteps().size() + " states");
        assertThat(seen.wrong()).isEmpty();
        assertThat(stuck(seen)).isEmpty();
    }

    @Test
    void wouldFailIfAWaiterForgotItsDeadline() {
        Seen seen = walk(Walk.WAITER, (setup, state, event) -> {
            Step step = LinkMachine.transition(setup, state, event);
            return new Step(
                    step.next(),
                    step.effects().stream()
                            .filter(effect ->
                                    !(effect instanceof LinkEffect.StartTimer start && start.timer() == Timer.WARMUP))
                            .toList(),
                    step.reason());
        });
        assertThat(seen.wrong()).anyMatch(wrong -> wrong.contains("with timer"));
    }

    @Test
    void wouldFailIfTheWriterTookAnAcceptForAnyNonce() {
        Seen seen = walk(
                Walk.WRITER,
                (setup, state, event) -> LinkMachine.transition(
                        setup,
                        state,
                        event instanceof LinkEvent.AcceptReceived(var accept, var generation)
                                ? new LinkEvent.AcceptReceived(
                                        new LinkMessage.Accept(
                                                GROUP,
                                                new PairId(
                                                        accept.pair().writer(),
                                                        accept.pair().waiter(),
                                                        accept.pair().attempt(),
                                                        WRITER_NONCE,
                                                        accept.pair().waiterNonce()),
                                                accept.slot(),
                                                accept.answer()),
                                        generation)
                                : event));
        assertThat(seen.wrong()).anyMatch(wrong -> wrong.contains("stale"));
    }

    @Test
    void wouldFailIfRetriesWereForgotten() {
        Seen seen = walk(
                Walk.WRITER,
                (setup, state, event) -> state instanceof LinkState.BackingOff && event instanceof LinkEvent.TimerFired
                        ? LinkRules.stay(state)
                        : LinkMachine.transition(setup, state, event));
        assertThat(stuck(seen)).isNotEmpty();
    }

    /** Regenerate with {@code mvn test -Dtest=LinkMachineWalkTest -Dmuster.docs.update=true}. */
    @Test
    void theDiagramInTheDocumentationIsUpToDate() throws IOException {
        String page = Files.readString(PAGE);
        String drawn = page;
        for (Walk walk : Walk.values()) {
            String diagram =
                    "<!-- walk " + walk + " -->\n```mermaid\n" + diagram(walk(walk, LinkMachine::transition)) + "```\n";
            drawn = drawn.replaceAll("(?s)<!-- walk " + walk + " -->\n```mermaid\n.*?```\n", diagram);
        }
        if (Boolean.getBoolean("muster.docs.update")) {
            Files.writeString(PAGE, drawn);
        } else {
            assertThat(page).isEqualTo(drawn);
        }
        String shown = drawn;
        assertThat(Walk.values())
                .allSatisfy(
                        walk -> assertThat(shown).contains("<!-- walk " + walk + " -->\n```mermaid\nstateDiagram-v2"));
    }

    // ---- the walk

    private static Seen walk(Walk walk, TwoLinkWorld.Rules rules) {
        var seen = new Seen(new HashMap<>(), new LinkedHashMap<>(), new ArrayList<>());
        var open = new ArrayDeque<Node>();
        var first = new Node(LinkMachine.initial(), null);
        seen.kindSteps().put(first, new HashSet<>());
        open.add(first);
        while (!open.isEmpty() && seen.wrong().isEmpty()) {
            Node from = open.remove();
            for (Possible possible : alphabet(walk, from)) {
                Step step = rules.transition(walk.setup, from.state(), possible.event());
                Node to = after(from, step, possible, walk, seen.wrong());
                if (seen.kindSteps().putIfAbsent(to, new HashSet<>()) == null) {
                    open.add(to);
                }
                if (possible.kind()) {
                    seen.kindSteps().get(from).add(to);
                }
                if (from.state().name() != to.state().name()) {
                    seen.edges()
                            .computeIfAbsent(
                                    new Edge(from.state().name(), to.state().name()), _ -> new TreeSet<>())
                            .add(label(possible));
                }
            }
        }
        return seen;
    }

    private static Node after(Node from, Step step, Possible possible, Walk walk, List<String> wrong) {
        @Nullable
        Timer timer = possible.event() instanceof LinkEvent.TimerFired fired
                        && fired.timer() == from.timer()
                        && fired.attempt() == from.state().history().attempt()
                ? null
                : from.timer();
        for (LinkEffect effect : step.effects()) {
            timer = effect instanceof LinkEffect.StartTimer start
                    ? start.timer()
                    : effect instanceof LinkEffect.StopTimer ? null : timer;
            if (effect instanceof LinkEffect.StartTimer start
                    && start.attempt() != step.next().history().attempt()) {
                wrong.add("a timer of attempt " + start.attempt() + " is started in " + step.next());
            }
        }
        String where = "\nby " + possible.event() + "\nin " + from;
        note(wrong, LinkInvariants.brokenBy(walk.setup, from.state(), possible.event(), step), where);
        note(wrong, LinkInvariants.timerMismatch(step.next(), timer), where);
        note(wrong, brokenWrites(from.state(), possible.event(), step), where);
        if (possible.event() instanceof LinkEvent.ChannelLost(ChannelGeneration lost, var _)
                && step.next().generation().filter(lost::equals).isPresent()) {
            wrong.add("a lost channel is remembered" + where);
        }
        if (step.next()
                .agreed()
                .filter(session -> session.attempt() != step.next().history().attempt())
                .isPresent()) {
            wrong.add("the session is not of the current attempt" + where);
        }
        boolean silent = step.effects().stream().allMatch(effect -> effect instanceof LinkEffect.SendRefuse);
        if (possible.stale()
                && !(silent
                        && TwoLinkWorld.canonical(bare(step.next()))
                                .equals(TwoLinkWorld.canonical(bare(from.state()))))) {
            wrong.add("a stale event has changed something: " + step + where);
        }
        return new Node(renumbered(walk, step.next()), timer);
    }

    /**
     * A state without its list of writes that are under way and without the value in its slot: the bookkeeping that
     * late outcomes may change.
     */
    private static LinkState bare(LinkState state) {
        History old = state.history();
        LinkState bare = state.withHistory(
                new History(old.target(), old.newest(), old.over(), old.attempt(), 0, null, List.of()));
        return bare
                        instanceof
                        LinkState.OpeningSegment(
                                History history,
                                Stage.AwaitingAccept(var generation, long nonce, var answer, long _))
                ? new LinkState.OpeningSegment(history, new Stage.AwaitingAccept(generation, nonce, answer, 0))
                : bare;
    }

    /** The value that the waiter writes into the writer's slot when it accepts this attempt. */
    private static long awaitedValue(Walk walk, Member waiter, int attempt, Stage.AwaitingAccept awaiting) {
        return new Session(
                        walk.setup.self(),
                        waiter,
                        attempt,
                        awaiting.generation(),
                        WRITER_NONCE,
                        WAITER_NONCE,
                        slot(waiter),
                        awaiting.answer(),
                        awaiting.answer())
                .waiterValue();
    }

    private static void note(List<String> wrong, @Nullable String what, String where) {
        if (what != null) {
            wrong.add(what + where);
        }
    }

    /** A write is remembered until it has ended, and no second one is posted over its channel. */
    private static @Nullable String brokenWrites(LinkState from, LinkEvent event, Step step) {
        List<PendingWrite> expected = new ArrayList<>(from.history().writing());
        expected.removeIf(write -> switch (event) {
                    case LinkEvent.WriteApplied(PairId pair) -> write.pair().equals(pair);
                    case LinkEvent.WriteFailed(PairId pair, String _) ->
                        write.pair().equals(pair);
                    case LinkEvent.ChannelLost(ChannelGeneration generation, var _) ->
                        write.generation().equals(generation);
                    case LinkEvent other -> false;
                }
                && !(from instanceof LinkState.Expiring)
                && !(from instanceof LinkState.Expired));
        for (LinkEffect effect : step.effects()) {
            if (effect instanceof LinkEffect.WriteSlot(Session session, long _)) {
                if (expected.stream().anyMatch(write -> write.generation().equals(session.generation()))) {
                    return "two writes under way over one channel";
                }
                expected.add(new PendingWrite(session.pairId(), session.generation()));
            }
        }
        return expected.equals(step.next().history().writing()) ? null : "writes under way: expected " + expected;
    }

    /** Names of nodes from which no kind environment leads to CONNECTED. */
    private static Set<String> stuck(Seen seen) {
        Set<Node> reaches = new HashSet<>();
        for (boolean changed = true; changed; ) {
            changed = false;
            for (var node : seen.kindSteps().entrySet()) {
                if (!reaches.contains(node.getKey())
                        && (node.getKey().state() instanceof LinkState.Connected
                                || node.getValue().stream().anyMatch(reaches::contains))) {
                    changed = reaches.add(node.getKey());
                }
            }
        }
        return seen.kindSteps().keySet().stream()
                .filter(node -> !reaches.contains(node))
                .filter(node ->
                        !(node.state() instanceof LinkState.Expiring) && !(node.state() instanceof LinkState.Expired))
                .map(Node::toString)
                .collect(Collectors.toSet());
    }

    // ---- the alphabet

    private static List<Possible> alphabet(Walk walk, Node node) {
        var out = new ArrayList<Possible>();
        LinkState state = node.state();
        History history = state.history();
        int attempt = history.attempt();
        int peer = walk.setup.peer();
        add(out, new LinkEvent.Started(), false, true);
        add(out, new LinkEvent.CloseRequested("closing"), false, false);
        add(out, new LinkEvent.Drained(), false, false);
        add(out, new LinkEvent.HandleRejected("garbage"), false, false);
        add(out, new LinkEvent.ChannelUp(), false, false);
        List<Timer> timers = Arrays.stream(Timer.values())
                .filter(timer -> timer != Timer.CLOSE || state instanceof LinkState.Expiring)
                .toList();
        for (Timer timer : timers) {
            for (int of = attempt - 1; of <= attempt + 1; of++) {
                boolean running = timer == node.timer() && of == attempt;
                if (running
                        || timer != Timer.CLOSE
                                && (of != attempt || timer != node.timer() && !(state instanceof LinkState.Refused))) {
                    add(out, new LinkEvent.TimerFired(timer, of), !running, running);
                }
            }
        }
        for (int of = attempt - 1; of <= attempt + 1; of++) {
            add(out, new LinkEvent.DialFailed(of, "refused"), of != attempt, false);
            add(
                    out,
                    new LinkEvent.LocalReady(of, walk == Walk.SELF ? walk.setup.self() : member(peer, 2)),
                    of != attempt,
                    true);
            add(out, new LinkEvent.LocalReady(of, member(peer, 1)), of != attempt, true);
        }
        lives(walk, history, out);
        channels(walk, state, out);
        messages(walk, state, out);
        return out;
    }

    /**
     * Two lives of the peer, two revisions each; only the first life is ever known to have ended. One entry has a wrong
     * rank and is ignored.
     */
    private static void lives(Walk walk, History history, List<Possible> out) {
        for (int life = 1; life <= 2; life++) {
            Member peer = member(walk.setup.peer(), life);
            boolean older = history.newest() != null && history.newest().isNewerThan(peer);
            for (Reach reach : walk.reaches) {
                for (int revision = 0; revision <= 1; revision++) {
                    add(
                            out,
                            new LinkEvent.HandlePublished(entry(peer, revision), reach),
                            older,
                            life == 2 && !(reach instanceof Reach.Unusable));
                }
            }
            add(out, new LinkEvent.HandleWithdrawn(peer, "gone"), older, false);
            add(out, new LinkEvent.Reported(peer, "broken"), !peer.equals(history.newest()), false);
            if (life == 1) {
                add(out, new LinkEvent.PeerLeft(peer, "left"), older, false);
            }
        }
        Member wrong = member(1 - walk.setup.peer(), 9);
        if (walk.setup.role() != LinkSetup.Role.SELF) {
            add(out, new LinkEvent.HandlePublished(entry(wrong, 0), DIALABLE), true, false);
        }
        add(out, new LinkEvent.PeerLeft(wrong, "left"), true, false);
        add(out, new LinkEvent.HandleWithdrawn(wrong, "left"), true, false);
    }

    private static void channels(Walk walk, LinkState state, List<Possible> out) {
        int attempt = state.history().attempt();
        for (int number = 1; number <= 2; number++) {
            ChannelGeneration generation = generation(walk.setup.self().rank(), number);
            for (int of = attempt - 1; of <= attempt + 1; of++) {
                add(out, new LinkEvent.ChannelReady(of, generation, WRITER_NONCE), of != attempt, true);
            }
            boolean other = state.generation().filter(generation::equals).isEmpty();
            add(
                    out,
                    new LinkEvent.ChannelLost(generation, new LossEvidence(LossEvidence.Kind.SOCKET_CLOSED, "reset")),
                    other,
                    false);
        }
        for (WarmupAnswer answer :
                List.of(LinkFixture.EXCHANGE, LinkFixture.FABRIC, LinkFixture.NO_IMPORT, LinkFixture.REFUSE)) {
            for (int life = 1; life <= 2; life++) {
                for (int of = attempt - 1; of <= attempt + 1; of++) {
                    Member peer = member(walk.setup.peer(), life);
                    boolean asked = of == attempt && peer.equals(state.history().newest());
                    add(out, new LinkEvent.PolicyAnswered(peer, of, answer), !asked, answer == LinkFixture.EXCHANGE);
                }
            }
        }
        for (PendingWrite write : state.history().writing()) {
            boolean current = state.holds(write.pair());
            add(out, new LinkEvent.WriteApplied(write.pair()), !current, true);
            add(out, new LinkEvent.WriteFailed(write.pair(), "timeout"), !current, false);
        }
    }

    private static void messages(Walk walk, LinkState state, List<Possible> out) {
        boolean writer = walk.setup.role() == LinkSetup.Role.WRITER;
        Member self = walk.setup.self();
        History history = state.history();
        for (int life = 1; life <= 2; life++) {
            Member peer = member(walk.setup.peer(), life);
            for (int of = Math.max(history.attempt() - 1, 0); of <= history.attempt() + 1; of++) {
                for (long nonce : new long[] {WRITER_NONCE, OLD}) {
                    var pair = writer
                            ? new PairId(self, peer, of, nonce, WAITER_NONCE)
                            : new PairId(peer, self, of, nonce, WAITER_NONCE);
                    boolean held = state.holds(pair);
                    add(
                            out,
                            new LinkEvent.CloseReceived(
                                    new LinkMessage.Close(GROUP, peer.rank(), self.rank(), pair, "timeout")),
                            !held,
                            false);
                    add(out, new LinkEvent.PairNotHeld(pair), !held, false);
                    add(out, new LinkEvent.PathFailed(pair, "memory of a GPU can't be reached"), !held, false);
                    for (int number = 1; number <= 2; number++) {
                        control(walk, state, pair, number, out);
                    }
                }
                add(
                        out,
                        new LinkEvent.RefuseReceived(new LinkMessage.Refuse(
                                GROUP, self, peer.rank(), of, LinkMessage.Refuse.Code.RETRY, "later", peer)),
                        of != history.attempt(),
                        false);
                add(
                        out,
                        new LinkEvent.RefuseReceived(new LinkMessage.Refuse(
                                GROUP, self, peer.rank(), of, LinkMessage.Refuse.Code.STALLED, "busy", peer)),
                        of != history.attempt(),
                        false);
                add(
                        out,
                        new LinkEvent.RefuseReceived(new LinkMessage.Refuse(
                                GROUP, self, peer.rank(), of, LinkMessage.Refuse.Code.FINAL, "mode", null)),
                        of != history.attempt(),
                        false);
            }
        }
        add(out, new LinkEvent.SlotWritten(OTHER_VALUE), true, false);
        if (state instanceof LinkState.OpeningSegment(var _, Stage.AwaitingAccept awaiting)
                && history.newest() != null) {
            add(
                    out,
                    new LinkEvent.SlotWritten(awaitedValue(walk, history.newest(), history.attempt(), awaiting)),
                    false,
                    true);
        }
        state.agreed().ifPresent(session -> {
            add(out, new LinkEvent.SlotWritten(writer ? session.waiterValue() : session.writerValue()), false, true);
            add(out, new LinkEvent.SlotWritten(writer ? session.writerValue() : session.waiterValue()), true, false);
        });
    }

    private static void control(Walk walk, LinkState state, PairId pair, int number, List<Possible> out) {
        ChannelGeneration generation = generation(walk.setup.self().rank(), number);
        History history = state.history();
        boolean current = state.generation().filter(generation::equals).isPresent();
        for (WarmupAnswer answer : List.of(LinkFixture.EXCHANGE, LinkFixture.FABRIC)) {
            if (walk.setup.role() == LinkSetup.Role.WRITER) {
                boolean awaited = current
                        && state instanceof LinkState.OpeningSegment(var _, Stage.AwaitingAccept _)
                        && pair.attempt() == history.attempt()
                        && pair.writerNonce() == WRITER_NONCE
                        && pair.waiter().equals(history.newest());
                add(
                        out,
                        new LinkEvent.AcceptReceived(LinkFixture.accept(pair, answer), generation),
                        !awaited,
                        answer == LinkFixture.EXCHANGE);
            } else if (walk == Walk.WAITER) {
                boolean ofNewest = pair.writer().equals(history.newest());
                boolean older = history.newest() != null && history.newest().isNewerThan(pair.writer())
                        || ofNewest && pair.attempt() < history.attempt();
                for (Reach reach : walk.reaches) {
                    add(
                            out,
                            new LinkEvent.OpenReceived(
                                    new LinkMessage.Open(
                                            entry(pair.writer(), 0),
                                            pair.waiter(),
                                            pair.attempt(),
                                            pair.writerNonce(),
                                            slot(pair.writer()),
                                            answer),
                                    reach,
                                    generation,
                                    WAITER_NONCE),
                            older,
                            answer == LinkFixture.EXCHANGE
                                    && pair.writer().incarnation() == 2
                                    && pair.writerNonce() == WRITER_NONCE);
                }
                add(
                        out,
                        new LinkEvent.OpenReceived(
                                new LinkMessage.Open(
                                        entry(pair.writer(), 0),
                                        member(pair.waiter().rank(), 8),
                                        pair.attempt(),
                                        pair.writerNonce(),
                                        slot(pair.writer()),
                                        answer),
                                DIALABLE,
                                generation,
                                WAITER_NONCE),
                        true,
                        false);
                add(
                        out,
                        new LinkEvent.OpenReceived(
                                new LinkMessage.Open(
                                        entry(pair.writer(), 0, 3),
                                        pair.waiter(),
                                        pair.attempt(),
                                        pair.writerNonce(),
                                        slot(pair.writer()),
                                        answer),
                                DIALABLE,
                                generation,
                                WAITER_NONCE),
                        true,
                        false);
            }
        }
    }

    private static void add(List<Possible> out, LinkEvent event, boolean stale, boolean kind) {
        out.add(new Possible(event, stale, kind));
    }

    // ---- what makes it finite

    private static LinkState renumbered(Walk walk, LinkState state) {
        History old = state.history();
        int by = Math.max(0, old.attempt() - 2);
        Session session = state.agreed().map(now -> renumbered(now, by)).orElse(null);
        PairId current = state.agreed().map(Session::pairId).orElse(null);
        List<PendingWrite> writing = old.writing().stream()
                .map(write -> new PendingWrite(
                        write.pair().equals(current) && session != null ? session.pairId() : aged(write.pair(), by),
                        write.generation()))
                .distinct()
                .toList();
        var history = new History(old.target(), old.newest(), old.over(), old.attempt() - by, 0, null, writing);
        return switch (state) {
            case LinkState.OpeningSegment(var _, Stage stage) ->
                new LinkState.OpeningSegment(
                        history,
                        switch (stage) {
                            case Stage.AskingPolicy(var generation, long _) ->
                                new Stage.AskingPolicy(generation, WRITER_NONCE);
                            case Stage.AwaitingAccept awaiting ->
                                new Stage.AwaitingAccept(
                                        awaiting.generation(),
                                        WRITER_NONCE,
                                        awaiting.answer(),
                                        renumberedValue(walk, old, awaiting, by));
                            case Stage.AskingPolicyFor(var open, var generation, long _) ->
                                new Stage.AskingPolicyFor(
                                        new LinkMessage.Open(
                                                open.entry(),
                                                open.waiter(),
                                                open.attempt() - by,
                                                WRITER_NONCE,
                                                open.slot(),
                                                open.answer()),
                                        generation,
                                        WAITER_NONCE);
                            case Stage.Dialling _, Stage.OpeningLocal _, Stage.AwaitingOpen _ -> stage;
                        });
            case LinkState.WaitingWarmupTransfer _ -> new LinkState.WaitingWarmupTransfer(history, session);
            case LinkState.WaitingPeerWarmup(var _, var _, var progress) ->
                new LinkState.WaitingPeerWarmup(history, session, progress);
            case LinkState.Connected(var _, var _, var proof, String _) ->
                new LinkState.Connected(history, session, proof, "");
            case LinkState.WaitingStore _,
                    LinkState.BackingOff _,
                    LinkState.Refused _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> state.withHistory(history);
        };
    }

    private static long renumberedValue(Walk walk, History old, Stage.AwaitingAccept awaiting, int by) {
        return awaiting.seen() == 0
                ? 0
                : old.newest() != null && awaiting.seen() == awaitedValue(walk, old.newest(), old.attempt(), awaiting)
                        ? awaitedValue(walk, old.newest(), old.attempt() - by, awaiting)
                        : OTHER_VALUE;
    }

    private static Session renumbered(Session now, int by) {
        return new Session(
                now.writer(),
                now.waiter(),
                now.attempt() - by,
                now.generation(),
                WRITER_NONCE,
                WAITER_NONCE,
                now.peerSlot(),
                now.answer(),
                now.peerAnswer());
    }

    private static PairId aged(PairId pair, int by) {
        return new PairId(pair.writer(), pair.waiter(), Math.max(1, pair.attempt() - by), OLD, OLD);
    }

    // ---- the diagram

    private static String label(Possible possible) {
        return switch (possible.event()) {
            case LinkEvent.TimerFired(Timer timer, int _) -> "TimerFired(" + timer + ")";
            case LinkEvent event -> event.getClass().getSimpleName();
        };
    }

    private static String diagram(Seen seen) {
        assertThat(seen.wrong()).isEmpty();
        var lines = new TreeMap<Integer, String>();
        var names = Arrays.asList(LinkState.Name.values());
        seen.edges()
                .forEach((edge, labels) -> lines.put(
                        names.indexOf(edge.from()) * names.size() + names.indexOf(edge.to()),
                        "  " + edge.from() + " --> " + edge.to() + ": " + String.join(", ", labels) + "\n"));
        return "stateDiagram-v2\n  [*] --> WAITING_STORE\n" + String.join("", lines.values()) + "  EXPIRED --> [*]\n";
    }
}
