// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.History.Phase.REJECTED;
import static io.muster.peer.History.Phase.VANISHED;
import static io.muster.peer.LinkRules.closeAndLose;
import static io.muster.peer.LinkRules.connect;
import static io.muster.peer.LinkRules.isStale;
import static io.muster.peer.LinkRules.lose;
import static io.muster.peer.LinkRules.loseUnheard;
import static io.muster.peer.LinkRules.open;
import static io.muster.peer.LinkRules.stay;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.History.Target;
import io.muster.peer.History.Trouble;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkState.Stage;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import java.util.ArrayList;
import java.util.List;

/**
 * The state machine of a peer connection: a pure and total function from state and event to the next state and its
 * effects. {@link PeerVerticle} runs it.
 *
 * <p><b>Parts.</b> This class has the events that every end answers alike. {@link WriterRules} belongs to the end that
 * opens the link, {@link WaiterRules} to the end that accepts, and {@link SelfRules} to the link of a rank to itself.
 * {@link LinkRules} has the transitions that they share. A state ({@link LinkState}) has only the fields that mean
 * something in it. {@link History} is the memory that all states share.
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
                        ? closeAndLose(setup, state, "reported by the application: " + reason)
                        : stay(state);
            case LinkEvent.PairNotHeld(PairId pair) ->
                state.holds(pair) && state instanceof LinkState.Connected
                        ? closeAndLose(setup, state, "the other end does not hold this connection")
                        : stay(state);
            case LinkEvent.PathFailed(PairId pair, String reason) ->
                state.holds(pair) && state instanceof LinkState.Connected
                        ? closeAndLose(setup, state, reason)
                        : stay(state);
            case LinkEvent.CloseReceived(LinkMessage.Close close) ->
                state.holds(close.pair())
                        ? lose(setup, state, "closed by the other end: " + close.reason())
                        : stay(state);
            case LinkEvent.ChannelLost(ChannelGeneration generation, LossEvidence evidence) ->
                channelLost(setup, state, generation, evidence);
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
        state.agreed().ifPresent(session -> effects.add(new LinkEffect.SendClose(session, reason)));
        effects.add(new LinkEffect.StartTimer(
                Timer.CLOSE, state.history().attempt(), setup.timing().closeTimeoutMs()));
        effects.add(new LinkEffect.Drain(state.agreed().orElse(null)));
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
        state.agreed().ifPresent(session -> effects.add(new LinkEffect.SendClose(session, reason)));
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
                        new LinkState.WaitingStore(state.history().vanished(reason)),
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
            state.agreed()
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
                    LinkState.Expired _ -> new Step(state.withHistory(updated), List.of(), "");
        };
    }

    private static Step channelLost(
            LinkSetup setup, LinkState state, ChannelGeneration generation, LossEvidence evidence) {
        LinkState current = state.withHistory(state.history().channelEnded(generation));
        if (state.generation().filter(generation::equals).isEmpty()) {
            return stay(current);
        }
        String detail = evidence.kind() + ": " + evidence.detail();
        return current instanceof LinkState.Connected && evidence.isNoticedByPeerOnly()
                ? loseUnheard(setup, current, detail)
                : lose(setup, current, detail);
    }

    private static LinkState writeEnded(LinkState state, PairId pair) {
        return state.withHistory(state.history().writeEnded(pair));
    }

    private static Step localReady(LinkSetup setup, LinkState state, int attempt, Member member) {
        if (!(state instanceof LinkState.OpeningSegment(History history, Stage.OpeningLocal _))
                || history.attempt() != attempt) {
            return stay(state);
        }
        Target target = history.target();
        if (setup.role() != LinkSetup.Role.SELF
                && (target == null || !target.entry().member().equals(member))) {
            return lose(setup, state, "another life holds the seat in this process: " + member);
        }
        return connect(history, null, Proof.LOCAL, setup.role() == LinkSetup.Role.SELF ? "this rank" : "same process");
    }
}
