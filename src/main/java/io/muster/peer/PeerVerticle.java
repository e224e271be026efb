// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.bus.Addresses;
import io.muster.bus.JsonOnDemand;
import io.muster.bus.LocalCodec;
import io.muster.bus.Registrations;
import io.muster.group.LogEvents;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.MessageConsumer;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One peer connection as a verticle: the shell around {@link LinkMachine}.
 *
 * <p><b>State.</b> It holds the current {@link LinkState}, the one timer of the link, and a future that joins the
 * warmup writes under way. All of it belongs to the context of the verticle.
 *
 * <p><b>Threads.</b> Events arrive on the link's own local address. Outcomes of effects may arrive on any thread, and
 * even during a transition. {@link #received} is therefore entered only from the bus consumer, from a timer, or through
 * {@code runOnContext}, so one transition always ends before the next begins.
 *
 * <p><b>Order of events.</b> First the {@link LinkSetup}, sent when the rank has its seat; then its events. For each
 * event: transition, store the new state, publish it, run the effects, and undeploy after EXPIRED. The state is stored
 * before the effects run, so an effect that completes at once meets the new state.
 *
 * <p><b>Invariants.</b> The rules are those of the machine, with one addition: before a link becomes CONNECTED, the
 * verticle checks that its channel still exists (P-12). Otherwise the loss, which may already be in the queue, would
 * follow a CONNECTED that was never true. The address is free for a successor only after {@link #ended()}; two
 * verticles on one address would share its messages.
 *
 * <p><b>The trap.</b> A link-open comes on another context than the seat and may arrive before the {@code LinkSetup}.
 * It is kept until then: if it were dropped, the writer would wait for its answer until its deadline.
 */
public final class PeerVerticle extends VerticleBase {
    /** Layout of the eight bytes of a warmup value, the same on every machine. */
    public static final ValueLayout.OfLong SLOT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final Logger LOG = LoggerFactory.getLogger(PeerVerticle.class);
    private static final DeliveryOptions HERE = LocalCodec.delivery();
    private static final DeliveryOptions HERE_AS_JSON = JsonOnDemand.delivery();

    private final int rank;
    private final int peer;
    private final SeatPorts ports;
    private final Addresses addresses;
    private @Nullable MessageConsumer<Object> consumer;
    private @Nullable LinkSetup setup;
    private LinkEvent.@Nullable OpenReceived early;
    private LinkState state = LinkMachine.initial();
    private long timer = -1;
    private Future<Void> write = Future.succeededFuture();
    private final Promise<Void> ended = Promise.promise();
    private boolean ending;

    public PeerVerticle(int rank, int peer, SeatPorts ports, Addresses addresses) {
        this.rank = rank;
        this.peer = peer;
        this.ports = ports;
        this.addresses = addresses;
    }

    @Override
    public Future<?> start() {
        consumer = vertx.eventBus().localConsumer(addresses.link(rank, peer), message -> received(message.body()));
        return Future.succeededFuture();
    }

    /**
     * Expects the {@link LinkSetup} first, sent when the rank has its seat, then events. A rank that never gets a seat
     * only closes. A link-open that arrives before the setup is kept, because the writer waits for its answer.
     */
    private void received(Object body) {
        switch (body) {
            case LinkSetup given -> {
                setup = given;
                LinkEvent.OpenReceived open = early;
                early = null;
                if (open != null) {
                    handle(given, open);
                }
            }
            case LinkEvent event when setup != null -> handle(setup, event);
            case LinkEvent.CloseRequested _ -> end();
            case LinkEvent.OpenReceived open -> early = open;
            case LinkEvent other ->
                LOG.debug(
                        LogEvents.LINK_EARLY + " group={} rank={} peer={} event={}", ports.group(), rank, peer, other);
            default ->
                LOG.warn(
                        LogEvents.LINK_UNKNOWN + " group={} rank={} peer={} body={}",
                        ports.group(),
                        rank,
                        peer,
                        body.getClass());
        }
    }

    @Override
    public Future<?> stop() {
        stopTimer();
        if (consumer != null) {
            Registrations.end(List.of(consumer));
        }
        if (!ending) {
            ended.tryComplete();
        }
        return Future.succeededFuture();
    }

    private void handle(LinkSetup setup, LinkEvent event) {
        Step step = LinkMachine.transition(setup, state, event);
        if (step.next() instanceof LinkState.Connected(var _, Session session, var _, var _)
                && !(state instanceof LinkState.Connected)
                && session != null
                && ports.channel(session.generation()) == null) {
            step = LinkMachine.transition(
                    setup,
                    state,
                    new LinkEvent.ChannelLost(
                            session.generation(),
                            new LossEvidence(
                                    LossEvidence.Kind.SOCKET_CLOSED,
                                    "the channel ended before the link was connected")));
        }
        LinkState before = state;
        state = step.next();
        if (before.name() != state.name() || !step.reason().isEmpty()) {
            publish(
                    setup,
                    new LinkChange(
                            setup.group(),
                            setup.self(),
                            peer,
                            before,
                            state,
                            step.reason(),
                            LinkChange.cause(before, event, state),
                            Instant.now()));
        } else if (!Objects.equals(before.history().target(), state.history().target())) {
            // a new handle of the same life: no transition, but writes must find its segments
            ports.note(new LinkChange(
                    setup.group(),
                    setup.self(),
                    peer,
                    before,
                    state,
                    "",
                    LinkChange.cause(before, event, state),
                    Instant.now()));
        }
        step.effects().forEach(effect -> run(setup, effect));
        if (state instanceof LinkState.Expired && !(before instanceof LinkState.Expired)) {
            end();
        }
    }

    /**
     * Completes when the verticle is undeployed. Only then is its address free for a successor; before, the two would
     * share messages.
     */
    public Future<Void> ended() {
        return ended.future();
    }

    private void end() {
        if (!ending) {
            ending = true;
            vertx.undeploy(context.deploymentID()).onComplete(_ -> ended.tryComplete());
        }
    }

    private void publish(LinkSetup setup, LinkChange change) {
        ports.note(change);
        LOG.debug(
                LogEvents.LINK_CHANGED + " group={} rank={} peer={} from={} to={} attempt={} reason={}",
                setup.group(),
                rank,
                peer,
                change.from().name(),
                change.to().name(),
                change.to().history().attempt(),
                change.reason());
        vertx.eventBus().publish(addresses.linkState(), change, HERE);
        if (change.from().name() != change.to().name()) {
            vertx.eventBus().publish(addresses.peerState(), change, HERE_AS_JSON);
        }
    }

    // ---- effects

    private void run(LinkSetup setup, LinkEffect effect) {
        switch (effect) {
            case LinkEffect.Dial(int attempt, RankEntry target) -> dial(attempt, target);
            case LinkEffect.OpenLocal(int attempt, int _) -> {
                Member seat = ports.localSeat(peer);
                enqueue(
                        seat == null
                                ? new LinkEvent.DialFailed(attempt, "rank " + peer + " has no seat in this process")
                                : new LinkEvent.LocalReady(attempt, seat));
            }
            case LinkEffect.AskPolicy(int attempt, RankEntry target) ->
                ports.askPolicy(target)
                        .onSuccess(answer -> enqueue(new LinkEvent.PolicyAnswered(target.member(), attempt, answer)));
            case LinkEffect.SendOpen(RankEntry target, int attempt, var generation, long nonce, var answer) -> {
                ports.clearSlot(peer)
                        .onComplete(_ -> send(
                                generation,
                                new LinkMessage.Open(
                                        ports.ownEntry(),
                                        target.member(),
                                        attempt,
                                        nonce,
                                        ports.slot(peer, answer.transport()),
                                        answer)));
                ports.awaitSlot(peer);
            }
            case LinkEffect.SendAccept(Session session, boolean repeated) -> {
                (repeated ? Future.<Void>succeededFuture() : ports.clearSlot(peer))
                        .onComplete(_ -> send(
                                session.generation(),
                                new LinkMessage.Accept(
                                        setup.group(),
                                        session.pairId(),
                                        ports.slot(peer, session.answer().transport()),
                                        session.answer())));
                ports.awaitSlot(peer);
            }
            case LinkEffect.SendRefuse(var refuse, var generation) -> send(generation, refuse);
            case LinkEffect.SendClose(Session session, String reason) ->
                send(session.generation(), new LinkMessage.Close(setup.group(), rank, peer, session.pairId(), reason));
            case LinkEffect.WriteSlot(Session session, long value) -> writeSlot(session, value);
            case LinkEffect.StartTimer(var what, int attempt, long delayMs) -> startTimer(what, attempt, delayMs);
            case LinkEffect.StopTimer() -> stopTimer();
            case LinkEffect.Drain _ -> write.onComplete(_ -> enqueue(new LinkEvent.Drained()));
        }
    }

    private void dial(int attempt, RankEntry target) {
        var handle = target.handle();
        ports.connect(new ProcessAddress(handle.process(), handle.host(), handle.port()))
                .onComplete(dialled -> enqueue(
                        dialled.succeeded()
                                ? new LinkEvent.ChannelReady(
                                        attempt, dialled.result().generation(), ports.nonce())
                                : new LinkEvent.DialFailed(
                                        attempt, String.valueOf(dialled.cause().getMessage()))));
    }

    private void send(ChannelGeneration generation, LinkMessage message) {
        Channel channel = ports.channel(generation);
        if (channel != null) {
            channel.send(ControlKind.LINK, LinkCodec.encode(message));
        }
    }

    private void writeSlot(Session session, long value) {
        var target = state.history().target();
        if (ports.channel(session.generation()) == null || target == null) {
            enqueue(new LinkEvent.WriteFailed(session.pairId(), "the channel has ended"));
            return;
        }
        Future<Void> next = ports.writeWarmup(peer, target.entry(), session, value);
        write = write.isComplete() ? next : Future.join(write, next).mapEmpty();
        next.onComplete(written -> enqueue(
                written.succeeded()
                        ? new LinkEvent.WriteApplied(session.pairId())
                        : new LinkEvent.WriteFailed(
                                session.pairId(), String.valueOf(written.cause().getMessage()))));
    }

    private void startTimer(LinkEffect.Timer what, int attempt, long delayMs) {
        stopTimer();
        long delay = what == LinkEffect.Timer.BACKOFF ? ports.jittered(delayMs) : delayMs;
        timer = vertx.setTimer(Math.max(1, delay), _ -> {
            timer = -1;
            received(new LinkEvent.TimerFired(what, attempt));
        });
    }

    private void stopTimer() {
        if (timer >= 0) {
            vertx.cancelTimer(timer);
            timer = -1;
        }
    }

    /** Outcomes may arrive on any thread and during a transition, so they always go through the event queue. */
    private void enqueue(LinkEvent event) {
        context.runOnContext(_ -> received(event));
    }
}
