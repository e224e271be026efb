// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.peer.StateSpace.Outcome;
import io.muster.peer.TwoLinkWorld.Bounds;
import io.muster.peer.TwoLinkWorld.Rules;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Exhaustive walks of two links over a channel that loses, repeats and reorders. During faults no invariant is broken
 * in any history. Once they stop, "both CONNECTED on the same pair, permanently" can be reached from every state.
 *
 * <p>Wider bounds, about two minutes and 3 GB: {@code mvn test -Dtest=TwoLinkMachinesWalkTest
 * -Dmuster.walk.large=true}. More messages in flight during faults, half as long: {@code -Dmuster.walk.inFlight=6
 * -Dmuster.walk.limit=4000000}.
 */
@Timeout(300)
final class TwoLinkMachinesWalkTest {
    private static final int LIMIT = Integer.getInteger("muster.walk.limit", 2_000_000);

    static Stream<Arguments> everyBound() {
        return Stream.of(
                Arguments.of("two attempts, a report", Bounds.of(2, 0, 1, 0)),
                Arguments.of("two attempts, a lost channel", Bounds.of(2, 1, 0, 0)),
                Arguments.of("a lost channel, a report", Bounds.of(1, 1, 1, 0)),
                Arguments.of("a withdrawal, a report", Bounds.of(1, 0, 1, 1)),
                Arguments.of("a lost channel, a withdrawal", Bounds.of(1, 1, 0, 1)),
                Arguments.of("the writer crashes", Bounds.of(1, 0, 0, 0).crashes(1, 0)),
                Arguments.of(
                        "the waiter crashes, a withdrawal",
                        Bounds.of(1, 0, 0, 1).crashes(0, 1)),
                Arguments.of("the waiter crashes", Bounds.of(2, 0, 0, 0).crashes(0, 1)),
                Arguments.of(
                        "the waiter crashes, a report", Bounds.of(1, 0, 1, 0).crashes(0, 1)),
                Arguments.of(
                        "the writer begins a new life in its process",
                        Bounds.of(1, 0, 0, 0).moves(1, 0)),
                Arguments.of(
                        "the waiter begins a new life in its process",
                        Bounds.of(2, 0, 0, 0).moves(0, 1)),
                Arguments.of(
                        "the waiter begins a new life in its process, a report",
                        Bounds.of(1, 0, 1, 0).moves(0, 1)),
                Arguments.of(
                        "short-circuited, two attempts, a lost channel, a report",
                        Bounds.of(2, 1, 1, 0).answers(LinkFixture.FABRIC, LinkFixture.FABRIC)),
                Arguments.of(
                        "short-circuited, the writer crashes",
                        Bounds.of(1, 0, 0, 0).crashes(1, 0).answers(LinkFixture.FABRIC, LinkFixture.FABRIC)),
                Arguments.of(
                        "imported on one side only",
                        Bounds.of(1, 0, 1, 0).answers(LinkFixture.FABRIC, LinkFixture.NO_IMPORT)));
    }

    static Stream<Arguments> everyLargeBound() {
        return Stream.of(
                Arguments.of("two attempts, a report, a withdrawal", Bounds.of(2, 0, 1, 1)),
                Arguments.of("two attempts, a lost channel, a report", Bounds.of(2, 1, 1, 0)),
                Arguments.of("a lost channel, a report, a withdrawal", Bounds.of(1, 1, 1, 1)),
                Arguments.of("both crash", Bounds.of(1, 0, 0, 0).crashes(1, 1)),
                Arguments.of(
                        "both begin a new life in their process",
                        Bounds.of(1, 0, 0, 0).moves(1, 1)),
                Arguments.of(
                        "the writer crashes, a report", Bounds.of(1, 0, 1, 0).crashes(1, 0)),
                Arguments.of(
                        "short-circuited, two attempts, both crash",
                        Bounds.of(2, 0, 0, 0).crashes(1, 1).answers(LinkFixture.FABRIC, LinkFixture.FABRIC)));
    }

    // P-1 P-3 P-4 P-15 P-16 P-17 W-1 W-4
    @ParameterizedTest(name = "{0}")
    @MethodSource("everyBound")
    void agreeAgainOnceFaultsStop(String name, Bounds bounds) {
        Outcome outcome = walk(LinkMachine::transition, bounds, LIMIT);
        System.out.println("two links, " + name + ": " + outcome);
        assertThat(outcome.isGood()).as(name + ": " + outcome).isTrue();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("everyLargeBound")
    @EnabledIfSystemProperty(named = "muster.walk.large", matches = "true")
    @Timeout(1_200)
    void agreeAgainOnceFaultsStopInWiderBounds(String name, Bounds bounds) {
        Outcome outcome = walk(LinkMachine::transition, bounds, 10 * LIMIT);
        System.out.println("two links, " + name + ": " + outcome);
        assertThat(outcome.isGood()).as(name + ": " + outcome).isTrue();
    }

    /** The two generals: after a report and a lost close, one end would stay CONNECTED alone. */
    @Test
    void wouldStickWithoutTheListOfHeldPairs() {
        Outcome outcome = walk(LinkMachine::transition, Bounds.of(1, 0, 1, 0).withoutPairLists(), LIMIT);
        assertThat(outcome.stuck()).as(outcome.toString()).isPositive();
    }

    @Test
    void wouldStickIfAConnectedWaiterIgnoredAHigherAttempt() {
        Rules deaf =
                (setup, state, event) -> state instanceof LinkState.Connected && event instanceof LinkEvent.OpenReceived
                        ? LinkRules.stay(state)
                        : LinkMachine.transition(setup, state, event);
        Bounds bounds = Bounds.of(1, 0, 0, 0)
                .answers(LinkFixture.FABRIC, LinkFixture.FABRIC)
                .withoutPairLists();
        assertThat(walk(deaf, bounds, LIMIT).isGood()).isFalse();
        Outcome outcome = walk(LinkMachine::transition, bounds, LIMIT);
        assertThat(outcome.isGood()).as(outcome.toString()).isTrue();
    }

    @Test
    void wouldPostTwoWritesIfAPendingOneWereForgotten() {
        Rules forgetful = (setup, state, event) -> {
            Step step = LinkMachine.transition(setup, state, event);
            History old = step.next().history();
            return new Step(
                    step.next()
                            .withHistory(new History(
                                    old.target(),
                                    old.newest(),
                                    old.over(),
                                    old.attempt(),
                                    old.failures(),
                                    old.trouble(),
                                    List.of())),
                    step.effects(),
                    step.reason());
        };
        assertThat(walk(forgetful, Bounds.of(2, 0, 0, 0), LIMIT).violation()).contains("two writes");
    }

    @Test
    void wouldAcceptAnOldAttemptsWriteWithoutComparingValues() {
        Rules trusting = (setup, state, event) -> LinkMachine.transition(
                setup,
                state,
                event instanceof LinkEvent.SlotWritten
                                && state instanceof LinkState.WaitingWarmupTransfer(var _, Session session)
                        ? new LinkEvent.SlotWritten(session.writerValue())
                        : event);
        assertThat(walk(trusting, Bounds.of(2, 0, 0, 0), LIMIT).violation()).contains("proof=warmup");
    }

    @Test
    void wouldAnswerAnOldAttemptsWriteWithoutComparingValues() {
        Rules trusting = (setup, state, event) -> LinkMachine.transition(
                setup,
                state,
                event instanceof LinkEvent.SlotWritten
                                && state instanceof LinkState.WaitingPeerWarmup(var _, Session session, var _)
                        ? new LinkEvent.SlotWritten(session.waiterValue())
                        : event);
        assertThat(walk(trusting, Bounds.of(2, 0, 0, 0), LIMIT).violation()).contains("WriteSlot");
    }

    /** The waiter's value comes over another connection than its accept. */
    @Test
    void wouldLoseAttemptsIfAValueBeforeTheAcceptWereForgotten() {
        Rules forgetful = (setup, state, event) ->
                event instanceof LinkEvent.SlotWritten && state instanceof LinkState.OpeningSegment
                        ? LinkRules.stay(state)
                        : LinkMachine.transition(setup, state, event);
        Outcome outcome = walk(forgetful, Bounds.of(1, 0, 0, 0), LIMIT);
        assertThat(outcome.isGood()).as(outcome.toString()).isFalse();
    }

    @Test
    void wouldConnectToALifeThatIsOverIfALeaveWereIgnored() {
        Rules deaf = (setup, state, event) -> {
            Step step = LinkMachine.transition(setup, state, event);
            return event instanceof LinkEvent.PeerLeft
                            && state.agreed().isPresent()
                            && !step.next().equals(state)
                    ? new Step(state.withHistory(step.next().history()), List.of(), "")
                    : step;
        };
        assertThat(walk(deaf, Bounds.of(1, 0, 0, 0).moves(1, 0), LIMIT).violation())
                .contains("over or stale");
    }

    private static Outcome walk(Rules rules, Bounds bounds, int limit) {
        return new StateSpace(new TwoLinkWorld(rules, bounds), limit).explore();
    }
}
