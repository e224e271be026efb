// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Gossip;
import io.muster.blame.View;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Connects the channels of a process to its groups. It routes each message to its group, informs links when a channel
 * opens or ends, and carries the questions that processes ask each other. It makes no decision and keeps no state of a
 * group. It is called on many contexts; the calls for one channel come one after the other.
 */
public final class ProcessRouting {
    private final ProcessPorts ports;
    private final Trust trust;
    private final Channels channels = new Channels();
    private final LinkInbox links;
    private final Liveness liveness;
    private final Claims claims;
    private final ReachabilityPoll poll;
    private final StatusQuestions statusQuestions;
    private final TakeoverNotice takeovers;

    /**
     * The time limits of the questions of a process.
     *
     * @param claimMs wait for an answer whether a process holds a rank
     * @param takeoverMs pause between two attempts to inform a life that it has been taken over
     */
    public record Timing(long claimMs, long takeoverMs) {}

    public ProcessRouting(ProcessPorts ports, Trust trust, Timing timing) {
        this.ports = ports;
        this.trust = trust;
        this.links = new LinkInbox(ports, trust);
        this.liveness = new Liveness(ports, trust);
        this.claims = new Claims(new ClaimPorts(), ports::address, timing.claimMs());
        this.poll = new ReachabilityPoll(new PollPorts());
        this.statusQuestions = new StatusQuestions(new StatusPorts());
        this.takeovers = new TakeoverNotice(ports, this::connect, timing.takeoverMs());
    }

    public Channels channels() {
        return channels;
    }

    /** The channel to a process: the living one, or one that is dialled. */
    public Future<Channel> connect(ProcessAddress address) {
        return ports.dial(address).map(channel -> {
            channels.enter(channel);
            return channel;
        });
    }

    ProcessPorts ports() {
        return ports;
    }

    Claims claims() {
        return claims;
    }

    ReachabilityPoll poll() {
        return poll;
    }

    StatusQuestions statusQuestions() {
        return statusQuestions;
    }

    TakeoverNotice takeovers() {
        return takeovers;
    }

    // ---- channels

    /** A channel has opened: links to its process that wait for a retry may try at once. */
    public void opened(Channel channel) {
        channels.enter(channel);
        ports.groups()
                .forEach(group -> group.linkTable().forEach((key, row) -> {
                    if (row.state() instanceof LinkState.BackingOff backingOff
                            && isTarget(backingOff, channel.peer())) {
                        group.links().send(key.rank(), key.peer(), new LinkEvent.ChannelUp());
                    }
                }));
    }

    private static boolean isTarget(LinkState state, ProcessId process) {
        var target = state.history().target();
        return target != null && target.entry().handle().process().equals(process);
    }

    /** A channel has ended: links and blame of all groups are informed. */
    public void lost(Channel channel, LossEvidence evidence) {
        channels.remove(channel.generation());
        liveness.forget(channel.generation());
        var event = new LinkEvent.ChannelLost(channel.generation(), evidence);
        ports.groups().forEach(group -> {
            for (int rank : group.ranks()) {
                for (int peer = 0; peer < group.worldSize(); peer++) {
                    group.links().send(rank, peer, event);
                }
            }
            if (evidence.kind() != LossEvidence.Kind.CLOSED_HERE) {
                group.barrier().processLost(channel.peer(), evidence);
            }
        });
    }

    /** A channel to this process has ended before it was open, so that no link knows of it. */
    public void notOpened(ProcessId process, LossEvidence evidence) {
        ports.groups().forEach(group -> group.barrier().notOpened(process, evidence));
    }

    /** Routes a control message. Transfers are handled by the transport and must not come here. */
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        switch (kind) {
            case LINK -> link(channel, null, payload);
            case CLAIM -> claims.received(channel, null, payload);
            case VIEW -> poll.received(channel, payload);
            case STATUS -> statusQuestions.received(channel, null, payload);
            case GOSSIP -> {
                switch (Gossip.decode(payload)) {
                    case Decoded.Valid<Gossip>(Gossip gossip) -> changed(gossip.key(), gossip.value());
                    case Decoded.Malformed<Gossip>(String reason) -> ports.malformed(channel, "gossip", reason);
                }
            }
            case SEALED_LINK, SEALED_CLAIM, SEALED_STATUS -> {
                switch (trust.verified(channel, kind, payload)) {
                    case Decoded.Valid<Trust.Verified>(Trust.Verified message) -> verified(channel, kind, message);
                    case Decoded.Malformed<Trust.Verified>(String reason) ->
                        ports.malformed(channel, "signed message", reason);
                    case null -> {}
                }
            }
            case TRANSFER ->
                throw new IllegalArgumentException(
                        "transfer messages are received by the transport, not by the routing: peer=" + channel.peer());
        }
    }

    /** A correct signature over a channel also grants access to the group's memory over it. */
    private void verified(Channel channel, ControlKind kind, Trust.Verified message) {
        channel.grant(message.group());
        if (kind == ControlKind.SEALED_LINK) {
            link(channel, message.group(), message.payload());
        } else if (kind == ControlKind.SEALED_CLAIM) {
            claims.received(channel, message.group(), message.payload());
        } else {
            statusQuestions.received(channel, message.group(), message.payload());
        }
    }

    /** A message may arrive before the channel is reported as open, and its link answers over that channel. */
    private void link(Channel channel, @Nullable GroupName signedBy, Buffer payload) {
        channels.enter(channel);
        links.received(channel, signedBy, payload);
    }

    public Buffer livenessPayload(Channel channel) {
        return liveness.payload(channel);
    }

    public void livenessReceived(Channel channel, Buffer payload) {
        liveness.received(channel, payload);
    }

    // ---- keys

    /** The store or another process reports a changed key. */
    public void changed(String key, @Nullable StoredBytes value) {
        StoreKeys.groupOf(key)
                .ifPresent(name -> ports.groups().forEach(group -> {
                    if (group.name().value().equals(name)) {
                        group.barrier().execute(core -> core.keyChanged(key, group.opened(key, value)));
                    }
                }));
    }

    private boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy, String about) {
        if (group.equals(signedBy) || (signedBy == null && !trust.isSecured(group))) {
            return true;
        }
        trust.distrust(channel, group, "a question or an answer about " + about + " that its secret did not sign");
        return false;
    }

    /** The services for questions about the status. */
    private final class StatusPorts implements StatusQuestions.Ports {
        @Override
        public @Nullable Channel channelTo(ProcessId process) {
            return channels.to(process);
        }

        @Override
        public Channel over(Channel channel, GroupName group) {
            return trust.over(channel, group);
        }

        @Override
        public boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy) {
            return ProcessRouting.this.isTrusted(channel, group, signedBy, "the status");
        }

        @Override
        public Future<byte[]> statusHere(GroupName name) {
            RoutedGroup group = ports.group(name);
            return group == null
                    ? Future.failedFuture(notHere(name))
                    : group.statusPart().map(Buffer::getBytes);
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return ports.after(delayMs, task);
        }

        @Override
        public void malformed(Channel channel, String reason) {
            ports.malformed(channel, "status message", reason);
        }
    }

    private static MusterException notHere(GroupName name) {
        return MusterException.retry("group " + name + " is not in this process");
    }

    /** The services for questions about seats. */
    private final class ClaimPorts implements Claims.Ports {
        @Override
        public Future<Channel> connect(ProcessAddress address, GroupName group) {
            return ProcessRouting.this.connect(address).map(channel -> trust.over(channel, group));
        }

        @Override
        public Channel over(Channel channel, GroupName group) {
            return trust.over(channel, group);
        }

        @Override
        public boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy) {
            return ProcessRouting.this.isTrusted(channel, group, signedBy, "a rank");
        }

        @Override
        public LinkEvent.Reach reach(RankEntry entry) {
            return ports.reach(entry);
        }

        @Override
        public Future<Answer> holdsHere(RankEntry about, long withinMs) {
            RoutedGroup group = ports.group(about.group());
            return group == null
                    ? Future.succeededFuture(Answer.GONE)
                    : group.barrier().asked(about, withinMs);
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return ports.after(delayMs, task);
        }
    }

    /** The services for polling the views of other processes. */
    private final class PollPorts implements ReachabilityPoll.Ports {
        @Override
        public @Nullable Channel channelTo(ProcessId process) {
            return channels.to(process);
        }

        @Override
        public Future<View> viewHere(GroupName name) {
            RoutedGroup group = ports.group(name);
            return group == null
                    ? Future.failedFuture(notHere(name))
                    : group.barrier().view();
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return ports.after(delayMs, task);
        }
    }
}
