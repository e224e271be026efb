// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.bus.JsonOnDemand;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.segment.LostMember;
import io.muster.transfer.LossEvidence;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One transition of a link, as it is published on the node. The state record itself is the message.
 *
 * @param cause short word for the cause of the loss, as in {@code degraded}
 * @param at wall clock, for people
 */
public record LinkChange(
        GroupName group, Member self, int peer, LinkState from, LinkState to, String reason, String cause, Instant at)
        implements JsonOnDemand.Body {

    /**
     * The short word for the event that ended a link, as reports and {@code degraded} give it.
     *
     * @param before the state in which the event found the link
     * @param after the state that it led to
     */
    public static String cause(LinkState before, LinkEvent event, LinkState after) {
        return switch (event) {
            case LinkEvent.ChannelLost(var _, LossEvidence evidence) ->
                evidence.isReopening() ? LostMember.REOPENED : evidence.kind().name();
            case LinkEvent.PeerLeft _ -> "LEFT";
            case LinkEvent.Reported _ -> "REPORTED";
            case LinkEvent.HandlePublished _, LinkEvent.OpenReceived _ ->
                isNewerLife(before, after) ? "RESTARTED" : LostMember.REOPENED;
            case LinkEvent.CloseReceived(LinkMessage.Close close)
            when close.reason().equals(LinkMessage.LEFT) -> "LEFT";
            case LinkEvent.CloseReceived _ -> "CLOSED_BY_PEER";
            case LinkEvent.PairNotHeld _ -> "NOT_HELD";
            case LinkEvent.PathFailed _ -> "PATH_FAILED";
            case LinkEvent.CloseRequested _ -> "CLOSED_HERE";
            case LinkEvent.Started _,
                    LinkEvent.HandleRejected _,
                    LinkEvent.HandleWithdrawn _,
                    LinkEvent.ChannelReady _,
                    LinkEvent.LocalReady _,
                    LinkEvent.DialFailed _,
                    LinkEvent.ChannelUp _,
                    LinkEvent.PolicyAnswered _,
                    LinkEvent.AcceptReceived _,
                    LinkEvent.RefuseReceived _,
                    LinkEvent.SlotWritten _,
                    LinkEvent.WriteApplied _,
                    LinkEvent.WriteFailed _,
                    LinkEvent.TimerFired _,
                    LinkEvent.Drained _ -> "FAILED";
        };
    }

    private static boolean isNewerLife(LinkState before, LinkState after) {
        Member old = before.history().newest();
        Member now = after.history().newest();
        return old != null && now != null && now.isNewerThan(old);
    }

    /** The life that the link was CONNECTED to before, null if it was not. */
    public @Nullable Member lostPeer() {
        return from instanceof LinkState.Connected && !isStillConnected() ? connectedTo(from) : null;
    }

    /** The life that the link is CONNECTED to now and was not before, null if there is none. */
    public @Nullable Member gainedPeer() {
        return to instanceof LinkState.Connected && !isStillConnected() ? connectedTo(to) : null;
    }

    public Proof proof() {
        return to instanceof LinkState.Connected connected ? connected.proof() : Proof.NONE;
    }

    private boolean isStillConnected() {
        return from instanceof LinkState.Connected
                && to instanceof LinkState.Connected
                && connectedTo(from).equals(connectedTo(to));
    }

    private Member connectedTo(LinkState state) {
        Member newest = state.history().newest();
        return newest == null ? self : newest;
    }

    /** The public JSON body, with the fields of {@code peer-state}. */
    @Override
    public JsonObject toJson() {
        Member newest = to.history().newest();
        var json = new JsonObject()
                .put("group", group.value())
                .put("rank", self.rank())
                .put("peer", peer)
                .put("incarnation", newest == null ? null : newest.incarnation())
                .put("from", from.name().name())
                .put("to", to.name().name())
                .put("reason", reason)
                .put("attempt", to.history().attempt())
                .put("transport", transport());
        return json.put(
                        "proof",
                        to instanceof LinkState.Connected connected
                                ? connected.proof().text()
                                : null)
                .put("at", at.toString());
    }

    private @Nullable String transport() {
        if (to instanceof LinkState.Connected connected && connected.session() == null) {
            return "local";
        }
        return to.agreed().map(session -> session.answer().transport()).orElse(null);
    }
}
