// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEffect;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMachine;
import io.muster.peer.LinkMessage;
import io.muster.peer.LinkSetup;
import io.muster.peer.LinkState;
import io.muster.peer.Session;
import io.muster.peer.Step;
import io.muster.peer.WarmupAnswer;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The shell of one link: runs the effects of the production machine as the verticle does. */
final class SimLink {
    final World world;
    final SimProcess process;
    final SimSeat seat;
    final int peer;
    private final Lane inbox;
    private @Nullable LinkSetup setup;
    LinkState state = LinkMachine.initial();
    private LinkEvent.@Nullable OpenReceived early;
    private long timerRun;
    private int writing;
    private boolean draining;
    /** Looks in a row at which this end was CONNECTED and the other was not. */
    long lonelyLooks;

    SimLink(SimProcess process, SimSeat seat, int peer) {
        this.world = process.world;
        this.process = process;
        this.seat = seat;
        this.peer = peer;
        this.inbox = new Lane(process);
    }

    void open(Member self) {
        setup = new LinkSetup(World.GROUP, world.scenario.worldSize(), self, peer, world.scenario.timing());
        LinkEvent.OpenReceived kept = early;
        early = null;
        if (kept != null) {
            tell(kept);
        }
    }

    /** Sends an event from this process; events keep their order. */
    void tell(LinkEvent event) {
        inbox.send(world.busUs(), () -> handle(event));
    }

    /** An outcome of one of its own effects. */
    void later(LinkEvent event) {
        if (event instanceof LinkEvent.WriteApplied || event instanceof LinkEvent.WriteFailed) {
            writing--;
            drained();
        }
        process.post(world.busUs(), () -> handle(event));
    }

    private void handle(LinkEvent event) {
        LinkSetup known = setup;
        if (known == null && event instanceof LinkEvent.OpenReceived open) {
            early = open;
        }
        if (known == null || state instanceof LinkState.Expired) {
            return;
        }
        Step step = LinkMachine.transition(known, state, event);
        if (step.next() instanceof LinkState.Connected(var _, Session session, var _, var _)
                && !(state instanceof LinkState.Connected)
                && session != null
                && process.channel(session.generation()) == null) {
            step = LinkMachine.transition(
                    known,
                    state,
                    new LinkEvent.ChannelLost(
                            session.generation(),
                            new LossEvidence(
                                    LossEvidence.Kind.SOCKET_CLOSED,
                                    "the channel ended before the link was connected")));
        }
        LinkState before = state;
        state = step.next();
        world.invariants.linkMoved(this, event, before, state);
        if (before.name() != state.name()) {
            Step done = step;
            world.trace(() -> process + " link " + known.self() + "->" + peer + " " + before.name() + " -> "
                    + state.name() + " " + state.history().newest() + " attempt "
                    + state.history().attempt() + ": " + done.reason());
        }
        if (before.name() != state.name() || !step.reason().isEmpty()) {
            process.linkChanged(new LinkChange(
                    World.GROUP,
                    known.self(),
                    peer,
                    before,
                    state,
                    step.reason(),
                    LinkChange.cause(before, event, state),
                    Instant.EPOCH));
        } else if (before.history().target() != state.history().target()) {
            process.noted(new LinkChange(
                    World.GROUP,
                    known.self(),
                    peer,
                    before,
                    state,
                    "",
                    LinkChange.cause(before, event, state),
                    Instant.EPOCH));
        }
        for (LinkEffect effect : step.effects()) {
            run(known, effect);
        }
    }

    private void run(LinkSetup known, LinkEffect effect) {
        switch (effect) {
            case LinkEffect.Dial(int attempt, RankEntry target) -> {
                var handle = target.handle();
                world.network
                        .connect(process, new ProcessAddress(handle.process(), handle.host(), handle.port()))
                        .onComplete(dialled -> later(
                                dialled.succeeded()
                                        ? new LinkEvent.ChannelReady(
                                                attempt, dialled.result().generation, world.chance.any())
                                        : new LinkEvent.DialFailed(
                                                attempt,
                                                String.valueOf(dialled.cause().getMessage()))));
            }
            case LinkEffect.OpenLocal(int attempt, int _) -> {
                Member there = process.localSeat(peer);
                later(
                        there == null
                                ? new LinkEvent.DialFailed(attempt, "no seat here")
                                : new LinkEvent.LocalReady(attempt, there));
            }
            case LinkEffect.AskPolicy(int attempt, RankEntry target) -> {
                WarmupAnswer answer = world.policy(process, target);
                long delayUs = world.faults.strikes(Fault.POLICY_SLOW)
                        ? world.chance.between(1_000, 1_000_000)
                        : world.busUs();
                process.post(delayUs, () -> later(new LinkEvent.PolicyAnswered(target.member(), attempt, answer)));
            }
            case LinkEffect.SendOpen(RankEntry target, int attempt, var generation, long nonce, var answer) ->
                send(
                        generation,
                        new LinkMessage.Open(seat.entry(), target.member(), attempt, nonce, seat.slot(peer), answer));
            case LinkEffect.SendAccept(Session session, boolean _) ->
                send(
                        session.generation(),
                        new LinkMessage.Accept(World.GROUP, session.pairId(), seat.slot(peer), session.answer()));
            case LinkEffect.SendRefuse(var refuse, var generation) -> send(generation, refuse);
            case LinkEffect.SendClose(Session session, String reason) ->
                send(
                        session.generation(),
                        new LinkMessage.Close(World.GROUP, known.self().rank(), peer, session.pairId(), reason));
            case LinkEffect.WriteSlot(Session session, long value) -> {
                writing++;
                SimChannel channel = process.channel(session.generation());
                if (channel == null) {
                    later(new LinkEvent.WriteFailed(session.pairId(), "the channel has ended"));
                } else {
                    channel.write(session, value, this);
                }
            }
            case LinkEffect.StartTimer(var what, int attempt, long delayMs) -> {
                long run = ++timerRun;
                long delayUs = delayMs * 1_000;
                process.post(
                        what == LinkEffect.Timer.BACKOFF ? world.chance.between(delayUs / 2, delayUs * 3 / 2) : delayUs,
                        () -> {
                            if (timerRun == run) {
                                handle(new LinkEvent.TimerFired(what, attempt));
                            }
                        });
            }
            case LinkEffect.StopTimer() -> timerRun++;
            case LinkEffect.Drain _ -> {
                draining = true;
                drained();
            }
        }
    }

    private void drained() {
        if (draining && writing == 0) {
            process.post(world.busUs(), () -> handle(new LinkEvent.Drained()));
        }
    }

    private void send(ChannelGeneration generation, LinkMessage message) {
        SimChannel channel = process.channel(generation);
        if (channel != null) {
            channel.send(message);
        }
    }
}
