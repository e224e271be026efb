// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.History.Phase.VANISHED;
import static io.muster.peer.History.Phase.WARMUP;
import static io.muster.peer.LinkRules.STILL_WRITING;
import static io.muster.peer.LinkRules.closeAndLose;
import static io.muster.peer.LinkRules.lose;
import static io.muster.peer.LinkRules.open;
import static io.muster.peer.LinkRules.plus;
import static io.muster.peer.LinkRules.stay;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.History.Trouble;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkState.Stage;
import io.muster.peer.LinkState.WaitingPeerWarmup.Progress;
import io.muster.transfer.ChannelGeneration;
import java.util.ArrayList;
import java.util.List;

/**
 * Rules of the end that dials, opens and owns the retries. It writes when the waiter's value is in its slot, and is
 * CONNECTED when its write was applied. That write proves its own direction and shows the waiter that the other
 * direction was seen.
 */
final class WriterRules {
    private WriterRules() {}

    static Step transition(LinkSetup setup, LinkState state, LinkEvent event) {
        History history = state.history();
        return switch (event) {
            case LinkEvent.ChannelReady(int attempt, ChannelGeneration generation, long nonce) ->
                isAt(state, attempt)
                                && state instanceof LinkState.OpeningSegment(History _, Stage.Dialling _)
                                && history.target() != null
                        ? new Step(
                                new LinkState.OpeningSegment(history, new Stage.AskingPolicy(generation, nonce)),
                                List.of(new LinkEffect.AskPolicy(
                                        attempt, history.target().entry())),
                                "channel ready")
                        : stay(state);
            case LinkEvent.DialFailed(int attempt, String reason) ->
                isAt(state, attempt)
                                && state instanceof LinkState.OpeningSegment(History _, Stage stage)
                                && (stage instanceof Stage.Dialling || stage instanceof Stage.OpeningLocal)
                        ? lose(setup, state, reason)
                        : stay(state);
            case LinkEvent.PolicyAnswered(Member peer, int attempt, WarmupAnswer answer) ->
                isAt(state, attempt)
                                && peer.equals(history.newest())
                                && state instanceof LinkState.OpeningSegment(History _, Stage.AskingPolicy asking)
                        ? policyAnswered(setup, history, asking, answer)
                        : stay(state);
            case LinkEvent.AcceptReceived(LinkMessage.Accept accept, ChannelGeneration generation) ->
                state instanceof LinkState.OpeningSegment(History _, Stage.AwaitingAccept awaiting)
                                && answers(setup, history, awaiting, accept, generation)
                        ? accepted(setup, state, awaiting, accept)
                        : stay(state);
            case LinkEvent.RefuseReceived(LinkMessage.Refuse refuse) ->
                state instanceof LinkState.OpeningSegment(History _, Stage.AwaitingAccept _)
                                && isAt(state, refuse.attempt())
                                && refuse.writer().equals(setup.self())
                        ? refused(setup, state, refuse)
                        : stay(state);
            case LinkEvent.SlotWritten(long value) -> slotWritten(state, value);
            case LinkEvent.WriteApplied(PairId pair) ->
                isWritingBack(state, pair)
                        ? LinkRules.connect(
                                history,
                                state.agreed().orElseThrow(),
                                Proof.WARMUP,
                                state.agreed().orElseThrow().reasons())
                        : stay(state);
            case LinkEvent.WriteFailed(PairId pair, String reason) ->
                isWritingBack(state, pair)
                        ? closeAndLose(setup, state, "warmup write-back failed: " + reason)
                        : stay(state);
            case LinkEvent.TimerFired(Timer timer, int attempt) ->
                isAt(state, attempt) ? timerFired(setup, state, timer) : stay(state);
            case LinkEvent.ChannelUp _ ->
                state instanceof LinkState.BackingOff
                        ? open(setup, history, List.of(), "a channel to the peer's process is up")
                        : stay(state);
            case LinkEvent.OpenReceived(LinkMessage.Open message, var _, ChannelGeneration generation, long _) ->
                new Step(
                        state,
                        List.of(new LinkEffect.SendRefuse(
                                new LinkMessage.Refuse(
                                        setup.group(),
                                        message.entry().member(),
                                        setup.self().rank(),
                                        message.attempt(),
                                        LinkMessage.Refuse.Code.FINAL,
                                        "rank " + setup.self().rank() + " opens the link to rank " + message.from()
                                                + ", not the other way round",
                                        setup.self()),
                                generation)),
                        "");
            case LinkEvent.Started _,
                    LinkEvent.HandlePublished _,
                    LinkEvent.HandleRejected _,
                    LinkEvent.HandleWithdrawn _,
                    LinkEvent.PeerLeft _,
                    LinkEvent.LocalReady _,
                    LinkEvent.ChannelLost _,
                    LinkEvent.CloseReceived _,
                    LinkEvent.PairNotHeld _,
                    LinkEvent.PathFailed _,
                    LinkEvent.Reported _,
                    LinkEvent.CloseRequested _,
                    LinkEvent.Drained _ -> stay(state);
        };
    }

    private static boolean isAt(LinkState state, int attempt) {
        return state.history().attempt() == attempt;
    }

    private static Step policyAnswered(
            LinkSetup setup, History history, Stage.AskingPolicy asking, WarmupAnswer answer) {
        if (answer.plan() == WarmupAnswer.Plan.REFUSE || history.target() == null) {
            return LinkRules.refuse(setup, history, List.of(), answer.reason());
        }
        return new Step(
                new LinkState.OpeningSegment(
                        history, new Stage.AwaitingAccept(asking.generation(), asking.nonce(), answer, 0)),
                List.of(new LinkEffect.SendOpen(
                        history.target().entry(), history.attempt(), asking.generation(), asking.nonce(), answer)),
                "link-open sent");
    }

    private static boolean answers(
            LinkSetup setup,
            History history,
            Stage.AwaitingAccept awaiting,
            LinkMessage.Accept accept,
            ChannelGeneration generation) {
        PairId pair = accept.pair();
        return pair.writer().equals(setup.self())
                && pair.attempt() == history.attempt()
                && pair.writerNonce() == awaiting.nonce()
                && generation.equals(awaiting.generation())
                && pair.waiter().equals(history.newest())
                && !history.over();
    }

    private static Step accepted(
            LinkSetup setup, LinkState state, Stage.AwaitingAccept awaiting, LinkMessage.Accept accept) {
        History history = state.history();
        PairId pair = accept.pair();
        var session = new Session(
                pair.writer(),
                pair.waiter(),
                pair.attempt(),
                awaiting.generation(),
                pair.writerNonce(),
                pair.waiterNonce(),
                accept.slot(),
                awaiting.answer(),
                accept.answer());
        String reasons = session.reasons();
        var shortCut = LinkRules.shortCircuit(awaiting.answer(), accept.answer());
        if (shortCut.isPresent()) {
            return LinkRules.connect(history, session, shortCut.get(), reasons);
        }
        if (history.isWritingOver(awaiting.generation())) {
            return LinkRules.backOff(
                    setup,
                    history.failed(WARMUP, STILL_WRITING),
                    List.of(new LinkEffect.SendClose(session, STILL_WRITING)),
                    STILL_WRITING);
        }
        LinkEffect timer = new LinkEffect.StartTimer(
                Timer.WARMUP, pair.attempt(), setup.timing().warmupTimeoutMs());
        return awaiting.seen() == session.waiterValue()
                ? writeBack(history, session, List.of(timer), reasons)
                : new Step(
                        new LinkState.WaitingPeerWarmup(history, session, Progress.AWAITING_WRITE),
                        List.of(timer),
                        reasons);
    }

    private static Step slotWritten(LinkState state, long value) {
        return switch (state) {
            case LinkState.OpeningSegment(
                    History history,
                    Stage.AwaitingAccept(var generation, long nonce, var answer, long _)) ->
                stay(new LinkState.OpeningSegment(history, new Stage.AwaitingAccept(generation, nonce, answer, value)));
            case LinkState.WaitingPeerWarmup(History history, Session session, Progress progress)
            when progress == Progress.AWAITING_WRITE && value == session.waiterValue() ->
                writeBack(history, session, List.of(), "");
            case LinkState other -> stay(other);
        };
    }

    private static Step writeBack(History history, Session session, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.WaitingPeerWarmup(history.writing(session), session, Progress.WRITING_BACK),
                plus(before, new LinkEffect.WriteSlot(session, session.writerValue())),
                reason);
    }

    private static boolean isWritingBack(LinkState state, PairId pair) {
        return state instanceof LinkState.WaitingPeerWarmup(History _, Session session, Progress progress)
                && progress == Progress.WRITING_BACK
                && session.pairId().equals(pair);
    }

    private static Step refused(LinkSetup setup, LinkState state, LinkMessage.Refuse refuse) {
        History history = state.history();
        if (refuse.current() != null
                && history.newest() != null
                && refuse.current().rank() == history.newest().rank()
                && refuse.current().isNewerThan(history.newest())) {
            String detail = "its seat is held by a newer life, " + refuse.current() + ", whose handle is awaited";
            return new Step(
                    new LinkState.WaitingStore(history.succeededBy(refuse.current(), new Trouble(VANISHED, detail))),
                    List.of(new LinkEffect.StopTimer()),
                    detail);
        }
        return switch (refuse.code()) {
            case RETRY ->
                LinkRules.backOff(
                        setup, history.failed(History.Phase.REFUSED, refuse.reason()), List.of(), refuse.reason());
            case STALLED ->
                LinkRules.backOff(setup, history.failed(WARMUP, refuse.reason()), List.of(), refuse.reason());
            case FINAL -> LinkRules.refuse(setup, history, List.of(), refuse.reason());
        };
    }

    private static Step timerFired(LinkSetup setup, LinkState state, Timer timer) {
        List<LinkEffect> none = new ArrayList<>();
        return switch (state) {
            case LinkState.OpeningSegment(History _, Stage stage)
            when timer == Timer.OPEN ->
                lose(
                        setup,
                        state,
                        switch (stage) {
                            case Stage.Dialling _ ->
                                "not connected after " + setup.timing().openTimeoutMs() + " ms";
                            case Stage.AskingPolicy _ ->
                                "the warmup policy has not answered after "
                                        + setup.timing().openTimeoutMs() + " ms";
                            case Stage.AwaitingAccept _ ->
                                "link-open not answered after " + setup.timing().openTimeoutMs() + " ms";
                            case Stage.OpeningLocal _, Stage.AwaitingOpen _, Stage.AskingPolicyFor _ ->
                                "not opened after " + setup.timing().openTimeoutMs() + " ms";
                        });
            case LinkState.WaitingPeerWarmup(History _, Session _, Progress progress)
            when timer == Timer.WARMUP ->
                closeAndLose(
                        setup,
                        state,
                        (progress == Progress.AWAITING_WRITE
                                        ? "no warmup write has come from the peer after "
                                        : "warmup write-back not applied after ")
                                + setup.timing().warmupTimeoutMs() + " ms");
            case LinkState.BackingOff _
            when timer == Timer.BACKOFF -> open(setup, state.history(), none, "trying again");
            case LinkState.Refused _ when timer == Timer.PROBE -> open(setup, state.history(), none, "trying again");
            case LinkState.OpeningSegment _,
                    LinkState.WaitingPeerWarmup _,
                    LinkState.BackingOff _,
                    LinkState.Refused _,
                    LinkState.WaitingStore _,
                    LinkState.WaitingWarmupTransfer _,
                    LinkState.Connected _,
                    LinkState.Expiring _,
                    LinkState.Expired _ -> stay(state);
        };
    }
}
