// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.History.Phase.DIAL;
import static io.muster.peer.History.Phase.NO_OPEN;
import static io.muster.peer.History.Phase.WARMUP;
import static io.muster.peer.LinkRules.STILL_WRITING;
import static io.muster.peer.LinkRules.closeAndLose;
import static io.muster.peer.LinkRules.lose;
import static io.muster.peer.LinkRules.openTimer;
import static io.muster.peer.LinkRules.plus;
import static io.muster.peer.LinkRules.stay;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.History.Target;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkMessage.Refuse;
import io.muster.peer.LinkState.Stage;
import io.muster.segment.RankEntry;
import java.util.List;

/**
 * Rules of the end that waits for the link-open. It writes into the writer's slot when it accepts, and is CONNECTED
 * when the writer has seen that value and written back. Its deadlines are twice the writer's, so the writer closes
 * first.
 */
final class WaiterRules {
    private WaiterRules() {}

    static Step transition(LinkSetup setup, LinkState state, LinkEvent event) {
        History history = state.history();
        return switch (event) {
            case LinkEvent.OpenReceived received -> opened(setup, state, received);
            case LinkEvent.PolicyAnswered(Member peer, int attempt, WarmupAnswer answer) ->
                history.attempt() == attempt
                                && peer.equals(history.newest())
                                && state instanceof LinkState.OpeningSegment(History _, Stage.AskingPolicyFor asking)
                        ? policyAnswered(setup, history, asking, answer)
                        : stay(state);
            case LinkEvent.SlotWritten(long value) ->
                state instanceof LinkState.WaitingWarmupTransfer(History _, Session session)
                                && value == session.writerValue()
                        ? LinkRules.connect(history, session, Proof.WARMUP, session.reasons())
                        : stay(state);
            case LinkEvent.WriteFailed(PairId pair, String reason) ->
                state instanceof LinkState.WaitingWarmupTransfer(History _, Session session)
                                && session.pairId().equals(pair)
                        ? closeAndLose(setup, state, "warmup write failed: " + reason)
                        : stay(state);
            case LinkEvent.TimerFired(Timer timer, int attempt) ->
                history.attempt() == attempt ? timerFired(setup, state, timer) : stay(state);
            case LinkEvent.DialFailed(int attempt, String reason) ->
                history.attempt() == attempt
                        ? switch (state) {
                            case LinkState.OpeningSegment(History _, Stage.AwaitingOpen stage) ->
                                new Step(
                                        new LinkState.OpeningSegment(
                                                history.troubled(
                                                        DIAL, "no link-open has come, and from here: " + reason),
                                                stage),
                                        List.of(),
                                        "");
                            case LinkState.OpeningSegment(History _, Stage.OpeningLocal _) ->
                                LinkRules.backOff(setup, history.failed(DIAL, reason), List.of(), reason);
                            case LinkState other -> stay(other);
                        }
                        : stay(state);
            case LinkEvent.Started _,
                    LinkEvent.HandlePublished _,
                    LinkEvent.HandleRejected _,
                    LinkEvent.HandleWithdrawn _,
                    LinkEvent.PeerLeft _,
                    LinkEvent.ChannelReady _,
                    LinkEvent.LocalReady _,
                    LinkEvent.ChannelUp _,
                    LinkEvent.ChannelLost _,
                    LinkEvent.AcceptReceived _,
                    LinkEvent.RefuseReceived _,
                    LinkEvent.CloseReceived _,
                    LinkEvent.WriteApplied _,
                    LinkEvent.PairNotHeld _,
                    LinkEvent.PathFailed _,
                    LinkEvent.Reported _,
                    LinkEvent.CloseRequested _,
                    LinkEvent.Drained _ -> stay(state);
        };
    }

    private static Step opened(LinkSetup setup, LinkState state, LinkEvent.OpenReceived received) {
        LinkMessage.Open open = received.open();
        RankEntry entry = open.entry();
        History history = state.history();
        Member newest = history.newest();
        if (open.from() != setup.peer()) {
            return stay(state);
        }
        if (!open.waiter().equals(setup.self())) {
            return answer(
                    setup,
                    state,
                    received,
                    Refuse.Code.RETRY,
                    "rank " + setup.self().rank() + " is " + setup.self() + " now, not " + open.waiter());
        }
        if (entry.worldSize() != setup.worldSize()) {
            return answer(
                    setup,
                    state,
                    received,
                    Refuse.Code.FINAL,
                    "world sizes disagree: rank " + setup.self().rank() + " has " + setup.worldSize() + ", rank "
                            + open.from() + " has " + entry.worldSize() + "; start them with the same");
        }
        if (newest != null && newest.isNewerThan(entry.member())) {
            return answer(
                    setup, state, received, Refuse.Code.RETRY, "stale life " + entry.member() + ", newest=" + newest);
        }
        if (entry.member().equals(newest) && history.over()) {
            return answer(
                    setup, state, received, Refuse.Code.RETRY, "this life is known here to be over: " + entry.member());
        }
        if (received.reach() instanceof LinkEvent.Reach.Unusable(String why)) {
            return answer(setup, state, received, Refuse.Code.FINAL, why);
        }
        if (entry.member().equals(newest) && open.attempt() <= history.attempt()) {
            return isRepetition(state, received)
                    ? new Step(
                            state,
                            state.agreed()
                                    .<List<LinkEffect>>map(session -> List.of(new LinkEffect.SendAccept(session, true)))
                                    .orElse(List.of()),
                            "")
                    : stay(state);
        }
        History next = (LinkRules.isStale(history, entry)
                        ? history
                        : history.withTarget(new Target(entry, received.reach()), setup.role()))
                .withAttempt(open.attempt());
        return new Step(
                new LinkState.OpeningSegment(
                        next, new Stage.AskingPolicyFor(open, received.generation(), received.nonce())),
                plus(
                        closeOfOlderLife(state, entry.member()),
                        openTimer(setup, next),
                        new LinkEffect.AskPolicy(open.attempt(), entry)),
                state instanceof LinkState.Connected && entry.member().equals(newest)
                        ? "the same life opens the link again, with attempt " + open.attempt()
                        : "link-open received");
    }

    /**
     * Closes the link to an older life, which cannot know that its link has ended. A writer that sends a higher attempt
     * has already left the one before.
     */
    private static List<LinkEffect> closeOfOlderLife(LinkState state, Member writer) {
        return state.agreed()
                .filter(session -> !session.writer().equals(writer))
                .<List<LinkEffect>>map(
                        session -> List.of(new LinkEffect.SendClose(session, "a newer life is known: " + writer)))
                .orElse(List.of());
    }

    private static boolean isRepetition(LinkState state, LinkEvent.OpenReceived received) {
        return state.agreed()
                .filter(session -> session.attempt() == received.open().attempt()
                        && session.writerNonce() == received.open().nonce()
                        && session.generation().equals(received.generation()))
                .isPresent();
    }

    private static Step answer(
            LinkSetup setup, LinkState state, LinkEvent.OpenReceived received, Refuse.Code code, String reason) {
        return new Step(
                state,
                List.of(new LinkEffect.SendRefuse(
                        new Refuse(
                                setup.group(),
                                received.open().entry().member(),
                                setup.self().rank(),
                                received.open().attempt(),
                                code,
                                reason,
                                setup.self()),
                        received.generation())),
                "");
    }

    private static Step policyAnswered(
            LinkSetup setup, History history, Stage.AskingPolicyFor asking, WarmupAnswer answer) {
        LinkMessage.Open open = asking.open();
        if (answer.plan() == WarmupAnswer.Plan.REFUSE) {
            return LinkRules.refuse(
                    setup,
                    history,
                    List.of(new LinkEffect.SendRefuse(
                            new Refuse(
                                    setup.group(),
                                    open.entry().member(),
                                    setup.self().rank(),
                                    open.attempt(),
                                    Refuse.Code.FINAL,
                                    answer.reason(),
                                    setup.self()),
                            asking.generation())),
                    answer.reason());
        }
        var session = new Session(
                open.entry().member(),
                setup.self(),
                open.attempt(),
                asking.generation(),
                open.nonce(),
                asking.nonce(),
                open.slot(),
                answer,
                open.answer());
        String reasons = session.reasons();
        LinkEffect accept = new LinkEffect.SendAccept(session, false);
        var shortCut = LinkRules.shortCircuit(answer, open.answer());
        if (shortCut.isPresent()) {
            Step connected = LinkRules.connect(history, session, shortCut.get(), reasons);
            return new Step(
                    connected.next(), plus(List.of(accept), connected.effects().toArray(LinkEffect[]::new)), reasons);
        }
        if (history.isWritingOver(asking.generation())) {
            return LinkRules.open(
                    setup,
                    history.failed(WARMUP, STILL_WRITING),
                    List.of(new LinkEffect.SendRefuse(
                            new Refuse(
                                    setup.group(),
                                    open.entry().member(),
                                    setup.self().rank(),
                                    open.attempt(),
                                    Refuse.Code.STALLED,
                                    STILL_WRITING,
                                    setup.self()),
                            asking.generation())),
                    STILL_WRITING);
        }
        return new Step(
                new LinkState.WaitingWarmupTransfer(history.writing(session), session),
                List.of(
                        accept,
                        new LinkEffect.WriteSlot(session, session.waiterValue()),
                        new LinkEffect.StartTimer(
                                Timer.WARMUP, open.attempt(), 2 * setup.timing().warmupTimeoutMs())),
                reasons);
    }

    private static Step timerFired(LinkSetup setup, LinkState state, Timer timer) {
        History history = state.history();
        return switch (state) {
            case LinkState.OpeningSegment(History _, Stage.AwaitingOpen _)
            when timer == Timer.OPEN && history.target() != null -> {
                String detail = "published, but its link-open has not come for "
                        + 2 * setup.timing().openTimeoutMs() + " ms";
                Step again = LinkRules.open(setup, history.failed(NO_OPEN, detail), List.of(), detail);
                yield history.target().reach() instanceof LinkEvent.Reach.Dialable
                        ? new Step(
                                again.next(),
                                plus(
                                        again.effects(),
                                        new LinkEffect.Dial(
                                                history.attempt(),
                                                history.target().entry())),
                                detail)
                        : again;
            }
            case LinkState.OpeningSegment(History _, Stage.AskingPolicyFor _)
            when timer == Timer.OPEN ->
                lose(
                        setup,
                        state,
                        "the warmup policy has not answered after "
                                + 2 * setup.timing().openTimeoutMs() + " ms");
            case LinkState.OpeningSegment(History _, Stage.OpeningLocal _)
            when timer == Timer.OPEN ->
                lose(setup, state, "not opened after " + setup.timing().openTimeoutMs() + " ms");
            case LinkState.WaitingWarmupTransfer _
            when timer == Timer.WARMUP ->
                closeAndLose(
                        setup,
                        state,
                        "warmup write not answered after " + 2 * setup.timing().warmupTimeoutMs() + " ms");
            case LinkState.Refused _
            when timer == Timer.PROBE -> LinkRules.open(setup, history, List.of(), "trying again");
            case LinkState.BackingOff _
            when timer == Timer.BACKOFF -> LinkRules.open(setup, history, List.of(), "trying again");
            case LinkState.OpeningSegment _,
                    LinkState.WaitingWarmupTransfer _,
                    LinkState.Refused _,
                    LinkState.BackingOff _,
                    LinkState.WaitingStore _,
                    LinkState.WaitingPeerWarmup _,
                    LinkState.Connected _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> stay(state);
        };
    }
}
