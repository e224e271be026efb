// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.DIALABLE;
import static io.muster.peer.LinkFixture.accept;
import static io.muster.peer.LinkFixture.entry;
import static io.muster.peer.LinkFixture.generation;
import static io.muster.peer.LinkFixture.open;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Proof;
import io.muster.peer.WarmupAnswer.Plan;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The rule that short-circuits a link, for every pair of answers, and both link machines that apply it. */
final class ShortCircuitTest {
    private static final int WRITER_NONCE = 70;
    private static final int WAITER_NONCE = 90;
    /** Plans without an entry never short-circuit a link. */
    private static final Map<Plan, Proof> PROOFS = new EnumMap<>(Map.of(
            Plan.FABRIC, Proof.FABRIC_IMPORT,
            Plan.FABRIC_SIMULATED, Proof.FABRIC_IMPORT_SIMULATED,
            Plan.SKIP, Proof.NONE));

    /** A state after an event, with the effects of that event. */
    private record Reached(LinkState state, List<LinkEffect> effects) {
        private static Reached after(LinkSetup setup, LinkEvent... events) {
            LinkState state = LinkMachine.initial();
            List<LinkEffect> effects = List.of();
            for (LinkEvent event : events) {
                Step step = LinkMachine.transition(setup, state, event);
                state = step.next();
                effects = step.effects();
            }
            return new Reached(state, effects);
        }

        private boolean writes() {
            return effects.stream().anyMatch(LinkEffect.WriteSlot.class::isInstance);
        }
    }

    private static List<WarmupAnswer> answers(String end) {
        List<WarmupAnswer> all = new ArrayList<>();
        for (Plan plan : Plan.values()) {
            for (boolean verdict : new boolean[] {true, false}) {
                all.add(new WarmupAnswer(plan, verdict, "tcp", end + " says " + plan + " " + verdict));
            }
        }
        return all;
    }

    @Test // W-1
    void theRuleGivesBothEndsTheSameProofForEveryPairOfAnswers() {
        for (WarmupAnswer writer : answers("writer")) {
            for (WarmupAnswer waiter : answers("waiter")) {
                assertThat(LinkRules.shortCircuit(waiter, writer))
                        .as("%s and %s", writer, waiter)
                        .isEqualTo(LinkRules.shortCircuit(writer, waiter));
            }
        }
    }

    @Test // W-1, W-3
    void onlyOnePlanWithTwoYesVerdictsShortCircuitsALink() {
        int shortCircuits = 0;
        for (WarmupAnswer writer : answers("writer")) {
            for (WarmupAnswer waiter : answers("waiter")) {
                Optional<Proof> proof = LinkRules.shortCircuit(writer, waiter);
                if (proof.isPresent()) {
                    shortCircuits++;
                    assertThat(writer.plan()).isEqualTo(waiter.plan());
                    assertThat(writer.verdict() && waiter.verdict()).isTrue();
                    assertThat(proof).hasValue(PROOFS.get(writer.plan()));
                }
            }
        }
        assertThat(shortCircuits).isEqualTo(PROOFS.size());
    }

    @Test // W-1, W-4
    void bothMachinesFollowTheRuleForEveryPairOfAnswers() {
        int connected = 0;
        int exchanging = 0;
        for (WarmupAnswer ofWriter : answers("writer")) {
            for (WarmupAnswer ofWaiter : answers("waiter")) {
                if (ofWriter.plan() == Plan.REFUSE || ofWaiter.plan() == Plan.REFUSE) {
                    continue; // refused before the two answers meet
                }
                Reached waiting = waiter(ofWriter, ofWaiter);
                PairId pair = waiting.state().agreed().orElseThrow().pairId();
                Reached writing = writer(ofWriter, pair, ofWaiter);
                Optional<Proof> proof = LinkRules.shortCircuit(ofWriter, ofWaiter);
                for (Reached end : List.of(waiting, writing)) {
                    assertThat(end.state().agreed().orElseThrow().reasons())
                            .contains(ofWriter.reason())
                            .contains(ofWaiter.reason());
                }
                if (proof.isPresent()) {
                    connected++;
                    for (Reached end : List.of(waiting, writing)) {
                        assertThat(end.state())
                                .isInstanceOfSatisfying(
                                        LinkState.Connected.class,
                                        link -> assertThat(link.proof()).isEqualTo(proof.get()));
                        assertThat(end.writes()).isFalse();
                    }
                } else {
                    exchanging++;
                    assertThat(waiting.state().name()).isEqualTo(LinkState.Name.WAITING_WARMUP_TRANSFER);
                    assertThat(waiting.writes()).isTrue();
                    assertThat(writing.state().name()).isEqualTo(LinkState.Name.WAITING_PEER_WARMUP);
                }
            }
        }
        assertThat(connected).isEqualTo(PROOFS.size());
        assertThat(exchanging).isEqualTo(64 - PROOFS.size());
    }

    private static Reached waiter(WarmupAnswer ofWriter, WarmupAnswer ofWaiter) {
        return Reached.after(
                LinkFixture.waiterSetup(1),
                new LinkEvent.OpenReceived(
                        open(1, 1, 1, WRITER_NONCE, ofWriter), DIALABLE, generation(0, 1), WAITER_NONCE),
                new LinkEvent.PolicyAnswered(LinkFixture.writer(1), 1, ofWaiter));
    }

    private static Reached writer(WarmupAnswer ofWriter, PairId pair, WarmupAnswer ofWaiter) {
        return Reached.after(
                LinkFixture.writerSetup(1),
                new LinkEvent.HandlePublished(entry(LinkFixture.waiter(1), 0), DIALABLE),
                new LinkEvent.ChannelReady(1, generation(1, 1), WRITER_NONCE),
                new LinkEvent.PolicyAnswered(LinkFixture.waiter(1), 1, ofWriter),
                new LinkEvent.AcceptReceived(accept(pair, ofWaiter), generation(1, 1)));
    }
}
