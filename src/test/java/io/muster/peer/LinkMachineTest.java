// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.DIALABLE;
import static io.muster.peer.LinkFixture.EXCHANGE;
import static io.muster.peer.LinkFixture.FABRIC;
import static io.muster.peer.LinkFixture.GROUP;
import static io.muster.peer.LinkFixture.accept;
import static io.muster.peer.LinkFixture.entry;
import static io.muster.peer.LinkFixture.generation;
import static io.muster.peer.LinkFixture.open;
import static io.muster.peer.LinkFixture.waiter;
import static io.muster.peer.LinkFixture.writer;
import static io.muster.peer.LinkState.Name.BACKING_OFF;
import static io.muster.peer.LinkState.Name.CONNECTED;
import static io.muster.peer.LinkState.Name.EXPIRED;
import static io.muster.peer.LinkState.Name.EXPIRING;
import static io.muster.peer.LinkState.Name.OPENING_SEGMENT;
import static io.muster.peer.LinkState.Name.REFUSED;
import static io.muster.peer.LinkState.Name.WAITING_PEER_WARMUP;
import static io.muster.peer.LinkState.Name.WAITING_STORE;
import static io.muster.peer.LinkState.Name.WAITING_WARMUP_TRANSFER;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkEvent.Reach;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LinkMachineTest {
    private static final ChannelGeneration W1 = generation(1, 1);
    private static final ChannelGeneration W2 = generation(1, 2);
    private static final ChannelGeneration P1 = generation(0, 1);
    private static final ChannelGeneration P2 = generation(0, 2);

    /** One link and its last step. */
    private static final class Link {
        private final LinkSetup setup;
        private LinkState state = LinkMachine.initial();
        private List<LinkEffect> effects = List.of();

        private Link(LinkSetup setup) {
            this.setup = setup;
        }

        Link on(LinkEvent... events) {
            for (LinkEvent event : events) {
                Step step = LinkMachine.transition(setup, state, event);
                state = step.next();
                effects = step.effects();
            }
            return this;
        }

        LinkState.Name name() {
            return state.name();
        }

        Session session() {
            return state.agreed().orElseThrow();
        }

        <T extends LinkEffect> T only(Class<T> type) {
            return effects.stream()
                    .filter(type::isInstance)
                    .map(type::cast)
                    .reduce((_, _) -> {
                        throw new AssertionError("more than one " + type + " in " + effects);
                    })
                    .orElseThrow(() -> new AssertionError("no " + type + " in " + effects));
        }

        boolean did(Class<? extends LinkEffect> type) {
            return effects.stream().anyMatch(type::isInstance);
        }
    }

    private static LinkEvent published(Member member) {
        return new LinkEvent.HandlePublished(entry(member, 0), DIALABLE);
    }

    private static PairId pair(int attempt, long writerNonce, long waiterNonce) {
        return new PairId(writer(1), waiter(1), attempt, writerNonce, waiterNonce);
    }

    private static Link awaitingAccept(WarmupAnswer answer) {
        return new Link(LinkFixture.writerSetup(1))
                .on(
                        published(waiter(1)),
                        new LinkEvent.ChannelReady(1, W1, 70),
                        new LinkEvent.PolicyAnswered(waiter(1), 1, answer));
    }

    private static LinkEvent accepted(PairId pair, WarmupAnswer answer) {
        return new LinkEvent.AcceptReceived(accept(pair, answer), W1);
    }

    private static Link acceptedWriter() {
        return awaitingAccept(EXCHANGE).on(accepted(pair(1, 70, 90), EXCHANGE));
    }

    private static Link writingBack() {
        Link link = acceptedWriter();
        return link.on(new LinkEvent.SlotWritten(link.session().waiterValue()));
    }

    private static Link connectedWriter() {
        Link link = writingBack();
        return link.on(new LinkEvent.WriteApplied(link.session().pairId()));
    }

    private static LinkEvent opened(int life, int attempt, long nonce, WarmupAnswer answer) {
        return new LinkEvent.OpenReceived(open(life, 1, attempt, nonce, answer), DIALABLE, P1, 80 + attempt);
    }

    private static Link acceptedWaiter() {
        return new Link(LinkFixture.waiterSetup(1))
                .on(opened(1, 1, 70, EXCHANGE), new LinkEvent.PolicyAnswered(writer(1), 1, EXCHANGE));
    }

    private static Link connectedWaiter() {
        Link link = acceptedWaiter();
        return link.on(
                new LinkEvent.WriteApplied(link.session().pairId()),
                new LinkEvent.SlotWritten(link.session().writerValue()));
    }

    // ---- roles

    @Test // P-2
    void theHigherRankDialsAndTheLowerOneWaits() {
        assertThat(new Link(LinkFixture.writerSetup(1))
                        .on(published(waiter(1)))
                        .only(LinkEffect.Dial.class)
                        .attempt())
                .isEqualTo(1);
        Link waiter = new Link(LinkFixture.waiterSetup(1)).on(published(writer(1)));
        assertThat(waiter.name()).isEqualTo(OPENING_SEGMENT);
        assertThat(waiter.did(LinkEffect.Dial.class)).isFalse();
    }

    @Test // P-2
    void aRankConnectsToItselfWithoutHelpAndTriesAgainIfItFails() {
        Link self = new Link(new LinkSetup(GROUP, 1, waiter(1), 0, LinkTiming.DEFAULT)).on(new LinkEvent.Started());
        assertThat(self.on(new LinkEvent.DialFailed(1, "no seat yet")).name()).isEqualTo(BACKING_OFF);
        self.on(new LinkEvent.TimerFired(Timer.BACKOFF, 1), new LinkEvent.LocalReady(2, waiter(1)));
        assertThat(self.state)
                .isInstanceOfSatisfying(
                        LinkState.Connected.class, c -> assertThat(c.proof()).isEqualTo(Proof.LOCAL));
    }

    @Test
    void openingWithinAProcessHasADeadline() {
        Link local = new Link(LinkFixture.waiterSetup(1))
                .on(new LinkEvent.HandlePublished(entry(writer(1), 0), new Reach.SameProcess()));
        assertThat(local.only(LinkEffect.StartTimer.class).timer()).isEqualTo(Timer.OPEN);
        assertThat(local.on(new LinkEvent.TimerFired(Timer.OPEN, 1)).name()).isEqualTo(BACKING_OFF);
    }

    @Test // P-16
    void onlyTheWriterRetries() {
        assertThat(acceptedWriter()
                        .on(new LinkEvent.TimerFired(Timer.WARMUP, 1))
                        .name())
                .isEqualTo(BACKING_OFF);
        assertThat(writingBack().on(new LinkEvent.TimerFired(Timer.WARMUP, 1)).name())
                .isEqualTo(BACKING_OFF);
        assertThat(acceptedWaiter()
                        .on(new LinkEvent.TimerFired(Timer.WARMUP, 1))
                        .name())
                .isEqualTo(OPENING_SEGMENT);
    }

    @Test // PROTOCOL 4: the writer closes first
    void theWaitersDeadlineIsTwiceTheWriters() {
        assertThat(acceptedWaiter().only(LinkEffect.StartTimer.class).delayMs())
                .isEqualTo(
                        2 * acceptedWriter().only(LinkEffect.StartTimer.class).delayMs());
    }

    @Test // P-8
    void aWriterRefusesALinkOpenFromTheOtherSide() {
        Link link =
                awaitingAccept(EXCHANGE).on(new LinkEvent.OpenReceived(open(1, 1, 1, 5, EXCHANGE), DIALABLE, W1, 6));
        assertThat(link.only(LinkEffect.SendRefuse.class).refuse().code()).isEqualTo(LinkMessage.Refuse.Code.FINAL);
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    // ---- the handshake

    @Test // P-3 P-4 P-5
    void bothAreConnectedWhenBothDirectionsCarriedTheRightValues() {
        Link waiter = acceptedWaiter();
        assertThat(waiter.only(LinkEffect.WriteSlot.class).value())
                .isEqualTo(waiter.session().waiterValue());
        waiter.on(new LinkEvent.WriteApplied(waiter.session().pairId()));
        assertThat(waiter.name()).as("not before the writer has written").isEqualTo(WAITING_WARMUP_TRANSFER);
        assertThat(waiter.on(new LinkEvent.SlotWritten(waiter.session().writerValue()))
                        .name())
                .isEqualTo(CONNECTED);
        Link writer = acceptedWriter();
        assertThat(writer.did(LinkEffect.WriteSlot.class))
                .as("not before the waiter's value is here")
                .isFalse();
        writer.on(new LinkEvent.SlotWritten(writer.session().waiterValue()));
        assertThat(writer.only(LinkEffect.WriteSlot.class).value())
                .isEqualTo(writer.session().writerValue());
        assertThat(writer.name()).as("not before its write is applied").isEqualTo(WAITING_PEER_WARMUP);
        assertThat(writer.on(new LinkEvent.WriteApplied(writer.session().pairId()))
                        .name())
                .isEqualTo(CONNECTED);
    }

    @Test // P-3 P-4: they come over two connections
    void theWaitersValueMayArriveBeforeItsAccept() {
        long value = acceptedWriter().session().waiterValue();
        Link early = awaitingAccept(EXCHANGE).on(new LinkEvent.SlotWritten(4711), new LinkEvent.SlotWritten(value));
        assertThat(early.name()).isEqualTo(OPENING_SEGMENT);
        early.on(accepted(pair(1, 70, 90), EXCHANGE));
        assertThat(early.only(LinkEffect.WriteSlot.class).value())
                .isEqualTo(early.session().writerValue());
        Link other = awaitingAccept(EXCHANGE).on(new LinkEvent.SlotWritten(4711), accepted(pair(1, 70, 90), EXCHANGE));
        assertThat(other.did(LinkEffect.WriteSlot.class))
                .as("another value is no proof")
                .isFalse();
        assertThat(other.on(new LinkEvent.SlotWritten(value)).did(LinkEffect.WriteSlot.class))
                .isTrue();
    }

    @Test // P-4
    void aValueOfAnEarlierAttemptOrLifeProvesNothing() {
        Link writer = acceptedWriter();
        long earlier = new Session(
                        writer(1), waiter(1), 1, W1, 69, 90, writer.session().peerSlot(), EXCHANGE, EXCHANGE)
                .waiterValue();
        long otherLife = new Session(
                        writer(1), waiter(2), 1, W1, 70, 90, writer.session().peerSlot(), EXCHANGE, EXCHANGE)
                .waiterValue();
        assertThat(writer.on(
                                new LinkEvent.SlotWritten(earlier),
                                new LinkEvent.SlotWritten(otherLife),
                                new LinkEvent.SlotWritten(0),
                                new LinkEvent.SlotWritten(writer.session().writerValue()))
                        .did(LinkEffect.WriteSlot.class))
                .isFalse();
        Link waiter = acceptedWaiter();
        assertThat(waiter.on(
                                new LinkEvent.SlotWritten(earlier),
                                new LinkEvent.SlotWritten(0),
                                new LinkEvent.SlotWritten(waiter.session().waiterValue()))
                        .name())
                .isEqualTo(WAITING_WARMUP_TRANSFER);
    }

    @Test // P-3
    void oneBrokenDirectionConnectsNeither() {
        assertThat(acceptedWriter()
                        .on(new LinkEvent.WriteApplied(pair(1, 70, 90)))
                        .name())
                .isEqualTo(WAITING_PEER_WARMUP);
        assertThat(acceptedWaiter()
                        .on(new LinkEvent.WriteApplied(pair(1, 70, 81)))
                        .name())
                .isEqualTo(WAITING_WARMUP_TRANSFER);
        assertThat(acceptedWaiter()
                        .on(new LinkEvent.WriteFailed(pair(1, 70, 81), "out of bounds"))
                        .did(LinkEffect.SendClose.class))
                .isTrue();
        assertThat(writingBack()
                        .on(new LinkEvent.WriteFailed(pair(1, 70, 90), "out of bounds"))
                        .did(LinkEffect.SendClose.class))
                .isTrue();
    }

    @Test // P-16
    void anEarlyLinkOpenIsServedBeforeTheStoresPush() {
        assertThat(new Link(LinkFixture.waiterSetup(1))
                        .on(opened(1, 1, 70, EXCHANGE))
                        .only(LinkEffect.AskPolicy.class)
                        .peer()
                        .member())
                .isEqualTo(writer(1));
    }

    @Test // PROTOCOL 4: lower ignored, equal repeated, higher starts anew
    void answersALinkOpenByItsAttempt() {
        Link link = connectedWaiter();
        Session session = link.session();
        link.on(opened(1, 1, 70, EXCHANGE));
        assertThat(link.only(LinkEffect.SendAccept.class)).isEqualTo(new LinkEffect.SendAccept(session, true));
        assertThat(link.on(opened(1, 0, 60, EXCHANGE)).effects).isEmpty();
        assertThat(link.name()).isEqualTo(CONNECTED);
        assertThat(link.on(opened(1, 2, 71, EXCHANGE)).name())
                .as("CONNECTED included")
                .isEqualTo(OPENING_SEGMENT);
    }

    @Test // B-3: the store removes a process that was stopped or is in the other part of a split
    void aWithdrawalAddsToWhatWasSeenOnThePath() {
        LinkEvent lost = new LinkEvent.ChannelLost(
                W1, new LossEvidence(LossEvidence.Kind.SILENCE, "nothing received for 3000 ms"));
        LinkEvent gone = new LinkEvent.HandleWithdrawn(waiter(1), "its entry vanished");
        assertThat(connectedWriter().on(lost, gone, gone).state.history().trouble())
                .isEqualTo(new History.Trouble(
                        History.Phase.LOST, "SILENCE: nothing received for 3000 ms; its entry vanished"));
        assertThat(new Link(LinkFixture.writerSetup(1))
                        .on(published(waiter(1)), gone)
                        .state
                        .history()
                        .trouble())
                .isEqualTo(new History.Trouble(History.Phase.VANISHED, "its entry vanished"));
    }

    @Test // P-9
    void aLossThatOnlyThePeerNoticedHasAPhaseOfItsOwn() {
        for (LossEvidence evidence : List.of(
                new LossEvidence(LossEvidence.Kind.UNHEARD, "ended by the peer"),
                LossEvidence.replaced(LossEvidence.Reason.LATER_HELLO))) {
            assertThat(connectedWriter()
                            .on(new LinkEvent.ChannelLost(W1, evidence))
                            .state
                            .history()
                            .trouble())
                    .isEqualTo(new History.Trouble(History.Phase.UNHEARD, evidence.kind() + ": " + evidence.detail()));
        }
    }

    @Test // P-9: a rank that wakes from a blocked thread finds the link opened again by the same life
    void onlyANewerLifeIsCalledRestarted() {
        assertThat(causeOf(connectedWaiter(), opened(1, 2, 71, EXCHANGE))).isEqualTo("REOPENED");
        assertThat(causeOf(connectedWaiter(), opened(2, 1, 71, EXCHANGE))).isEqualTo("RESTARTED");
        assertThat(causeOf(connectedWaiter(), published(writer(2)))).isEqualTo("RESTARTED");
        assertThat(causeOf(connectedWriter(), published(waiter(2)))).isEqualTo("RESTARTED");
        assertThat(causeOf(connectedWriter(), new LinkEvent.PairNotHeld(pair(1, 70, 90))))
                .isEqualTo("NOT_HELD");
        assertThat(causeOf(
                        connectedWriter(),
                        new LinkEvent.ChannelLost(W1, LossEvidence.replaced(LossEvidence.Reason.LATER_HELLO))))
                .isEqualTo("REOPENED");
        assertThat(causeOf(
                        connectedWriter(),
                        new LinkEvent.ChannelLost(W1, LossEvidence.replaced(LossEvidence.Reason.OTHER_CHANNEL))))
                .isEqualTo("REPLACED");
    }

    private static String causeOf(Link link, LinkEvent event) {
        LinkState before = link.state;
        return LinkChange.cause(before, event, link.on(event).state);
    }

    @Test // PROTOCOL 4: "while that attempt lives, else ignored"
    void ignoresARepeatedLinkOpenOfAnAttemptThatIsOver() {
        Link link = acceptedWaiter().on(new LinkEvent.TimerFired(Timer.WARMUP, 1), opened(1, 1, 70, EXCHANGE));
        assertThat(link.effects).isEmpty();
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    @Test // PROTOCOL 4
    void leavingConnectedSendsLinkCloseWithBothNonces() {
        Link writer = connectedWriter().on(new LinkEvent.Reported(waiter(1), "slow"));
        assertThat(writer.only(LinkEffect.SendClose.class).session().pairId()).isEqualTo(pair(1, 70, 90));
        Link waiter = connectedWaiter().on(new LinkEvent.Reported(writer(1), "slow"));
        assertThat(waiter.only(LinkEffect.SendClose.class).session().pairId()).isEqualTo(pair(1, 70, 81));
    }

    @Test // P-17
    void aCloseOrAListWithoutThePairEndsOnlyThatPair() {
        LinkEvent other = new LinkEvent.CloseReceived(new LinkMessage.Close(GROUP, 0, 1, pair(1, 70, 91), "late"));
        assertThat(connectedWriter()
                        .on(other, new LinkEvent.PairNotHeld(pair(1, 69, 90)))
                        .name())
                .isEqualTo(CONNECTED);
        assertThat(connectedWriter()
                        .on(new LinkEvent.PairNotHeld(pair(1, 70, 90)))
                        .name())
                .isEqualTo(BACKING_OFF);
        assertThat(connectedWriter()
                        .on(new LinkEvent.CloseReceived(new LinkMessage.Close(GROUP, 0, 1, pair(1, 70, 90), "timeout")))
                        .name())
                .isEqualTo(BACKING_OFF);
    }

    @Test // PROTOCOL 4: attempt k + 1 writes only after attempt k's write is terminal or its channel is dead
    void postsNoSecondWriteWhileOneIsUnderWay() {
        Link link = writingBack()
                .on(
                        new LinkEvent.TimerFired(Timer.WARMUP, 1),
                        new LinkEvent.TimerFired(Timer.BACKOFF, 1),
                        new LinkEvent.ChannelReady(2, W1, 71),
                        new LinkEvent.PolicyAnswered(waiter(1), 2, EXCHANGE),
                        accepted(pair(2, 71, 92), EXCHANGE));
        assertThat(link.did(LinkEffect.WriteSlot.class)).isFalse();
        assertThat(link.name()).isEqualTo(BACKING_OFF);
        link.on(
                new LinkEvent.WriteFailed(pair(1, 70, 90), "timeout"),
                new LinkEvent.TimerFired(Timer.BACKOFF, 2),
                new LinkEvent.ChannelReady(3, W1, 72),
                new LinkEvent.PolicyAnswered(waiter(1), 3, EXCHANGE),
                accepted(pair(3, 72, 93), EXCHANGE));
        link.on(new LinkEvent.SlotWritten(link.session().waiterValue()));
        assertThat(link.did(LinkEffect.WriteSlot.class)).isTrue();
    }

    @Test
    void remembersTheRunningWritesOfAllChannels() {
        Link link = new Link(LinkFixture.waiterSetup(1));
        for (int attempt = 1; attempt <= 3; attempt++) {
            var channel = attempt == 2 ? P2 : P1;
            link.on(
                    new LinkEvent.OpenReceived(
                            open(1, 1, attempt, 70 + attempt, EXCHANGE), DIALABLE, channel, 90 + attempt),
                    new LinkEvent.PolicyAnswered(writer(1), attempt, EXCHANGE));
        }
        assertThat(link.did(LinkEffect.WriteSlot.class))
                .as("the first channel's write is still under way")
                .isFalse();
        assertThat(link.only(LinkEffect.SendRefuse.class).refuse().code())
                .as("the writer tries again")
                .isEqualTo(LinkMessage.Refuse.Code.STALLED);
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    @Test // PROTOCOL 4: unknown life: retry later, the answer carries the current member
    void answersALinkOpenForAnotherLifeWithTheCurrentOne() {
        Link link = new Link(LinkFixture.waiterSetup(2)).on(opened(1, 1, 70, EXCHANGE));
        var refuse = link.only(LinkEffect.SendRefuse.class).refuse();
        assertThat(refuse.code()).isEqualTo(LinkMessage.Refuse.Code.RETRY);
        assertThat(refuse.current()).isEqualTo(waiter(2));
        Link writer = awaitingAccept(EXCHANGE).on(new LinkEvent.RefuseReceived(refuse));
        assertThat(writer.name()).isEqualTo(WAITING_STORE);
        assertThat(writer.state.history().newest()).isEqualTo(waiter(2));
        assertThat(writer.on(published(waiter(1))).name()).as("stale").isEqualTo(WAITING_STORE);
    }

    @Test // P-1 P-6
    void aRetryRefusalBacksOffAndAFinalOneIsShownAndProbed() {
        assertThat(awaitingAccept(EXCHANGE)
                        .on(refused(LinkMessage.Refuse.Code.RETRY))
                        .name())
                .isEqualTo(BACKING_OFF);
        assertThat(awaitingAccept(EXCHANGE)
                        .on(refused(LinkMessage.Refuse.Code.RETRY))
                        .state
                        .history()
                        .trouble())
                .isEqualTo(new History.Trouble(History.Phase.REFUSED, "no"));
        Link stalled = awaitingAccept(EXCHANGE).on(refused(LinkMessage.Refuse.Code.STALLED));
        assertThat(stalled.name()).isEqualTo(BACKING_OFF);
        assertThat(stalled.state.history().trouble())
                .as("what stalls is the path")
                .isEqualTo(new History.Trouble(History.Phase.WARMUP, "no"));
        Link refused = awaitingAccept(EXCHANGE).on(refused(LinkMessage.Refuse.Code.FINAL));
        assertThat(refused.name()).isEqualTo(REFUSED);
        assertThat(refused.only(LinkEffect.StartTimer.class).timer()).isEqualTo(Timer.PROBE);
        assertThat(refused.on(new LinkEvent.TimerFired(Timer.PROBE, 1))
                        .only(LinkEffect.Dial.class)
                        .attempt())
                .isEqualTo(2);
    }

    @Test // P-4
    void theSameValueAgainChangesNothingWhileItIsWrittenBack() {
        Link link = writingBack();
        LinkState before = link.state;
        assertThat(link.on(new LinkEvent.SlotWritten(link.session().waiterValue())).state)
                .isEqualTo(before);
        assertThat(link.effects).isEmpty();
    }

    @Test
    void ignoresARefusalForAnotherLifeOfThisRank() {
        Link link = awaitingAccept(EXCHANGE)
                .on(new LinkEvent.RefuseReceived(
                        new LinkMessage.Refuse(GROUP, writer(2), 0, 1, LinkMessage.Refuse.Code.FINAL, "no", null)));
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    private static LinkEvent refused(LinkMessage.Refuse.Code code) {
        return new LinkEvent.RefuseReceived(new LinkMessage.Refuse(GROUP, writer(1), 0, 1, code, "no", null));
    }

    @Test // P-10: the writer may not know this rank yet; only a dial shows why its link-open is missing
    void aMissingLinkOpenIsBlamedOnThePathOnlyAfterADial() {
        Link link =
                new Link(LinkFixture.waiterSetup(1)).on(published(writer(1)), new LinkEvent.TimerFired(Timer.OPEN, 0));
        assertThat(link.state.history().trouble())
                .isEqualTo(new History.Trouble(
                        History.Phase.NO_OPEN, "published, but its link-open has not come for 10000 ms"));
        assertThat(link.only(LinkEffect.Dial.class).attempt()).isZero();
        link.on(new LinkEvent.DialFailed(0, "refused"));
        assertThat(link.state.history().trouble())
                .isEqualTo(new History.Trouble(History.Phase.DIAL, "no link-open has come, and from here: refused"));
    }

    @Test // P-6
    void backsOffForLongerWithEachFailureInARow() {
        Link link =
                new Link(LinkFixture.writerSetup(1)).on(published(waiter(1)), new LinkEvent.DialFailed(1, "refused"));
        assertThat(link.only(LinkEffect.StartTimer.class).delayMs()).isEqualTo(8);
        link.on(new LinkEvent.TimerFired(Timer.BACKOFF, 1), new LinkEvent.DialFailed(2, "refused"));
        assertThat(link.only(LinkEffect.StartTimer.class).delayMs()).isEqualTo(16);
        assertThat(link.state.history().trouble()).isEqualTo(new History.Trouble(History.Phase.DIAL, "refused"));
    }

    @Test // P-10
    void troubleWithALifeIsNotKeptForTheNext() {
        Link link = new Link(LinkFixture.writerSetup(1))
                .on(published(waiter(1)), new LinkEvent.DialFailed(1, "refused"), published(waiter(1)));
        assertThat(link.state.history().trouble()).as("of the same life").isNotNull();
        assertThat(link.on(published(waiter(2))).state.history().trouble())
                .as("of the next life")
                .isNull();
    }

    @Test // P-10
    void troubleWithAnEntryEndsWithTheNextEntry() {
        Link link = new Link(LinkFixture.writerSetup(1))
                .on(published(waiter(1)), new LinkEvent.HandleWithdrawn(waiter(1), "vanished"));
        assertThat(link.state.history().trouble()).isEqualTo(new History.Trouble(History.Phase.VANISHED, "vanished"));
        assertThat(link.on(published(waiter(1))).state.history().trouble()).isNull();
    }

    @Test // P-6
    void aLateFailureOfAttemptOneDoesNotHitAttemptTwo() {
        Link link = new Link(LinkFixture.writerSetup(1))
                .on(
                        published(waiter(1)),
                        new LinkEvent.TimerFired(Timer.OPEN, 1),
                        new LinkEvent.TimerFired(Timer.BACKOFF, 1),
                        new LinkEvent.DialFailed(1, "late"));
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    // ---- lives

    @Test // P-15
    void anOutcomeOfAnEarlierLifeDoesNotCountForALaterOne() {
        Link link = acceptedWaiter();
        Session old = link.session();
        link.on(
                new LinkEvent.OpenReceived(open(2, 1, 1, 70, EXCHANGE), DIALABLE, P2, 91),
                new LinkEvent.PolicyAnswered(writer(1), 1, FABRIC));
        assertThat(link.name()).as("the policy's answer for the older life").isEqualTo(OPENING_SEGMENT);
        link.on(new LinkEvent.PolicyAnswered(writer(2), 1, EXCHANGE));
        link.on(
                new LinkEvent.WriteFailed(old.pairId(), "its channel has ended"),
                new LinkEvent.SlotWritten(old.writerValue()));
        assertThat(link.name()).as("the writes of the older life").isEqualTo(WAITING_WARMUP_TRANSFER);
        assertThat(link.on(new LinkEvent.SlotWritten(link.session().writerValue()))
                        .name())
                .isEqualTo(CONNECTED);
    }

    @Test // P-15
    void theWritersOutcomeOfAnEarlierLifeDoesNotCountForALaterOne() {
        Link link = writingBack()
                .on(
                        published(waiter(2)),
                        new LinkEvent.ChannelReady(2, W2, 71),
                        new LinkEvent.PolicyAnswered(waiter(2), 2, EXCHANGE),
                        new LinkEvent.AcceptReceived(
                                accept(new PairId(writer(1), waiter(2), 2, 71, 91), EXCHANGE), W2));
        link.on(new LinkEvent.SlotWritten(link.session().waiterValue()), new LinkEvent.WriteApplied(pair(1, 70, 90)));
        assertThat(link.name()).isEqualTo(WAITING_PEER_WARMUP);
        assertThat(link.on(new LinkEvent.WriteApplied(link.session().pairId())).name())
                .isEqualTo(CONNECTED);
    }

    @Test // P-15
    void theWritersAttemptsGoOnAcrossThePeersLives() {
        Link link = new Link(LinkFixture.writerSetup(1)).on(published(waiter(1)), published(waiter(2)));
        assertThat(link.only(LinkEffect.Dial.class).attempt()).isEqualTo(2);
        assertThat(link.on(new LinkEvent.ChannelReady(1, W1, 70)).effects)
                .as("the older life's channel")
                .isEmpty();
    }

    @Test // P-15 R-7
    void aNewerLifeEndsConnectedAndNotifiesTheOlderOne() {
        Link byStore = connectedWriter().on(published(waiter(2)));
        assertThat(byStore.name()).isEqualTo(OPENING_SEGMENT);
        assertThat(byStore.only(LinkEffect.SendClose.class).session().waiter()).isEqualTo(waiter(1));
        Link byOpen = connectedWaiter().on(new LinkEvent.OpenReceived(open(2, 1, 1, 70, EXCHANGE), DIALABLE, P2, 91));
        assertThat(byOpen.only(LinkEffect.SendClose.class).session().writer()).isEqualTo(writer(1));
    }

    @Test
    void anOlderLifeNeverReplacesANewerOne() {
        Link link = new Link(LinkFixture.waiterSetup(1)).on(published(writer(2)), published(writer(1)));
        assertThat(link.state.history().newest()).isEqualTo(writer(2));
        assertThat(link.on(opened(1, 5, 70, EXCHANGE))
                        .only(LinkEffect.SendRefuse.class)
                        .refuse()
                        .reason())
                .contains("newest=" + writer(2));
        assertThat(link.on(new LinkEvent.PeerLeft(writer(1), "left"), new LinkEvent.HandleWithdrawn(writer(1), "gone"))
                        .name())
                .isEqualTo(OPENING_SEGMENT);
    }

    @Test // P-15
    void nothingConnectsToALifeThatIsOver() {
        Link writer = awaitingAccept(FABRIC)
                .on(new LinkEvent.PeerLeft(waiter(1), "left"), accepted(pair(1, 70, 90), FABRIC), published(waiter(1)));
        assertThat(writer.name()).isEqualTo(WAITING_STORE);
        Link waiter = acceptedWaiter().on(new LinkEvent.PeerLeft(writer(1), "left"), opened(1, 2, 71, EXCHANGE));
        assertThat(waiter.name()).isEqualTo(WAITING_STORE);
        assertThat(waiter.did(LinkEffect.SendRefuse.class)).isTrue();
    }

    @Test
    void aWithdrawalInTheStoreIsAHintAndTearsDownNoHealthyLink() {
        assertThat(connectedWriter()
                        .on(new LinkEvent.HandleWithdrawn(waiter(1), "gone"))
                        .name())
                .isEqualTo(CONNECTED);
        assertThat(writingBack()
                        .on(new LinkEvent.HandleWithdrawn(waiter(1), "gone"))
                        .name())
                .isEqualTo(WAITING_PEER_WARMUP);
        Link idle = new Link(LinkFixture.writerSetup(1))
                .on(published(waiter(1)), new LinkEvent.HandleWithdrawn(waiter(1), "gone"));
        assertThat(idle.name()).isEqualTo(WAITING_STORE);
        assertThat(idle.on(published(waiter(1))).name()).isEqualTo(OPENING_SEGMENT);
    }

    // ---- channels

    @Test // P-12
    void losesConnectedWithItsChannelAndWithNoOther() {
        assertThat(connectedWriter()
                        .on(new LinkEvent.ChannelLost(W2, new LossEvidence(LossEvidence.Kind.SILENCE, "")))
                        .name())
                .isEqualTo(CONNECTED);
        assertThat(connectedWriter()
                        .on(new LinkEvent.ChannelLost(W1, new LossEvidence(LossEvidence.Kind.SILENCE, "3 misses")))
                        .name())
                .isEqualTo(BACKING_OFF);
        assertThat(connectedWaiter()
                        .on(new LinkEvent.ChannelLost(P1, new LossEvidence(LossEvidence.Kind.SILENCE, "3 misses")))
                        .name())
                .isEqualTo(OPENING_SEGMENT);
    }

    @Test
    void anAcceptOverAnotherChannelOrForAnotherNonceIsIgnored() {
        Link link = awaitingAccept(EXCHANGE)
                .on(
                        new LinkEvent.AcceptReceived(accept(pair(1, 70, 90), EXCHANGE), W2),
                        accepted(pair(1, 71, 90), EXCHANGE),
                        accepted(pair(2, 70, 90), EXCHANGE));
        assertThat(link.name()).isEqualTo(OPENING_SEGMENT);
    }

    @Test
    void aNewChannelEndsTheBackOffAtOnce() {
        Link link = connectedWriter()
                .on(
                        new LinkEvent.ChannelLost(W1, new LossEvidence(LossEvidence.Kind.SOCKET_CLOSED, "")),
                        new LinkEvent.ChannelUp());
        assertThat(link.only(LinkEffect.Dial.class).attempt()).isEqualTo(2);
    }

    // ---- policy

    @Test // W-4
    void aShortCircuitedLinkConnectsIsLostAndIsRebuilt() {
        Link link = awaitingAccept(FABRIC).on(accepted(pair(1, 70, 90), FABRIC));
        assertThat(link.state)
                .isInstanceOfSatisfying(
                        LinkState.Connected.class, c -> assertThat(c.proof()).isEqualTo(Proof.FABRIC_IMPORT));
        assertThat(link.did(LinkEffect.WriteSlot.class)).isFalse();
        assertThat(link.on(
                                new LinkEvent.ChannelLost(W1, new LossEvidence(LossEvidence.Kind.SILENCE, "")),
                                new LinkEvent.TimerFired(Timer.BACKOFF, 1))
                        .only(LinkEffect.Dial.class)
                        .attempt())
                .isEqualTo(2);
    }

    @Test // W-1
    void anImportThatFailedOnOneSideMovesBothToTheExchange() {
        assertThat(awaitingAccept(FABRIC)
                        .on(accepted(pair(1, 70, 90), LinkFixture.NO_IMPORT))
                        .name())
                .isEqualTo(WAITING_PEER_WARMUP);
        assertThat(new Link(LinkFixture.waiterSetup(1))
                        .on(opened(1, 1, 70, FABRIC), new LinkEvent.PolicyAnswered(writer(1), 1, LinkFixture.NO_IMPORT))
                        .name())
                .isEqualTo(WAITING_WARMUP_TRANSFER);
    }

    @Test // W-6
    void differentModesAreRefusedBeforeAnyTransfer() {
        Link waiter = new Link(LinkFixture.waiterSetup(1))
                .on(opened(1, 1, 70, EXCHANGE), new LinkEvent.PolicyAnswered(writer(1), 1, LinkFixture.REFUSE));
        assertThat(waiter.name()).isEqualTo(REFUSED);
        assertThat(waiter.only(LinkEffect.SendRefuse.class).refuse().reason()).startsWith("mode mismatch local=");
        Link writer = awaitingAccept(LinkFixture.REFUSE);
        assertThat(writer.name()).isEqualTo(REFUSED);
        assertThat(writer.did(LinkEffect.SendOpen.class)).isFalse();
    }

    // ---- bad input

    @Test
    void aRejectedEntryLeavesThePeerUnconnectedWithItsReason() {
        Link link = new Link(LinkFixture.writerSetup(1)).on(new LinkEvent.HandleRejected("version: expected 1, got 2"));
        assertThat(link.name()).isEqualTo(WAITING_STORE);
        assertThat(link.state.history().trouble())
                .isEqualTo(new History.Trouble(History.Phase.REJECTED, "version: expected 1, got 2"));
        assertThat(connectedWriter().on(new LinkEvent.HandleRejected("noise")).name())
                .isEqualTo(CONNECTED);
    }

    @Test
    void aWrongWorldSizeOrRankIsRefusedOrIgnored() {
        var entry = entry(writer(1), 0, 3);
        Link link = new Link(LinkFixture.waiterSetup(1))
                .on(new LinkEvent.OpenReceived(
                        new LinkMessage.Open(entry, waiter(1), 1, 70, LinkFixture.slot(writer(1)), EXCHANGE),
                        DIALABLE,
                        P1,
                        81));
        assertThat(link.only(LinkEffect.SendRefuse.class).refuse().reason())
                .startsWith("world sizes disagree: rank 0 has 2, rank 1 has 3");
        assertThat(connectedWriter()
                        .on(published(writer(7)), new LinkEvent.PeerLeft(writer(7), ""))
                        .name())
                .isEqualTo(CONNECTED);
    }

    @Test
    void anAddressThatCannotBeReachedFromHereIsNeverDialled() {
        var loopback =
                new LinkEvent.HandlePublished(entry(writer(1), 1), new Reach.Unusable("127.0.0.1 on another host"));
        Link link = new Link(LinkFixture.waiterSetup(1))
                .on(published(writer(1)), loopback, new LinkEvent.TimerFired(Timer.OPEN, 0));
        assertThat(link.did(LinkEffect.Dial.class)).isFalse();
        assertThat(link.name()).isEqualTo(REFUSED);
        assertThat(connectedWaiter()
                        .on(loopback, new LinkEvent.ChannelLost(P1, new LossEvidence(LossEvidence.Kind.SILENCE, "")))
                        .name())
                .isEqualTo(REFUSED);
    }

    // ---- the end

    @Test
    void closingNotifiesThePeerAndEndsWithItsTransfersOrInTime() {
        Link link = connectedWriter().on(new LinkEvent.CloseRequested("leaving"));
        assertThat(link.name()).isEqualTo(EXPIRING);
        assertThat(link.did(LinkEffect.SendClose.class)).isTrue();
        assertThat(link.on(published(waiter(2))).name()).isEqualTo(EXPIRING);
        assertThat(link.on(new LinkEvent.Drained()).name()).isEqualTo(EXPIRED);
        assertThat(connectedWaiter()
                        .on(new LinkEvent.CloseRequested("leaving"), new LinkEvent.TimerFired(Timer.CLOSE, 1))
                        .name())
                .isEqualTo(EXPIRED);
    }
}
