// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.History.Phase.LOST;
import static io.muster.peer.History.Phase.REFUSED;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.History.Target;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkState.Stage;
import io.muster.segment.RankEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The transitions that several roles of a link make: how it opens, connects, and ends an attempt. */
final class LinkRules {
    static final String STILL_WRITING = "the warmup write of an earlier attempt is still under way";

    private LinkRules() {}

    static Step stay(LinkState state) {
        return new Step(state, List.of(), "");
    }

    /**
     * Opens the link to the target in the history, as the reach of the target allows: dialled, local, or not at all.
     */
    static Step open(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        Target target = history.target();
        if (target == null) {
            return new Step(new LinkState.WaitingStore(history), plus(before, new LinkEffect.StopTimer()), reason);
        }
        return switch (target.reach()) {
            case LinkEvent.Reach.Unusable(String why) ->
                new Step(
                        new LinkState.Refused(history.troubled(REFUSED, why)),
                        plus(before, new LinkEffect.StopTimer()),
                        why);
            case LinkEvent.Reach.SameProcess _ -> openLocal(setup, history, before, reason);
            case LinkEvent.Reach.Dialable _ ->
                setup.role() == LinkSetup.Role.WRITER
                        ? dial(setup, history, target.entry(), before, reason)
                        : awaitOpen(setup, history, before, reason);
        };
    }

    private static Step dial(LinkSetup setup, History history, RankEntry peer, List<LinkEffect> before, String reason) {
        History next = history.withAttempt(history.attempt() + 1);
        return new Step(
                new LinkState.OpeningSegment(next, new Stage.Dialling()),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.OPEN, next.attempt(), setup.timing().openTimeoutMs()),
                        new LinkEffect.Dial(next.attempt(), peer)),
                reason);
    }

    private static Step awaitOpen(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.OpeningSegment(history, new Stage.AwaitingOpen()),
                plus(before, openTimer(setup, history)),
                reason);
    }

    /** Of the waiter, which waits twice as long as the writer. */
    static LinkEffect openTimer(LinkSetup setup, History history) {
        return new LinkEffect.StartTimer(
                Timer.OPEN, history.attempt(), 2 * setup.timing().openTimeoutMs());
    }

    static Step openLocal(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        History next = history.withAttempt(history.attempt() + 1);
        return new Step(
                new LinkState.OpeningSegment(next, new Stage.OpeningLocal()),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.OPEN, next.attempt(), setup.timing().openTimeoutMs()),
                        new LinkEffect.OpenLocal(next.attempt(), setup.peer())),
                reason);
    }

    /**
     * Ends the current attempt or connection, of which the peer knows or can't be informed. The waiter of a remote link
     * then awaits the next link-open; every other end backs off.
     */
    static Step lose(LinkSetup setup, LinkState state, String detail) {
        return lose(setup, state, phaseOf(state), detail, List.of());
    }

    /** The same for a connection whose failure only the peer has noticed. */
    static Step loseUnheard(LinkSetup setup, LinkState state, String detail) {
        return lose(setup, state, History.Phase.UNHEARD, detail, List.of());
    }

    /** The same, and sends a close to the peer. */
    static Step closeAndLose(LinkSetup setup, LinkState state, String detail) {
        return lose(
                setup,
                state,
                phaseOf(state),
                detail,
                state.agreed()
                        .<List<LinkEffect>>map(session -> List.of(new LinkEffect.SendClose(session, detail)))
                        .orElse(List.of()));
    }

    private static Step lose(
            LinkSetup setup, LinkState state, History.Phase phase, String detail, List<LinkEffect> effects) {
        return setup.role() == LinkSetup.Role.WAITER && !isLocal(state.history())
                ? open(setup, state.history().failed(phase, detail), effects, detail)
                : backOff(setup, state.history().failed(phase, detail), effects, detail);
    }

    static Step backOff(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.BackingOff(history),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.BACKOFF, history.attempt(), setup.timing().backoffMs(history.failures()))),
                reason);
    }

    static Step refuse(LinkSetup setup, History history, List<LinkEffect> before, String reason) {
        return new Step(
                new LinkState.Refused(history.troubled(REFUSED, reason)),
                plus(
                        before,
                        new LinkEffect.StartTimer(
                                Timer.PROBE, history.attempt(), setup.timing().refusedProbeMs())),
                reason);
    }

    static Step connect(History history, @Nullable Session session, Proof proof, String reason) {
        return new Step(
                new LinkState.Connected(history.connected(), session, proof, reason),
                List.of(new LinkEffect.StopTimer()),
                reason);
    }

    /** The proof of a link that both ends short-circuit. Empty if it needs a warmup or cannot work. */
    static Optional<Proof> shortCircuit(WarmupAnswer mine, WarmupAnswer theirs) {
        if (mine.plan() != theirs.plan() || !mine.verdict() || !theirs.verdict()) {
            return Optional.empty();
        }
        return switch (mine.plan()) {
            case FABRIC -> Optional.of(Proof.FABRIC_IMPORT);
            case FABRIC_SIMULATED -> Optional.of(Proof.FABRIC_IMPORT_SIMULATED);
            case SKIP -> Optional.of(Proof.NONE);
            case EXCHANGE, REFUSE -> Optional.empty();
        };
    }

    /** Whether the entry is of an older life, of a life that has ended, or older than the known revision. */
    static boolean isStale(History history, RankEntry entry) {
        Member newest = history.newest();
        if (newest == null) {
            return false;
        }
        if (!entry.member().equals(newest)) {
            return newest.isNewerThan(entry.member());
        }
        return history.over()
                || (history.target() != null && history.target().entry().revision() > entry.revision());
    }

    private static boolean isLocal(History history) {
        return history.target() != null && history.target().reach() instanceof LinkEvent.Reach.SameProcess;
    }

    private static History.Phase phaseOf(LinkState state) {
        if (state instanceof LinkState.Connected) {
            return LOST;
        }
        return state instanceof LinkState.OpeningSegment(History _, Stage stage)
                ? stage instanceof Stage.Dialling || stage instanceof Stage.OpeningLocal
                        ? History.Phase.DIAL
                        : History.Phase.OPEN
                : History.Phase.WARMUP;
    }

    static List<LinkEffect> plus(List<LinkEffect> before, LinkEffect... more) {
        List<LinkEffect> all = new ArrayList<>(before);
        all.addAll(List.of(more));
        return all;
    }
}
