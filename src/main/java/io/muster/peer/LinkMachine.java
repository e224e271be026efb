// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.History.Phase.LOST;
import static io.muster.peer.History.Phase.REFUSED;
import static io.muster.peer.History.Phase.REJECTED;
import static io.muster.peer.History.Phase.VANISHED;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.History.Target;
import io.muster.peer.History.Trouble;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkState.Stage;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of a peer connection: a pure and total function from state and event to the next state and its
 * effects. {@link PeerVerticle} runs it.
 *
 * <p><b>Parts.</b> This class has the rules that both ends share. {@link WriterRules} belongs to the end that opens the
 * link, {@link WaiterRules} to the end that accepts, and {@link SelfRules} to the link of a rank to itself. A state
 * ({@link LinkState}) has only the fields that mean something in it. {@link History} is the memory that all states
 * share.
 *
 * <p><b>Order of events.</b> The peer's handle is published; the writer dials, asks its policy and sends a link-open;
 * the waiter asks its policy, accepts, and writes its value into the writer's slot at the same time; the writer sees
 * the value and writes back. The waiter is CONNECTED when the written-back value has arrived, the writer when its
 * write-back was acknowledged as applied. Events may arrive late, twice, or never. An event names its attempt, pair or
 * generation, which is compared with the state. An event of an older attempt, life or channel does not change the state
 * of the link.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>The writer numbers the attempts, and the number only grows. So a lost close, a repeated link-open or a restart
 *       of either end cannot leave one end CONNECTED alone: the waiter answers an equal number with the same accept,
 *       and drops its state, CONNECTED included, for a higher one.
 *   <li>Between two processes only the writer retries. The waiter allows twice the time, so the writer closes first.
 *   <li>A link never connects to a life that is known to have ended. A withdrawal in the store is only a hint: it never
 *       ends a link that is opening over a channel or is CONNECTED.
 *   <li>A value proves only its own attempt, because both nonces are part of it.
 * </ul>
 *
 * <p><b>The trap.</b> A write to the peer's memory cannot be recalled. If an attempt ends while its write is under way,
 * the write may arrive during the next one. {@link History#writing} therefore remembers each write until its own
 * outcome or the end of its channel, across all states, and no second write is posted over that channel before.
 *
 * <p>{@code LinkMachineWalkTest} visits every reachable state with every event and draws {@code peer-states.md}.
 * {@code TwoLinkMachinesWalkTest} runs both ends against each other with lost and repeated messages.
 */
public final class LinkMachine {
    static final String STILL_WRITING = "the warmup write of an earlier attempt is still under way";

    private LinkMachine() {}

    public static LinkState initial() {
        return new LinkState.WaitingStore(History.EMPTY);
    }

    public static Step transition(LinkSetup setup, LinkState state, LinkEvent event) {
        return switch (state) {
            case LinkState.Expired _ -> stay(state);
            case LinkState.Expiring expiring -> expiring(expiring, event);
            case LinkState.WaitingStore _,
                    LinkState.OpeningSegment _,
                    LinkState.WaitingWarmupTransfer _,
                    LinkState.WaitingPeerWarmup _,
                    LinkState.Connected _,
                    LinkState.BackingOff _,
                    LinkState.Refused _ -> live(setup, state, event);
        };
    }

    private static Step expiring(LinkState.Expiring state, LinkEvent event) {
        return switch (event) {
            case LinkEvent.Drained _ ->
                new Step(new LinkState.Expired(state.history()), List.of(new LinkEffect.StopTimer()), "closed");
            case LinkEvent.TimerFired(Timer timer, int _)
            when timer == Timer.CLOSE ->
                new Step(
                        new LinkState.Expired(state.history()),
                        List.of(),
                        "closed while a transfer was under way: its memory stays leased");
            case LinkEvent other -> stay(state);
        };
    }

    private static Step live(LinkSetup setup, LinkState state, LinkEvent event) {
        return switch (event) {
            case LinkEvent.CloseRequested(String reason) -> close(setup, state, reason);
            case LinkEvent.PeerLeft(Member member, String reason) -> left(setup, state, member, reason);
            case LinkEvent.HandleWithdrawn(Member member, String reason) -> withdrawn(state, member, reason);
            case LinkEvent.HandleRejected(String reason) ->
                state instanceof LinkState.WaitingStore(History history)
                        ? new Step(new LinkState.WaitingStore(history.troubled(REJECTED, reason)), List.of(), reason)
                        : stay(state);
            case LinkEvent.HandlePublished(RankEntry entry, LinkEvent.Reach reach) ->
                published(setup, state, new Target(entry, reach));
            case LinkEvent.Reported(Member member, String reason) ->
                state instanceof LinkState.Connected
                                && member.equals(state.history().newest())
                        ? lose(setup, state, "reported by the application: " + reason, true)
                        : stay(state);
            case LinkEvent.PairNotHeld(PairId pair) ->
                holds(state, pair) && state instanceof LinkState.Connected
                        ? lose(setup, state, "the other end does not hold this connection", true)
                        : stay(state);
            case LinkEvent.PathFailed(PairId pair, String reason) ->
                holds(state, pair) && state instanceof LinkState.Connected
                        ? lose(setup, state, reason, true)
                        : stay(state);
            case LinkEvent.CloseReceived(LinkMessage.Close close) ->
                holds(state, close.pair())
                        ? lose(setup, state, "closed by the other end: " + close.reason(), false)
                        : stay(state);
            case LinkEvent.ChannelLost(ChannelGeneration generation, String kind, String detail) ->
                channelLost(setup, state, generation, kind + ": " + detail);
            case LinkEvent.WriteApplied(PairId pair) -> byRole(setup, writeEnded(state, pair), event);
            case LinkEvent.WriteFailed(PairId pair, String _) -> byRole(setup, writeEnded(state, pair), event);
            case LinkEvent.LocalReady(int attempt, Member member) -> localReady(setup, state, attempt, member);
            case LinkEvent.Started _,
                    LinkEvent.ChannelReady _,
                    LinkEvent.DialFailed _,
                    LinkEvent.ChannelUp _,
                    LinkEvent.PolicyAnswered _,
                    LinkEvent.OpenReceived _,
                    LinkEvent.AcceptReceived _,
                    LinkEvent.RefuseReceived _,
                    LinkEvent.SlotWritten _,
                    LinkEvent.TimerFired _,
                    LinkEvent.Drained _ -> byRole(setup, state, event);
        };
    }

    private static Step byRole(LinkSetup setup, LinkState state, LinkEvent event) {
        return switch (setup.role()) {
            case WRITER -> WriterRules.transition(setup, state, event);
            case WAITER -> WaiterRules.transition(setup, state, event);
            case SELF -> SelfRules.transition(setup, state, event);
        };
    }

    // ---- rules of both ends

    private static Step close(LinkSetup setup, LinkState state, String reason) {
        List<LinkEffect> effects = new ArrayList<>();
        session(state).ifPresent(session -> effects.add(new LinkEffect.SendClose(session, reason)));
        effects.add(new LinkEffect.StartTimer(
                Timer.CLOSE, state.history().attempt(), setup.timing().closeTimeoutMs()));
        effects.add(new LinkEffect.Drain(session(state).orElse(null)));
        return new Step(new LinkState.Expiring(state.history()), effects, reason);
    }

    private static Step left(LinkSetup setup, LinkState state, Member member, String reason) {
        Member newest = state.history().newest();
        if (member.rank() != setup.peer()
                || setup.role() == LinkSetup.Role.SELF
                || (newest != null && newest.isNewerThan(member))
                || (member.equals(newest) && state.history().over())) {
            return stay(state);
        }
        List<LinkEffect> effects = new ArrayList<>();
        session(state).ifPresent(session -> effects.add(new LinkEffect.SendClose(session, reason)));
        effects.add(new LinkEffect.StopTimer());
        return new Step(
                new LinkState.WaitingStore(state.history().ended(member, new Trouble(VANISHED, reason), setup.role())),
                effects,
                reason);
    }

    private static Step withdrawn(LinkState state, Member member, String reason) {
        if (!member.equals(state.history().newest())) {
            return stay(state);
        }
        boolean idle = switch (state) {
            case LinkState.WaitingStore _, LinkState.BackingOff _, LinkState.Refused _ -> true;
            case LinkState.OpeningSegment(History _, Stage stage) ->
                stage instanceof Stage.Dialling || stage instanceof Stage.AwaitingOpen;
            case LinkState.WaitingWarmupTransfer _,
                    LinkState.WaitingPeerWarmup _,
                    LinkState.Connected _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> false;
        };
        return idle
                ? new Step(
                        new LinkState.WaitingStore(state.history().vanished(new Trouble(VANISHED, reason))),
                        List.of(new LinkEffect.StopTimer()),
                        reason)
                : stay(state);
    }

    private static Step published(LinkSetup setup, LinkState state, Target target) {
        History history = state.history();
        Member member = target.entry().member();
        if (member.rank() != setup.peer() || setup.role() == LinkSetup.Role.SELF || isStale(history, target.entry())) {
            return stay(state);
        }
        if (!member.equals(history.newest())) {
            List<LinkEffect> effects = new ArrayList<>();
            session(state)
                    .ifPresent(session ->
                            effects.add(new LinkEffect.SendClose(session, "a newer life is known: " + member)));
            return open(setup, history.withTarget(target, setup.role()), effects, "handle published");
        }
        if (target.equals(history.target())) {
            return stay(state);
        }
        History updated = history.withTarget(target, setup.role());
        return switch (state) {
            case LinkState.WaitingStore _, LinkState.BackingOff _, LinkState.Refused _ ->
                open(setup, updated, List.of(), "handle published");
            case LinkState.OpeningSegment _,
                    LinkState.WaitingWarmupTransfer _,
                    LinkState.WaitingPeerWarmup _,
                    LinkState.Connected _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> new Step(withHistory(state, updated), List.of(), "");
        };
    }

    /** Whether the entry is of an older life, of a life that has ended, or older than the known revision. */
    static boolean isStale(History history, RankEntry entry) {
        Member newest = history.newest();
        if (newest == null) {
            return false;
        }
        if (!entry.member().equals(newest)) {
            return newest.isNewerThan(entry.member());
        }
        return history.over()
                || (history.target() != null && history.target().entry().revision() > entry.revision());
    }

    private static Step channelLost(LinkSetup setup, LinkState state, ChannelGeneration generation, String detail) {
        LinkState current = withHistory(state, state.history().channelEnded(generation));
        return generation(state).filter(generation::equals).isPresent()
                ? lose(setup, current, detail, false)
                : stay(current);
    }

    private static LinkState writeEnded(LinkState state, PairId pair) {
        return withHistory(state, state.history().writeEnded(pair));
    }

    private static Step localReady(LinkSetup setup, LinkState state, int attempt, Member member) {
        if (!(state instanceof LinkState.OpeningSegment(History history, Stage.OpeningLocal _))
                || history.attempt() != attempt) {
            return stay(state);
        }
        Target target = history.target();
        if (setup.role() != LinkSetup.Role.SELF
                && (target == null || !target.entry().member().equals(member))) {
            return lose(setup, state, "another life holds the seat in this process: " + member, false);
        }
        return connect(history, null, Proof.LOCAL, setup.role() == LinkSetup.Role.SELF ? "this rank" : "same process");
    }

    /**
     * Opens the link to the target in the history, as the reach of the target allows: dialled, local, or not at all.
     */
    static Step open(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        Target target = history.target();
        if (target == null) {
            return new Step(new LinkState.WaitingStore(history), plus(before, new LinkEffect.StopTimer()), reason);
        }
        return switch (target.reach()) {
            case LinkEvent.Reach.Unusable(String why) ->
                new Step(
                        new LinkState.Refused(history.troubled(REFUSED, why)),
                        plus(before, new LinkEffect.StopTimer()),
                        why);
            case LinkEvent.Reach.SameProcess _ -> openLocal(setup, history, before, reason);
            case LinkEvent.Reach.Dialable _ ->
                setup.role() == LinkSetup.Role.WRITER
                        ? WriterRules.dial(setup, history, target.entry(), before, reason)
                        : WaiterRules.awaitOpen(setup, history, before, reason);
        };
    }

    static Step openLocal(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        History next = history.withAttempt(history.attempt() + 1);
        return new Step(
                new LinkState.OpeningSegment(next, new Stage.OpeningLocal()),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.OPEN, next.attempt(), setup.timing().openTimeoutMs()),
                        new LinkEffect.OpenLocal(next.attempt(), setup.peer())),
                reason);
    }

    /**
     * Ends the current attempt or connection. The waiter of a remote link then awaits the next link-open; every other
     * end backs off.
     */
    static Step lose(LinkSetup setup, LinkState state, String detail, boolean tellPeer) {
        List<LinkEffect> effects = new ArrayList<>();
        if (tellPeer) {
            session(state).ifPresent(session -> effects.add(new LinkEffect.SendClose(session, detail)));
        }
        History.Phase phase = state instanceof LinkState.Connected ? LOST : phaseOf(state);
        return setup.role() == LinkSetup.Role.WAITER && !isLocal(state.history())
                ? open(setup, state.history().failed(phase, detail), effects, detail)
                : backOff(setup, state.history().failed(phase, detail), effects, detail);
    }

    static Step backOff(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.BackingOff(history),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.BACKOFF, history.attempt(), setup.timing().backoffMs(history.failures()))),
                reason);
    }

    static Step refuse(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.Refused(history.troubled(REFUSED, reason)),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.PROBE, history.attempt(), setup.timing().refusedProbeMs())),
                reason);
    }

    static Step connect(History history, @Nullable Session session, Proof proof, String reason) {
        return new Step(
                new LinkState.Connected(history.connected(), session, proof, reason),
                List.of(new LinkEffect.StopTimer()),
                reason);
    }

    /** The proof of a link that both ends short-circuit. Empty if it needs a warmup or cannot work. */
    static Optional<Proof> shortCircuit(WarmupAnswer mine, WarmupAnswer theirs) {
        if (mine.plan() != theirs.plan() || !mine.verdict() || !theirs.verdict()) {
            return Optional.empty();
        }
        return switch (mine.plan()) {
            case FABRIC -> Optional.of(Proof.FABRIC_IMPORT);
            case FABRIC_SIMULATED -> Optional.of(Proof.FABRIC_IMPORT_SIMULATED);
            case SKIP -> Optional.of(Proof.NONE);
            case EXCHANGE, REFUSE -> Optional.empty();
        };
    }

    // ---- parts of a state

    static Step stay(LinkState state) {
        return new Step(state, List.of(), "");
    }

    /** The attempt on which both ends agreed with the accept, if the state has one. */
    public static Optional<Session> session(LinkState state) {
        return switch (state) {
            case LinkState.WaitingWarmupTransfer(History _, Session session) -> Optional.of(session);
            case LinkState.WaitingPeerWarmup(History _, Session session, var _) -> Optional.of(session);
            case LinkState.Connected connected -> Optional.ofNullable(connected.session());
            case LinkState.WaitingStore _,
                    LinkState.OpeningSegment _,
                    LinkState.BackingOff _,
                    LinkState.Refused _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> Optional.empty();
        };
    }

    static boolean holds(LinkState state, PairId pair) {
        return session(state).map(Session::pairId).filter(pair::equals).isPresent();
    }

    /** The channel that a state depends on, if any. */
    public static Optional<ChannelGeneration> generation(LinkState state) {
        if (state instanceof LinkState.OpeningSegment(History _, Stage stage)) {
            return switch (stage) {
                case Stage.AskingPolicy(ChannelGeneration generation, long _) -> Optional.of(generation);
                case Stage.AwaitingAccept(ChannelGeneration generation, long _, WarmupAnswer _, long _) ->
                    Optional.of(generation);
                case Stage.AskingPolicyFor(LinkMessage.Open _, ChannelGeneration generation, long _) ->
                    Optional.of(generation);
                case Stage.Dialling _, Stage.OpeningLocal _, Stage.AwaitingOpen _ -> Optional.empty();
            };
        }
        return session(state).map(Session::generation);
    }

    private static boolean isLocal(History history) {
        return history.target() != null && history.target().reach() instanceof LinkEvent.Reach.SameProcess;
    }

    private static History.Phase phaseOf(LinkState state) {
        return state instanceof LinkState.OpeningSegment(History _, Stage stage)
                ? stage instanceof Stage.Dialling || stage instanceof Stage.OpeningLocal
                        ? History.Phase.DIAL
                        : History.Phase.OPEN
                : History.Phase.WARMUP;
    }

    static List<LinkEffect> plus(List<LinkEffect> before, LinkEffect... more) {
        List<LinkEffect> all = new ArrayList<>(before);
        all.addAll(List.of(more));
        return all;
    }

    static LinkState withHistory(LinkState state, History history) {
        return switch (state) {
            case LinkState.WaitingStore _ -> new LinkState.WaitingStore(history);
            case LinkState.OpeningSegment(History _, Stage stage) -> new LinkState.OpeningSegment(history, stage);
            case LinkState.WaitingWarmupTransfer(History _, Session session) ->
                new LinkState.WaitingWarmupTransfer(history, session);
            case LinkState.WaitingPeerWarmup(History _, Session session, var progress) ->
                new LinkState.WaitingPeerWarmup(history, session, progress);
            case LinkState.Connected connected ->
                new LinkState.Connected(history, connected.session(), connected.proof(), connected.reason());
            case LinkState.BackingOff _ -> new LinkState.BackingOff(history);
            case LinkState.Refused _ -> new LinkState.Refused(history);
            case LinkState.Expiring _ -> new LinkState.Expiring(history);
            case LinkState.Expired _ -> new LinkState.Expired(history);
        };
    }
}
