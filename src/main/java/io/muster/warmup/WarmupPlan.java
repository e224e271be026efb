// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricVerdict;
import io.muster.group.FabricVerdict.Proven;
import io.muster.group.Proof;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The rule of the warmup: pure functions, so that both ends of a link come to the same answer without asking each
 * other. First the plan, from what both handles say; then the decision, {@code plan and mine and theirs}, once both
 * have said what they could import: any "no" moves both to the next way that they have in common.
 */
public final class WarmupPlan {
    private WarmupPlan() {}

    /** The plan for a link between these two; {@code plan(a, b)} and {@code plan(b, a)} agree. */
    public static Plan plan(Offer local, Offer peer) {
        if (local.mode() != peer.mode()) {
            return new Plan.ModeMismatch(local.mode(), peer.mode());
        }
        boolean sameProcess = local.process().equals(peer.process());
        List<String> common = commonTransports(local, peer);
        if (sameProcess && common.contains(Offer.LOCAL)) {
            return new Plan.Local("both ranks live in process " + shortId(local));
        }
        common.remove(Offer.LOCAL);
        return switch (local.mode()) {
            case AUTO -> auto(local, peer, common);
            case EXCHANGE -> exchange(local, peer, common, "warmup.mode=exchange");
            case SKIP ->
                common.isEmpty()
                        ? noCommonTransport(local, peer, "warmup.mode=skip")
                        : new Plan.ShortCircuitSkip(common, "warmup.mode=skip: nothing is tried");
            case FABRIC ->
                common.contains(Offer.CUDA)
                        ? new Plan.Exchange(List.of(Offer.CUDA), "warmup.mode=fabric: in the memory of GPUs")
                        : new Plan.NoCommonTransport("warmup.mode=fabric needs memory of a GPU at both ends: "
                                + bySide(local, slotsText(local), peer, slotsText(peer)));
        };
    }

    private static Plan auto(Offer local, Offer peer, List<String> common) {
        if (!(local.fabric() instanceof Proven mine) || !(peer.fabric() instanceof Proven theirs)) {
            return exchange(
                    local,
                    peer,
                    common,
                    "no common fabric: " + bySide(local, fabricText(local), peer, fabricText(peer)));
        }
        if (!mine.identity().equals(theirs.identity()) || mine.simulated() != theirs.simulated()) {
            return exchange(
                    local,
                    peer,
                    common,
                    "different fabrics: " + bySide(local, fabricText(local), peer, fabricText(peer)));
        }
        return new Plan.ShortCircuitFabric(
                mine.identity(), mine.simulated(), common, "both in fabric " + fabricText(local));
    }

    private static Plan exchange(Offer local, Offer peer, List<String> common, String reason) {
        return common.isEmpty() ? noCommonTransport(local, peer, reason) : new Plan.Exchange(common, reason);
    }

    private static Plan noCommonTransport(Offer local, Offer peer, String reason) {
        return new Plan.NoCommonTransport("no common transport: "
                + bySide(local, "has " + local.transports(), peer, "has " + peer.transports()) + " (" + reason + ")");
    }

    /**
     * What both do once each knows what the other could import.
     *
     * @param mine what this end found, about the plan's first way
     * @param theirs what the peer found
     */
    public static Decision decide(Plan plan, Verdict mine, Verdict theirs) {
        boolean both = mine.importable() && theirs.importable();
        return switch (plan) {
            case Plan.Local(String reason) -> new Decision.Connected(Proof.LOCAL, List.of(reason));
            case Plan.ShortCircuitSkip(var _, String reason) -> new Decision.Connected(Proof.NONE, List.of(reason));
            case Plan.Refuse refuse -> new Decision.Refused(List.of(refuse.reason()));
            case Plan.ShortCircuitFabric(var _, boolean simulated, List<String> transports, String reason) ->
                both
                        ? new Decision.Connected(
                                simulated ? Proof.FABRIC_IMPORT_SIMULATED : Proof.FABRIC_IMPORT,
                                reasons(reason, mine, theirs))
                        : next(transports, reasons(reason, mine, theirs));
            case Plan.Exchange exchange ->
                both
                        ? new Decision.Exchange(exchange, List.of(exchange.reason()))
                        : next(
                                exchange.transports()
                                        .subList(1, exchange.transports().size()),
                                reasons(exchange.reason(), mine, theirs));
        };
    }

    private static Decision next(List<String> transports, List<String> reasons) {
        if (transports.isEmpty()) {
            List<String> all = new ArrayList<>(reasons);
            all.add("no other transport in common");
            return new Decision.Refused(all);
        }
        return new Decision.Exchange(new Plan.Exchange(transports, String.join("; ", reasons)), reasons);
    }

    private static List<String> reasons(String plan, Verdict mine, Verdict theirs) {
        return List.of(plan, text("local", mine), text("peer", theirs));
    }

    private static String text(String side, Verdict verdict) {
        return side + (verdict.importable() ? " imported: " : " could not import: ") + verdict.reason();
    }

    /**
     * What both offer. The order that both agree on: by the sum of the positions, so that neither side's taste wins,
     * then by name.
     */
    private static List<String> commonTransports(Offer a, Offer b) {
        List<String> common = new ArrayList<>(a.transports());
        common.retainAll(b.transports());
        common.sort(Comparator.<String>comparingInt(
                        name -> a.transports().indexOf(name) + b.transports().indexOf(name))
                .thenComparing(Comparator.naturalOrder()));
        return common;
    }

    /** Names the two by process and in the order of their processes, so that both ends read the same sentence. */
    private static String bySide(Offer a, String ofA, Offer b, String ofB) {
        String textA = "process " + shortId(a) + " " + ofA;
        String textB = "process " + shortId(b) + " " + ofB;
        int order = a.process().compareTo(b.process());
        boolean aFirst = order < 0 || (order == 0 && textA.compareTo(textB) <= 0);
        return aFirst ? textA + "; " + textB : textB + "; " + textA;
    }

    private static String fabricText(Offer offer) {
        return switch (offer.fabric()) {
            case Proven proven -> proven.identity() + (proven.simulated() ? " (simulated)" : "");
            case FabricVerdict.NotAvailable(String reason) -> "has none (" + reason + ")";
            case FabricVerdict.Unproven(String reason, var _) -> "has none proven (" + reason + ")";
        };
    }

    private static String slotsText(Offer offer) {
        return offer.transports().contains(Offer.CUDA) ? "has it" : fabricText(offer);
    }

    private static String shortId(Offer offer) {
        return offer.process().toString().substring(0, 8);
    }
}
