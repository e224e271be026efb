// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.peer.LinkEffect.Timer;
import io.muster.peer.LinkState.Stage;
import org.jspecify.annotations.Nullable;

/** The invariants of every transition and every state of a link, in every history. Shared by the walks. */
final class LinkInvariants {
    private LinkInvariants() {}

    /** The rule that a transition breaks, or null. */
    static @Nullable String brokenBy(LinkSetup setup, LinkState from, LinkEvent event, Step step) {
        LinkState next = step.next();
        History history = next.history();
        boolean waiter = setup.role() == LinkSetup.Role.WAITER;
        boolean remote = history.target() != null && !(history.target().reach() instanceof LinkEvent.Reach.SameProcess);
        if (next instanceof LinkState.Connected(var _, Session session, Proof proof, String _) && !next.equals(from)) {
            if (session != null) {
                var peer = waiter ? session.writer() : session.waiter();
                if (!peer.equals(history.newest()) || history.over()) {
                    return "CONNECTED to a life that is over or stale, by " + event;
                }
            }
            if (!(from instanceof LinkState.Connected) && proof == Proof.WARMUP && !proves(event, session, waiter)) {
                return "CONNECTED with proof=warmup by " + event;
            }
        }
        String cause = LinkChange.cause(from, event, next);
        if (from instanceof LinkState.Connected && !(next instanceof LinkState.Connected) && cause.equals("FAILED")) {
            return "CONNECTED is left without a cause, by " + event;
        }
        if (from instanceof LinkState.Connected && cause.equals("RESTARTED") != isNewerLife(from, next)) {
            return cause + " of " + from.history().newest() + ", now " + history.newest() + ", by " + event;
        }
        if (waiter && remote && next instanceof LinkState.BackingOff) {
            return "the waiter goes BACKING_OFF, by " + event;
        }
        for (LinkEffect effect : step.effects()) {
            String wrong = effectMismatch(setup, from, event, next, effect);
            if (wrong != null) {
                return wrong + ", by " + event;
            }
            if (isFailure(event) && isAttempt(effect)) {
                return "the next attempt without a pause: " + effect + ", by " + event;
            }
        }
        return null;
    }

    private static boolean isFailure(LinkEvent event) {
        return event instanceof LinkEvent.DialFailed
                || event instanceof LinkEvent.WriteFailed
                || event instanceof LinkEvent.ChannelLost
                || event instanceof LinkEvent.CloseReceived
                || event instanceof LinkEvent.RefuseReceived
                || event instanceof LinkEvent.PairNotHeld
                || event instanceof LinkEvent.PathFailed
                || event instanceof LinkEvent.Reported;
    }

    private static boolean isAttempt(LinkEffect effect) {
        return effect instanceof LinkEffect.Dial
                || effect instanceof LinkEffect.OpenLocal
                || effect instanceof LinkEffect.AskPolicy
                || effect instanceof LinkEffect.SendOpen;
    }

    private static boolean isNewerLife(LinkState from, LinkState next) {
        Member old = from.history().newest();
        Member now = next.history().newest();
        return old != null && now != null && now.isNewerThan(old);
    }

    private static boolean proves(LinkEvent event, @Nullable Session session, boolean waiter) {
        return session != null
                && switch (event) {
                    case LinkEvent.WriteApplied(PairId pair) -> !waiter && pair.equals(session.pairId());
                    case LinkEvent.SlotWritten(long value) -> waiter && value == session.writerValue();
                    case LinkEvent other -> false;
                };
    }

    /** The writer writes only when the waiter's value is in its slot: its write says that it has seen that value. */
    private static boolean hasSeen(LinkState from, LinkEvent event, Session session) {
        return switch (event) {
            case LinkEvent.SlotWritten(long value) -> value == session.waiterValue();
            case LinkEvent.AcceptReceived _ ->
                from instanceof LinkState.OpeningSegment(var _, Stage.AwaitingAccept(var _, long _, var _, long seen))
                        && seen == session.waiterValue();
            case LinkEvent other -> false;
        };
    }

    private static @Nullable String effectMismatch(
            LinkSetup setup, LinkState from, LinkEvent event, LinkState next, LinkEffect effect) {
        boolean writer = setup.role() == LinkSetup.Role.WRITER;
        boolean fits = switch (effect) {
            case LinkEffect.SendOpen _ ->
                writer
                        && next instanceof LinkState.OpeningSegment(var _, Stage stage)
                        && stage instanceof Stage.AwaitingAccept;
            case LinkEffect.SendAccept _ ->
                setup.role() == LinkSetup.Role.WAITER && next.agreed().isPresent();
            case LinkEffect.WriteSlot(Session session, long value) ->
                next.holds(session.pairId())
                        && value == (writer ? session.writerValue() : session.waiterValue())
                        && (writer
                                ? next instanceof LinkState.WaitingPeerWarmup && hasSeen(from, event, session)
                                : next instanceof LinkState.WaitingWarmupTransfer);
            case LinkEffect.AskPolicy _ ->
                next instanceof LinkState.OpeningSegment(var _, Stage stage)
                        && (stage instanceof Stage.AskingPolicy || stage instanceof Stage.AskingPolicyFor);
            case LinkEffect.Dial _ ->
                next instanceof LinkState.OpeningSegment(History history, Stage stage)
                        && (writer ? stage instanceof Stage.Dialling : stage instanceof Stage.AwaitingOpen)
                        && history.target() != null
                        && history.target().reach() instanceof LinkEvent.Reach.Dialable;
            case LinkEffect.OpenLocal _ ->
                next instanceof LinkState.OpeningSegment(var _, Stage stage) && stage instanceof Stage.OpeningLocal;
            case LinkEffect.SendClose(Session session, String _) -> !next.holds(session.pairId());
            case LinkEffect.Drain _ -> next instanceof LinkState.Expiring && !(from instanceof LinkState.Expiring);
            case LinkEffect.SendRefuse _, LinkEffect.StartTimer _, LinkEffect.StopTimer _ -> true;
        };
        return fits ? null : effect + " from " + from.name() + " into " + next;
    }

    /** The rule that the running timer of a state breaks, or null. */
    static @Nullable String timerMismatch(LinkState state, @Nullable Timer running) {
        boolean fits = switch (state) {
            case LinkState.WaitingStore _, LinkState.Connected _, LinkState.Expired _ -> running == null;
            case LinkState.OpeningSegment _ -> running == Timer.OPEN;
            case LinkState.WaitingWarmupTransfer _, LinkState.WaitingPeerWarmup _ -> running == Timer.WARMUP;
            case LinkState.BackingOff _ -> running == Timer.BACKOFF;
            case LinkState.Refused(History history) ->
                running == Timer.PROBE
                        || running == null
                                && history.target() != null
                                && history.target().reach() instanceof LinkEvent.Reach.Unusable;
            case LinkState.Expiring _ -> running == Timer.CLOSE;
        };
        return fits ? null : state + " with timer " + running;
    }
}
