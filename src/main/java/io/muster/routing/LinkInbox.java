// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Gossip;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMessage;
import io.muster.segment.RankEntry;
import io.muster.segment.Versioned;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** Delivers a link message from its channel to its link, or refuses it with a reason that goes back to the sender. */
final class LinkInbox {
    private final ProcessPorts ports;
    private final Trust trust;

    LinkInbox(ProcessPorts ports, Trust trust) {
        this.ports = ports;
        this.trust = trust;
    }

    /** @param signedBy the group whose secret signed it, null if it is unsigned */
    void received(Channel channel, @Nullable GroupName signedBy, Buffer payload) {
        switch (LinkCodec.decode(payload)) {
            case Decoded.Valid<LinkMessage>(LinkMessage message) -> {
                if (message.group().equals(signedBy) || (signedBy == null && !trust.isSecured(message.group()))) {
                    linkMessage(trust.over(channel, message.group()), message);
                } else {
                    unsigned(channel, message);
                }
            }
            case Decoded.Malformed<LinkMessage>(String reason) -> ports.malformed(channel, "message of a link", reason);
        }
    }

    /**
     * Handles an unsigned message of a group with a secret. It is dropped, except a refusal, which only makes the link
     * try again later.
     */
    private void unsigned(Channel channel, LinkMessage message) {
        if (message instanceof LinkMessage.Refuse refuse) {
            linkMessage(
                    channel,
                    new LinkMessage.Refuse(
                            refuse.group(),
                            refuse.writer(),
                            refuse.from(),
                            refuse.attempt(),
                            LinkMessage.Refuse.Code.RETRY,
                            "unsigned: " + refuse.reason(),
                            null));
            return;
        }
        trust.distrust(channel, message.group(), "an unsigned message of a link");
        if (message instanceof LinkMessage.Open open) {
            refuse(
                    channel,
                    open,
                    LinkMessage.Refuse.Code.FINAL,
                    "group " + open.group() + " has a secret, and the link-open is not signed with it; "
                            + "start all its processes with the same (security.secretFile)");
        }
    }

    private void linkMessage(Channel channel, LinkMessage message) {
        RoutedGroup group = ports.group(message.group());
        if (group == null
                || message.from() >= group.worldSize()
                || !isSeated(group, message)
                || (message instanceof LinkMessage.Open opening
                        && !opening.entry().isLive())) {
            if (message instanceof LinkMessage.Open open) {
                refuse(channel, open, LinkMessage.Refuse.Code.RETRY, whyNot(group, open));
            }
            return;
        }
        if (message instanceof LinkMessage.Open open) {
            group.barrier().execute(core -> core.linkOpened(open.entry()));
            sendNewer(channel, group, open.entry().member());
        }
        group.links()
                .send(
                        message.to(),
                        message.from(),
                        switch (message) {
                            case LinkMessage.Open open ->
                                new LinkEvent.OpenReceived(
                                        open, ports.reach(open.entry()), channel.generation(), ports.nonce());
                            case LinkMessage.Accept accept ->
                                new LinkEvent.AcceptReceived(accept, channel.generation());
                            case LinkMessage.Refuse refuse -> new LinkEvent.RefuseReceived(refuse);
                            case LinkMessage.Close close -> new LinkEvent.CloseReceived(close);
                        });
    }

    private static void refuse(Channel channel, LinkMessage.Open open, LinkMessage.Refuse.Code code, String why) {
        channel.send(
                ControlKind.LINK,
                LinkCodec.encode(new LinkMessage.Refuse(
                        open.group(), open.entry().member(), open.to(), open.attempt(), code, why, null)));
    }

    private static String whyNot(@Nullable RoutedGroup group, LinkMessage.Open open) {
        return !open.entry().isLive()
                ? "the entry of rank " + open.from() + " is " + open.entry().state()
                : group == null
                        ? "group " + open.group() + " is not known in that process (yet)"
                        : open.entry().worldSize() != group.worldSize()
                                ? "world sizes disagree: " + group.worldSize() + " there, "
                                        + open.entry().worldSize() + " here; start all ranks with the same world size"
                                : "rank " + open.to() + " has no seat in that process (yet)";
    }

    /**
     * Whether the addressed rank is in this process. A link-open also passes while the rank's claim is being written:
     * its link keeps the message until the seat is taken.
     */
    private static boolean isSeated(RoutedGroup group, LinkMessage message) {
        return group.localSeat(message.to()) != null
                || (message instanceof LinkMessage.Open open && group.barrier().claims(open.waiter()));
    }

    /**
     * Sends the newer entry to a life that has been taken over and cannot see that in its store. It may have been
     * frozen, and then resumed in the smaller part of a split.
     */
    private static void sendNewer(Channel channel, RoutedGroup group, Member member) {
        group.barrier().execute(core -> {
            Versioned<RankEntry> newest = core.directory().get(member.rank());
            if (newest != null
                    && newest.value() != null
                    && newest.value().member().isNewerThan(member)) {
                channel.send(
                        ControlKind.GOSSIP,
                        new Gossip(group.name(), new StoreKeys(group.name()).rank(member.rank()), newest.bytes())
                                .encode());
            }
        });
    }
}
