// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.FabricVerdict.NotAvailable;
import io.muster.group.FabricVerdict.Proven;
import io.muster.group.FabricVerdict.Unproven;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.WarmupMode;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class WarmupPlanTest {
    private static final ProcessId P1 = new ProcessId(1, 1);
    private static final ProcessId P2 = new ProcessId(2, 2);
    private static final FabricIdentity CLIQUE_7 = new FabricIdentity(new UUID(5, 5), 7);
    private static final FabricIdentity CLIQUE_8 = new FabricIdentity(new UUID(5, 5), 8);
    private static final List<FabricVerdict> VERDICTS = List.of(
            new NotAvailable("no driver"),
            new Unproven("attribute only", "wait"),
            new Proven(CLIQUE_7, false, "real"),
            new Proven(CLIQUE_7, true, "files"),
            new Proven(CLIQUE_8, true, "files"));
    private static final List<List<String>> TRANSPORTS = List.of(
            List.of(),
            List.of("tcp"),
            List.of("local", "tcp"),
            List.of("shm", "tcp", "ucx"),
            List.of("ucx", "tcp", "local"),
            List.of("local", "cuda", "tcp"));

    private static Offer offer(WarmupMode mode, FabricVerdict fabric, ProcessId process) {
        return new Offer(mode, fabric, List.of("local", "tcp"), process);
    }

    private static List<Offer> everyOffer() {
        List<Offer> offers = new ArrayList<>();
        for (WarmupMode mode : WarmupMode.values()) {
            for (FabricVerdict verdict : VERDICTS) {
                for (List<String> transports : TRANSPORTS) {
                    offers.add(new Offer(mode, verdict, transports, P1));
                    offers.add(new Offer(mode, verdict, transports, P2));
                }
            }
        }
        return offers;
    }

    private static Plan mirrored(Plan plan) {
        return plan instanceof Plan.ModeMismatch(WarmupMode local, WarmupMode peer)
                ? new Plan.ModeMismatch(peer, local)
                : plan;
    }

    @Test
    void plansTheSameAtBothEndsForEveryPairOfOffers() { // W-1
        List<Offer> offers = everyOffer();
        assertThat(offers).hasSize(240);
        for (Offer a : offers) {
            for (Offer b : offers) {
                assertThat(mirrored(WarmupPlan.plan(b, a)))
                        .as("%s and %s", a, b)
                        .isEqualTo(WarmupPlan.plan(a, b));
            }
        }
    }

    @Test
    void ordersCommonTransportsByThePreferenceOfBothEnds() { // W-1
        Offer a = new Offer(WarmupMode.EXCHANGE, new NotAvailable("no driver"), List.of("tcp", "cuda", "shm"), P1);
        Offer b = new Offer(WarmupMode.EXCHANGE, new NotAvailable("no driver"), List.of("shm", "tcp", "cuda"), P2);

        assertThat(WarmupPlan.plan(a, b))
                .isInstanceOfSatisfying(
                        Plan.Exchange.class,
                        exchange -> assertThat(exchange.transports()).containsExactly("tcp", "shm", "cuda"));
    }

    @Test
    void shortCircuitsByFabricOnlyIfBothHaveProvenTheSame() { // W-1, W-2
        int shortCircuits = 0;
        for (Offer a : everyOffer()) {
            for (Offer b : everyOffer()) {
                if (WarmupPlan.plan(a, b) instanceof Plan.ShortCircuitFabric fabric) {
                    shortCircuits++;
                    assertThat(a.mode()).isEqualTo(WarmupMode.AUTO);
                    assertThat(a.fabric()).isInstanceOfSatisfying(Proven.class, proven -> {
                        assertThat(proven.identity()).isEqualTo(fabric.identity());
                        assertThat(proven.simulated()).isEqualTo(fabric.simulated());
                    });
                    assertThat(b.fabric()).isEqualTo(a.fabric());
                }
            }
        }
        assertThat(shortCircuits).isPositive();
    }

    @Test
    void refusesDifferentModesNamingBoth() { // W-6
        Plan plan = WarmupPlan.plan(
                offer(WarmupMode.AUTO, VERDICTS.getFirst(), P1), offer(WarmupMode.SKIP, VERDICTS.getFirst(), P2));
        assertThat(plan).isInstanceOf(Plan.Refuse.class);
        assertThat(plan.reason()).isEqualTo("mode mismatch local=auto peer=skip");
    }

    @Test
    void exchangesIfTheFabricsDifferAndNamesBoth() {
        Plan plan = WarmupPlan.plan(
                offer(WarmupMode.AUTO, new Proven(CLIQUE_7, true, ""), P2),
                offer(WarmupMode.AUTO, new Proven(CLIQUE_8, true, ""), P1));
        assertThat(plan).isInstanceOf(Plan.Exchange.class);
        assertThat(plan.reason())
                .isEqualTo("different fabrics: process 00000000 " + CLIQUE_8 + " (simulated); process 00000000 "
                        + CLIQUE_7 + " (simulated)");
    }

    @Test
    void connectsLocallyInsideOneProcessAndNowhereElse() {
        Offer offer = offer(WarmupMode.SKIP, VERDICTS.getFirst(), P1);
        assertThat(WarmupPlan.plan(offer, offer)).isInstanceOf(Plan.Local.class);
        assertThat(WarmupPlan.plan(offer, offer(WarmupMode.SKIP, VERDICTS.getFirst(), P2)))
                .isInstanceOf(Plan.ShortCircuitSkip.class);
    }

    @Test
    void refusesIfTwoProcessesShareOnlyTheLocalTransport() {
        Offer mine = new Offer(WarmupMode.AUTO, VERDICTS.getFirst(), List.of("local", "tcp"), P1);
        Offer theirs = new Offer(WarmupMode.AUTO, VERDICTS.getFirst(), List.of("local"), P2);
        assertThat(WarmupPlan.plan(mine, theirs)).isInstanceOf(Plan.NoCommonTransport.class);
    }

    // W-1: exchanges in GPU memory at both ends, or refuses and says which end has none
    @Test
    void modeFabricExchangesInGpuMemoryOrIsRefused() {
        Offer with = new Offer(
                WarmupMode.FABRIC, new FabricVerdict.NotAvailable("slots"), List.of("local", "cuda", "tcp"), P1);
        Offer also = new Offer(
                WarmupMode.FABRIC, new FabricVerdict.NotAvailable("slots"), List.of("local", "cuda", "tcp"), P2);
        Offer without =
                new Offer(WarmupMode.FABRIC, new FabricVerdict.NotAvailable("no GPU"), List.of("local", "tcp"), P2);
        assertThat(WarmupPlan.plan(with, also))
                .isInstanceOfSatisfying(
                        Plan.Exchange.class,
                        plan -> assertThat(plan.transports()).containsExactly("cuda"));
        assertThat(WarmupPlan.plan(with, without))
                .isInstanceOfSatisfying(
                        Plan.NoCommonTransport.class,
                        plan -> assertThat(plan.reason())
                                .contains("needs memory of a GPU at both ends", "has it", "no GPU"));
    }

    @Test
    void parsesEveryModeAndNothingElse() {
        assertThat(WarmupMode.values())
                .allSatisfy(
                        mode -> assertThat(WarmupMode.parse(mode.toString())).isEqualTo(mode));
        assertThatThrownBy(() -> WarmupMode.parse("AUTO"))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("auto, exchange, skip or fabric");
    }

    @Test
    void rejectsAnOfferWithRepeatedOrMalformedTransports() {
        for (List<String> bad : List.of(List.of("tcp", "tcp"), List.of("TCP"), List.of(""), List.of("x".repeat(33)))) {
            assertThatThrownBy(() -> new Offer(WarmupMode.AUTO, VERDICTS.getFirst(), bad, P1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
