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
 * What all groups of a process share of its channels: the way of each message to the group that it is for, what a
 * channel that opens or ends means to the links, and the questions that processes ask each other. It decides nothing
 * and keeps no state of a group. Called on many contexts; one channel's calls come one after the other.
 */
public final class ProcessRouting {
    private final ProcessPorts ports;
    private final Trust trust;
    private final Channels channels = new Channels();
    private final LinkInbox links;
    private final Liveness liveness;
    private final Claims claims;
    private final ReachabilityPoll observers;
    private final TakeoverNotice takeovers;

    /**
     * How long the questions of a process wait.
     *
     * @param claimMs for an answer to who holds a rank
     * @param takeoverMs from one attempt to tell a life that it has been taken over to the next
     */
    public record Timing(long claimMs, long takeoverMs) {}

    public ProcessRouting(ProcessPorts ports, Trust trust, Timing timing) {
        this.ports = ports;
        this.trust = trust;
        this.links = new LinkInbox(ports, trust);
        this.liveness = new Liveness(ports, trust);
        this.claims = new Claims(new ClaimsHost(), ports::address, timing.claimMs());
        this.observers = new ReachabilityPoll(new ObserversHost());
        this.takeovers = new TakeoverNotice(ports, this::connect, timing.takeoverMs());
    }

    /** The network of one group. */
    public GroupNetwork networkOf(RoutedGroup group) {
        return new GroupNetwork(this, ports, group);
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

    Claims claims() {
        return claims;
    }

    ReachabilityPoll observers() {
        return observers;
    }

    TakeoverNotice takeovers() {
        return takeovers;
    }

    // ---- channels

    /** Links that wait to try again need not wait any longer where their process is reached now. */
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

    public void lost(Channel channel, LossEvidence evidence) {
        channels.remove(channel.generation());
        liveness.forget(channel.generation());
        var event =
                new LinkEvent.ChannelLost(channel.generation(), evidence.kind().name(), evidence.detail());
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

    /** Transfers are no message of a group, and do not come here. */
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        switch (kind) {
            case LINK -> link(channel, null, payload);
            case CLAIM -> claims.received(channel, null, payload);
            case VIEW -> observers.received(channel, payload);
            case GOSSIP -> {
                switch (Gossip.decode(payload)) {
                    case Decoded.Valid<Gossip>(Gossip gossip) -> changed(gossip.key(), gossip.value());
                    case Decoded.Malformed<Gossip>(String reason) -> ports.malformed(channel, "gossip", reason);
                }
            }
            case SEALED_LINK, SEALED_CLAIM -> {
                switch (trust.verified(channel, kind, payload)) {
                    case Decoded.Valid<Trust.Verified>(Trust.Verified message) -> verified(channel, kind, message);
                    case Decoded.Malformed<Trust.Verified>(String reason) ->
                        ports.malformed(channel, "signed message", reason);
                    case null -> {}
                }
            }
            case TRANSFER -> throw new IllegalArgumentException("a transfer is the transport's to receive");
        }
    }

    /** A process that signs for a group over a channel may use the group's memory over it. */
    private void verified(Channel channel, ControlKind kind, Trust.Verified message) {
        channel.grant(message.group());
        if (kind == ControlKind.SEALED_LINK) {
            link(channel, message.group(), message.payload());
        } else {
            claims.received(channel, message.group(), message.payload());
        }
    }

    /**
     * A message may be here before the channel is reported as open; its links answer over the channel that it came by.
     */
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

    /** A key of the store has changed, as the store or another process says. */
    public void changed(String key, @Nullable StoredBytes value) {
        StoreKeys.groupOf(key)
                .ifPresent(name -> ports.groups().forEach(group -> {
                    if (group.name().value().equals(name)) {
                        group.barrier().execute(core -> core.keyChanged(key, group.opened(key, value)));
                    }
                }));
    }

    /** What the questions about seats need. */
    private final class ClaimsHost implements Claims.Host {
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
            if (group.equals(signedBy) || (signedBy == null && !trust.isSecured(group))) {
                return true;
            }
            trust.distrust(channel, group, "a question or an answer about a rank that its secret did not sign");
            return false;
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

    /** What asking others which processes they reach needs. */
    private final class ObserversHost implements ReachabilityPoll.Host {
        @Override
        public @Nullable Channel channelTo(ProcessId process) {
            return channels.to(process);
        }

        @Override
        public Future<View> viewHere(GroupName name) {
            RoutedGroup group = ports.group(name);
            return group == null
                    ? Future.failedFuture(MusterException.retry("no group " + name + " here"))
                    : group.barrier().view();
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return ports.after(delayMs, task);
        }
    }
}
