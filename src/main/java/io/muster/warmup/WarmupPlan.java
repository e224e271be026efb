// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricVerdict;
import io.muster.group.FabricVerdict.Proven;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The plan of a link's warmup: a pure function of both handles, so that both ends compute the same plan without a
 * message. A plan that imports memory is not the last word: each end sends its own verdict on the import, and the link
 * is short-circuited only if both are yes ({@code LinkRules.shortCircuit}); otherwise both ends exchange.
 */
public final class WarmupPlan {
    private WarmupPlan() {}

    /** The plan for the link between these two ends; {@code plan(a, b)} and {@code plan(b, a)} agree. */
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
                    local.fabric() instanceof FabricVerdict.NotAvailable
                                    && peer.fabric() instanceof FabricVerdict.NotAvailable
                            ? "bytes are exchanged, since neither host has a fabric"
                            : "bytes are exchanged, since there is no common fabric: "
                                    + bySide(local, fabricText(local), peer, fabricText(peer)));
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
     * The transports that both offer, in an order that both ends compute: by the sum of the positions in both lists, so
     * that neither list has precedence, then by name.
     */
    private static List<String> commonTransports(Offer a, Offer b) {
        List<String> common = new ArrayList<>(a.transports());
        common.retainAll(b.transports());
        common.sort(Comparator.<String>comparingInt(
                        name -> a.transports().indexOf(name) + b.transports().indexOf(name))
                .thenComparing(Comparator.naturalOrder()));
        return common;
    }

    /** Describes both ends in the order of their process ids, so that both ends produce the same sentence. */
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
