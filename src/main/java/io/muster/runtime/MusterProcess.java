// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.barrier.Claims;
import io.muster.barrier.Gossip;
import io.muster.barrier.ReachabilityPoll;
import io.muster.barrier.StuckReport;
import io.muster.blame.View;
import io.muster.cuda.GpuTrouble;
import io.muster.fabric.Fabric;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GpuOptions;
import io.muster.options.MusterOptions;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.Complaints;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.ProcessAddress;
import io.muster.transfer.Transport;
import io.muster.transfer.gpu.GpuTransport;
import io.muster.transfer.memory.RegionTable;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * What all groups of this process share, and the way of everything that arrives: from the transport to links, claims
 * and barriers, from the store to the groups. Called on many contexts; it decides nothing and only hands on.
 */
public final class MusterProcess implements Transport.Listener, SegmentStore.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(MusterProcess.class);

    /** Said by the end that closes, and heard by the other. */
    private static final String IDLE = "no group needs it any more";

    private final Complaints malformed = new Complaints(LOG, "muster.message.malformed");
    private final MusterContext own;
    private final Vertx vertx;
    private final MusterOptions options;
    private final ProcessId id;
    private final String hostId = HostIdentity.current();
    private final RegionTable regions;
    private final Fabric fabric;
    private final FlightLog flight;
    private final GpuTransport transfers;
    private final ProcessTrust trust;
    private final SecureRandom random = new SecureRandom();
    private final Map<GroupName, LocalGroup> groups = new ConcurrentHashMap<>();
    private final Map<GroupName, Future<LocalGroup>> starting = new ConcurrentHashMap<>();
    /** The living channels by generation; entered and taken out on the channels' contexts, looked up on all. */
    private final Map<ChannelGeneration, Channel> channels = new ConcurrentHashMap<>();

    private final LinkInbox links = new LinkInbox(this);
    private final Beats beats = new Beats(this);
    private @Nullable Transport transport;
    private @Nullable SegmentStore store;
    private @Nullable Claims claims;
    private @Nullable TakeoverNotice takeovers;
    private @Nullable ReachabilityPoll observers;

    public MusterProcess(
            MusterContext own,
            Vertx vertx,
            MusterOptions options,
            ProcessId id,
            RegionTable regions,
            Hardware hardware,
            ProcessTrust trust) {
        this.own = own;
        this.vertx = vertx;
        this.options = options;
        this.id = id;
        this.regions = regions;
        this.fabric = hardware.fabric();
        this.flight = new FlightLog(this, options.flight());
        hardware.gpus().lookFor(Duration.of(options.gpu().lookUs(), ChronoUnit.MICROS));
        this.transfers = new GpuTransport(
                vertx,
                regions,
                hardware.gpus(),
                new GpuTransport.Settings(
                        hardware.shareKind(),
                        options.gpu().answerTimeoutMs(),
                        options.gpu().fallback() == GpuOptions.Fallback.TCP),
                this::channel);
        this.trust = trust;
        transfers.onLost(gpu -> groups.values()
                .forEach(group -> group.gpuLost("GPU " + gpu.device() + " is lost: "
                        + GpuTrouble.sentence(Objects.requireNonNull(gpu.lost())))));
    }

    public void started(Transport newTransport, SegmentStore newStore) {
        transport = newTransport;
        store = newStore;
        claims = new Claims(
                new ClaimsHost(), newTransport.address(), options.claim().livenessMs());
        takeovers = new TakeoverNotice(
                own,
                this::connect,
                this::sealed,
                this::hasSeat,
                options.peer().refused().probeMs());
        observers = new ReachabilityPoll(new ObserversHost());
    }

    // ---- from the transport

    @Override
    public void opened(Channel channel) {
        flight.recorder().channelOpened(channel);
        enter(channel);
        groups.values()
                .forEach(group -> group.links().forEach((key, row) -> {
                    if (row.state() instanceof LinkState.BackingOff backingOff
                            && isTarget(backingOff, channel.peer())) {
                        group.tellLink(key.rank(), key.peer(), new LinkEvent.ChannelUp());
                    }
                }));
    }

    private static boolean isTarget(LinkState state, ProcessId process) {
        var target = state.history().target();
        return target != null && target.entry().handle().process().equals(process);
    }

    void enter(Channel channel) {
        channels.put(channel.generation(), channel);
        if (!channel.isAlive()) {
            channels.remove(channel.generation());
        }
    }

    @Override
    public void lost(Channel channel, LossEvidence evidence) {
        flight.recorder().channelLost(channel, evidence);
        channels.remove(channel.generation());
        beats.forget(channel.generation());
        transfers.lost(channel);
        groups.values().forEach(group -> group.forget(channel.generation()));
        LOG.atLevel(evidence.detail().contains(IDLE) ? Level.DEBUG : Level.INFO)
                .log(
                        "muster.channel.lost process={} address={} how={} evidence={}",
                        channel.peer(),
                        channel.address(),
                        evidence.kind(),
                        evidence.detail());
        var event =
                new LinkEvent.ChannelLost(channel.generation(), evidence.kind().name(), evidence.detail());
        groups.values().forEach(group -> {
            group.tellAllLinks(event);
            group.barrier().processLost(channel.peer(), evidence);
        });
    }

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        switch (kind) {
            case LINK -> links.received(channel, null, payload);
            case GOSSIP -> {
                switch (Gossip.decode(payload)) {
                    case Decoded.Valid<Gossip>(Gossip gossip) -> changed(gossip.key(), gossip.value());
                    case Decoded.Malformed<Gossip>(String reason) -> malformed(channel, "gossip", reason);
                }
            }
            case CLAIM -> claims().received(channel, null, payload);
            case VIEW -> observers().received(channel, payload);
            case TRANSFER -> transfers.received(channel, payload);
            case SEALED_LINK, SEALED_CLAIM -> {
                switch (SealedMessage.decode(kind, payload)) {
                    case Decoded.Valid<SealedMessage>(SealedMessage message) -> sealed(channel, message);
                    case Decoded.Malformed<SealedMessage>(String reason) ->
                        malformed(channel, "signed message", reason);
                }
            }
        }
    }

    /** Whoever signs for a group over a channel may use the group's memory over it. */
    private void sealed(Channel channel, SealedMessage message) {
        GroupSeals seals = trust.seals(message.group());
        if (seals == null || !seals.isAuthentic(channel, message)) {
            distrust(
                    channel,
                    message.group(),
                    seals == null
                            ? "a signed message, and no secret is set here"
                            : "a message that its secret did not sign");
            return;
        }
        channel.grant(message.group());
        Buffer payload = Buffer.buffer(message.payload());
        if (message.kind() == ControlKind.SEALED_LINK) {
            links.received(channel, message.group(), payload);
        } else {
            claims().received(channel, message.group(), payload);
        }
    }

    void distrust(Channel channel, GroupName group, String what) {
        trust.distrust(
                group,
                channel.address().host(),
                "sent " + what + ": group=" + group + " process=" + channel.peer()
                        + "; if that is a process of yours, give it the secret of the others (security.secretFile)");
    }

    /** As many as there come, no log fills. */
    void malformed(Channel channel, String expected, String reason) {
        malformed.note(
                channel.address().host(), "sent no " + expected + ": process=" + channel.peer() + " reason=" + reason);
    }

    @Override
    public Buffer livenessPayload(Channel channel) {
        return beats.payload(channel);
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {
        beats.received(channel, payload);
    }

    // ---- from the store

    @Override
    public void changed(String key, @Nullable StoredBytes value) {
        StoreKeys.groupOf(key)
                .map(this::groupNamed)
                .ifPresent(group -> group.barrier().execute(core -> core.keyChanged(key, group.opened(key, value))));
    }

    private @Nullable LocalGroup groupNamed(String name) {
        for (Map.Entry<GroupName, LocalGroup> group : groups.entrySet()) {
            if (group.getKey().value().equals(name)) {
                return group.getValue();
            }
        }
        return null;
    }

    /**
     * After a merge this process has another identity in the cluster: its entries say so anew, and everything is read
     * again.
     */
    @Override
    public void merged() {
        LOG.warn("muster.store.merged process={}", id);
        groups.values().forEach(group -> {
            group.republish();
            group.barrier().execute(core -> core.reconcile());
        });
    }

    /**
     * Without its member of the store a process can't learn or say anything any more. Its links stay up, for what they
     * are worth.
     */
    @Override
    public void ended() {
        String reason =
                "Hazelcast has shut down in this process (for want of files, sockets or memory, after a split that it could not heal, or"
                        + " because somebody has shut it down; see its log): it can't take part any more, start it again";
        LOG.error("muster.store.ended process={} {}", id, reason);
        groups.values().forEach(group -> group.barrier().abandonWaits(reason));
    }

    @Override
    public void membersChanged(SegmentStore.PresentMembers present) {
        groups.values().forEach(group -> group.barrier().execute(core -> core.membersChanged(present)));
    }

    // ---- what the groups share

    public Future<Channel> connect(ProcessAddress address) {
        return transport().connect(address).map(channel -> {
            enter(channel);
            return channel;
        });
    }

    /** A channel to a process, as a group uses it. */
    private Future<Channel> connectFor(ProcessAddress address, GroupName group) {
        return connect(address).map(channel -> trust.over(channel, group));
    }

    @Nullable
    public Channel channel(ChannelGeneration generation) {
        Channel channel = channels.get(generation);
        return channel != null && channel.isAlive() ? channel : null;
    }

    public Set<ChannelGeneration> channels() {
        return Set.copyOf(channels.keySet());
    }

    /** A living channel to a process, null if there is none. */
    @Nullable
    Channel channelTo(ProcessId process) {
        return channels.values().stream()
                .filter(channel -> channel.peer().equals(process) && channel.isAlive())
                .findFirst()
                .orElse(null);
    }

    /** For a call that waits: who is missing in the group, and whether the store answers. */
    public Future<String> whatIsMissing(GroupName group) {
        LocalGroup runtime = groups.get(group);
        return runtime == null
                ? Future.succeededFuture("group=" + group + " is not there yet")
                : runtime.barrier().report().map(StuckReport::text);
    }

    /** What asking others whom they reach needs. */
    private final class ObserversHost implements ReachabilityPoll.Host {
        @Override
        public @Nullable Channel channelTo(ProcessId process) {
            return MusterProcess.this.channelTo(process);
        }

        @Override
        public Future<View> viewHere(GroupName group) {
            LocalGroup runtime = groups.get(group);
            return runtime == null
                    ? Future.failedFuture(MusterException.retry("no group " + group + " here"))
                    : runtime.barrier().view();
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return own.after(delayMs, task);
        }
    }

    private Gossip sealed(Gossip gossip) {
        LocalGroup group = groups.get(gossip.group());
        return group == null ? gossip : group.sealed(gossip);
    }

    void spread(Gossip gossip, Predicate<ProcessId> to) {
        Buffer payload = gossip.encode();
        for (Channel channel : channels.values()) {
            if (to.test(channel.peer())) {
                channel.send(ControlKind.GOSSIP, payload);
            }
        }
    }

    private boolean hasSeat(RankEntry own) {
        LocalGroup runtime = groups.get(own.group());
        return runtime != null
                && own.member().equals(runtime.localSeat(own.member().rank()));
    }

    /** What the questions about seats need. */
    private final class ClaimsHost implements Claims.Host {
        @Override
        public Future<Channel> connect(ProcessAddress address, GroupName group) {
            return connectFor(address, group);
        }

        @Override
        public Channel over(Channel channel, GroupName group) {
            return trust.over(channel, group);
        }

        @Override
        public boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy) {
            if (group.equals(signedBy) || (signedBy == null && trust.seals(group) == null)) {
                return true;
            }
            distrust(channel, group, "a question or an answer about a rank that its secret did not sign");
            return false;
        }

        @Override
        public LinkEvent.Reach reach(RankEntry entry) {
            return MusterProcess.this.reach(entry);
        }

        @Override
        public Future<Answer> holdsHere(RankEntry about, long withinMs) {
            LocalGroup runtime = groups.get(about.group());
            return runtime == null
                    ? Future.succeededFuture(Answer.GONE)
                    : runtime.barrier().asked(about, withinMs);
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return own.after(delayMs, task);
        }
    }

    /** Whether an entry's address can be valid from here. */
    LinkEvent.Reach reach(RankEntry entry) {
        return new Reachability(id, hostId).of(entry);
    }

    /** The group in this process, started if this is its first rank here. */
    public Future<LocalGroup> groupFor(GroupName name, int worldSize, @Nullable GroupSecret secret) {
        Promise<LocalGroup> started = Promise.promise();
        Future<LocalGroup> known = starting.putIfAbsent(name, started.future());
        if (known != null) {
            return known.map(group -> {
                trust.agree(name, group.seals(), secret);
                return group;
            });
        }
        LocalGroup group;
        try {
            ProcessTrust.Begun begun = trust.begin(name, secret);
            if (begun.isFirstSecret()) {
                transport().endUnproved();
            }
            group = new LocalGroup(this, name, worldSize, begun.seals());
        } catch (MusterException disagreement) {
            starting.remove(name);
            started.fail(disagreement);
            return started.future();
        }
        groups.put(name, group);
        group.start().onComplete(outcome -> {
            if (outcome.succeeded()) {
                started.complete(group);
            } else {
                groups.remove(name);
                starting.remove(name);
                trust.ended(name, group.seals());
                started.fail(outcome.cause());
            }
        });
        return started.future();
    }

    public Future<Void> leave(GroupName name, int rank) {
        LocalGroup group = groups.get(name);
        return group == null ? Future.succeededFuture() : group.leave(rank).compose(_ -> endIfEmpty(group));
    }

    /** The last rank of a group takes the group along. */
    Future<Void> endIfEmpty(LocalGroup group) {
        if (!group.endIfEmpty()) {
            return Future.succeededFuture();
        }
        groups.remove(group.name(), group);
        starting.remove(group.name());
        return group.close("the last rank has left").onComplete(_ -> {
            trust.ended(group.name(), group.seals());
            closeIdleChannels();
        });
    }

    /**
     * Ends the channels to processes that no link of any group here has to do with. One that is needed after all is
     * dialled anew.
     */
    private void closeIdleChannels() {
        Set<ProcessId> needed = new HashSet<>();
        groups.values().forEach(group -> {
            needed.addAll(group.ahead());
            group.links().forEach((_, row) -> {
                var target = row.state().history().target();
                if (target != null) {
                    needed.add(target.entry().handle().process());
                }
            });
        });
        var idle = new LossEvidence(LossEvidence.Kind.CLOSED_HERE, IDLE);
        channels.values().stream()
                .filter(channel -> !needed.contains(channel.peer()))
                .forEach(channel -> channel.close(idle));
    }

    Optional<LocalGroup> group(GroupName name) {
        return Optional.ofNullable(groups.get(name));
    }

    public Map<GroupName, LocalGroup> groups() {
        return groups;
    }

    public MusterContext own() {
        return own;
    }

    public Vertx vertx() {
        return vertx;
    }

    public ProcessTrust trust() {
        return trust;
    }

    public MusterOptions options() {
        return options;
    }

    public ProcessId id() {
        return id;
    }

    public String hostId() {
        return hostId;
    }

    public RegionTable regions() {
        return regions;
    }

    public GpuTransport transfers() {
        return transfers;
    }

    Fabric fabric() {
        return fabric;
    }

    public FlightLog flight() {
        return flight;
    }

    ProcessAddress address() {
        return transport().address();
    }

    /** For people, at any time. */
    String addressText() {
        Transport started = transport;
        return started == null ? "" : started.address().toString();
    }

    long nonce() {
        return random.nextLong();
    }

    SegmentStore store() {
        return started(store);
    }

    Claims claims() {
        return started(claims);
    }

    TakeoverNotice takeovers() {
        return started(takeovers);
    }

    ReachabilityPoll observers() {
        return started(observers);
    }

    public Transport transport() {
        return started(transport);
    }

    private static <T> T started(@Nullable T part) {
        if (part == null) {
            throw new IllegalStateException("not started");
        }
        return part;
    }
}
