// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.bus.Registrations;
import io.muster.fabric.Fabric;
import io.muster.fabric.FabricImport;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.WarmupMode;
import io.muster.peer.WarmupAnswer;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonObject;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The built-in warmup policy, which decides for one end of a link whether its warmup exchange may be short-circuited.
 * Both ends apply it once per attempt. If the answer follows from the two handles, no message is needed
 * ({@link #atOnce}). Otherwise this verticle gets a message, with a deadline, and imports memory of the peer. If the
 * application has a consumer at {@code muster.<g>.warmup-policy}, each question goes to that consumer instead.
 *
 * <p>A question to an application is {@code {group, local, peer}}, with each end as {@link #describe} makes it. The
 * answer is {@code {plan, verdict, transport, reason}}, where plan is one of EXCHANGE, FABRIC, FABRIC_SIMULATED, SKIP,
 * REFUSE. A question to this verticle is a {@link Question}, its answer a {@link WarmupAnswer}. A link is
 * short-circuited only if both ends answer the same plan and both verdicts are true.
 */
public final class WarmupPolicyVerticle extends VerticleBase {
    private static final DeliveryOptions HERE = LocalCodec.delivery();

    private final Addresses addresses;
    private final Fabric fabric;
    private @Nullable MessageConsumer<Object> consumer;

    /** A question about the link between these two ranks; the local one is of this process. */
    public record Question(RankEntry local, RankEntry peer) {
        /** The question to an application. */
        public JsonObject toJson() {
            return new JsonObject()
                    .put("group", local.group().value())
                    .put("local", describe(local.handle(), local.member().rank()))
                    .put("peer", describe(peer.handle(), peer.member().rank()));
        }
    }

    public WarmupPolicyVerticle(Addresses addresses, Fabric fabric) {
        this.addresses = addresses;
        this.fabric = fabric;
    }

    @Override
    public Future<?> start() {
        consumer = vertx.eventBus().localConsumer(addresses.builtInWarmupPolicy(), this::asked);
        return Future.succeededFuture();
    }

    @Override
    public Future<?> stop() {
        if (consumer != null) {
            Registrations.end(List.of(consumer));
        }
        return Future.succeededFuture();
    }

    private void asked(Message<Object> message) {
        Link link;
        try {
            link = Link.of((Question) message.body());
        } catch (RuntimeException e) {
            message.reply(unreadable(e), HERE);
            return;
        }
        if (!(link.plan() instanceof Plan.ShortCircuitFabric fabricPlan)) {
            message.reply(withoutImport(link.plan()), HERE);
            return;
        }
        vertx.executeBlocking(() -> importPeer(fabricPlan, link), false)
                .otherwise(failure -> answer(fabricPlan, Verdict.no("importing failed: " + failure.getMessage())))
                .onSuccess(answer -> message.reply(answer, HERE));
    }

    /**
     * Imports, touches and releases the peer's memory. The import itself is the proof, so no memory is kept. Blocks.
     */
    private WarmupAnswer importPeer(Plan.ShortCircuitFabric plan, Link link) {
        return answer(
                plan,
                switch (fabric.importPeer(
                        link.local().owner(), link.peer().owner(), link.peer().export())) {
                    case FabricImport.Imported() -> Verdict.yes("imported and touched");
                    case FabricImport.Refused(var cause, String reason) -> Verdict.no(cause + ": " + reason);
                });
    }

    private static WarmupAnswer answer(Plan.ShortCircuitFabric plan, Verdict verdict) {
        return new WarmupAnswer(
                plan.simulated() ? WarmupAnswer.Plan.FABRIC_SIMULATED : WarmupAnswer.Plan.FABRIC,
                verdict.importable(),
                plan.transports().isEmpty() ? "" : plan.transports().getFirst(),
                plan.reason() + ", " + verdict.reason());
    }

    /**
     * The answer of this verticle if it follows from the two handles; empty if memory of the peer must be imported
     * first.
     */
    public static Optional<WarmupAnswer> atOnce(Question question) {
        try {
            Plan plan = Link.of(question).plan();
            return plan instanceof Plan.ShortCircuitFabric ? Optional.empty() : Optional.of(withoutImport(plan));
        } catch (RuntimeException e) {
            return Optional.of(unreadable(e));
        }
    }

    private static WarmupAnswer unreadable(RuntimeException why) {
        return refused("the policy could not read the question: " + why.getMessage());
    }

    /** The answer in place of a policy that does not answer: the built-in rule without the fabric. */
    public static WarmupAnswer byDefault(SegmentHandle local, SegmentHandle peer, String why) {
        try {
            Offer mine = End.of(local, 0).offer();
            Offer theirs = End.of(peer, 0).offer();
            WarmupAnswer answer = withoutImport(WarmupPlan.plan(mine, theirs));
            return new WarmupAnswer(
                    answer.plan(), answer.verdict(), answer.transport(), why + "; by default: " + answer.reason());
        } catch (RuntimeException e) {
            return refused(why + "; and by default: " + e.getMessage());
        }
    }

    private static WarmupAnswer withoutImport(Plan plan) {
        return switch (plan) {
            case Plan.Exchange exchange ->
                new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, exchange.transport(), exchange.reason());
            case Plan.ShortCircuitSkip skip ->
                new WarmupAnswer(WarmupAnswer.Plan.SKIP, true, skip.transports().getFirst(), skip.reason());
            case Plan.ShortCircuitFabric fabricPlan ->
                new WarmupAnswer(
                        WarmupAnswer.Plan.EXCHANGE,
                        true,
                        fabricPlan.transports().isEmpty()
                                ? ""
                                : fabricPlan.transports().getFirst(),
                        "the fabric was not tried");
            case Plan.Local local -> new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, Offer.LOCAL, local.reason());
            case Plan.Refuse refuse -> refused(refuse.reason());
        };
    }

    private static WarmupAnswer refused(String reason) {
        return new WarmupAnswer(WarmupAnswer.Plan.REFUSE, false, "", reason);
    }

    /**
     * The answer of an application.
     *
     * @throws IllegalArgumentException if it is malformed
     */
    public static WarmupAnswer answerOf(JsonObject json) {
        String reason = json.getString("reason", "");
        return new WarmupAnswer(
                WarmupAnswer.Plan.valueOf(json.getString("plan", "")),
                json.getBoolean("verdict", false),
                json.getString("transport", ""),
                reason);
    }

    /**
     * One end of a link, as a question to an application describes it.
     *
     * @return rank, process, host, mode, transports, and of the fabric its identity ("" if none is proven), whether it
     *     is simulated, the exported handle in Base64, and the reason
     */
    static JsonObject describe(SegmentHandle handle, int rank) {
        return new JsonObject()
                .put("rank", rank)
                .put("process", handle.process().toString())
                .put("host", handle.host())
                .put("mode", handle.warmupMode())
                .put("transports", handle.transports())
                .put("fabric", handle.fabric().identity())
                .put("simulated", handle.fabric().simulated())
                .put(
                        "export",
                        Base64.getEncoder().encodeToString(handle.fabric().export()))
                .put("fabricReason", handle.fabric().reason());
    }

    /**
     * The member as which a rank's fabric memory is exported. The handle is published with the claim, before the
     * incarnation is known, so this member has incarnation 1, and the process id as its life.
     */
    public static Member exporter(int rank, ProcessId process) {
        return new Member(rank, 1, new LifeId(process.high(), process.low()));
    }

    private record Link(End local, End peer, Plan plan) {
        static Link of(Question question) {
            End local =
                    End.of(question.local().handle(), question.local().member().rank());
            End peer = End.of(question.peer().handle(), question.peer().member().rank());
            return new Link(local, peer, WarmupPlan.plan(local.offer(), peer.offer()));
        }
    }

    private record End(Member owner, Offer offer, byte[] export) {
        static End of(SegmentHandle handle, int rank) {
            SegmentHandle.FabricOffer fabric = handle.fabric();
            FabricVerdict verdict = switch (fabric) {
                case SegmentHandle.FabricOffer.Exported(String identity, boolean simulated, var _, String reason) ->
                    new FabricVerdict.Proven(FabricIdentity.parse(identity), simulated, reason);
                case SegmentHandle.FabricOffer.GpuSlots(var _, String reason) -> new FabricVerdict.NotAvailable(reason);
                case SegmentHandle.FabricOffer.None(var _, String reason) -> new FabricVerdict.NotAvailable(reason);
            };
            return new End(
                    exporter(rank, handle.process()),
                    new Offer(mode(handle.warmupMode()), verdict, handle.transports(), handle.process()),
                    fabric.export());
        }

        private static WarmupMode mode(String text) {
            try {
                return WarmupMode.parse(text);
            } catch (MusterException e) {
                throw new IllegalArgumentException("warmup mode '" + text + "' is not known to this process", e);
            }
        }
    }
}
