// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.cuda.driver.GpuTrouble;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.HostPort;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.options.MusterOptions;
import io.muster.store.SegmentStore;
import io.muster.transfer.Channel;
import io.muster.transfer.Complaints;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.RegionTable;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The groups of one process, and the connection of the transport and the store to them.
 *
 * <p><b>State.</b> {@code groups} holds the groups that exist here. {@code starting} holds, for each of them, the
 * future of its start. The class decides nothing: it passes each event to the routing and to the groups, which act on
 * their own contexts.
 *
 * <p><b>Threads.</b> Events of channels arrive on the contexts of the channels, events of the store on the context of
 * the store, calls of the API on the context of {@link MusterContext}, and diagnostics are read on any thread. So both
 * maps are concurrent.
 *
 * <p><b>Order of events.</b> The first rank of a group starts it ({@link #groupFor}); ranks that come meanwhile wait
 * for the same future. A group is in {@code groups} before its start has ended, since messages of peers and events of
 * the store arrive from its first step on. If the start fails, it is removed from both maps. The last rank that leaves
 * takes the group along ({@link #endIfEmpty}): the group is marked as ended under its own monitor, then removed from
 * both maps, then closed, and last its secret is removed and idle channels are closed. A rank that joins after the mark
 * fails with RETRY; a rank that joins after the removal starts a new group of the same name.
 *
 * <p><b>Invariants.</b> A group whose start failed, or whose last rank has left, gives its secret back to
 * {@link ProcessTrust} exactly once. Only {@link #groupFor} creates a group; an event never does.
 *
 * <p><b>The trap.</b> One channel serves all links of all groups between two processes, so it must stay open when one
 * of these groups ends. {@link #closeIdleChannels} therefore asks all groups for the processes that they need: the
 * targets of their links, and the processes that they have dialled ahead of a published rank. A channel that is closed
 * although a link of a group is about to need it is dialled again; this costs time and nothing else.
 */
public final class LocalGroups implements Transport.Listener, SegmentStore.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(LocalGroups.class);

    private final Complaints unopened = new Complaints(LOG, LogEvents.CHANNEL_UNOPENED);
    private final Map<GroupName, LocalGroup> groups = new ConcurrentHashMap<>();
    private final Map<GroupName, Future<LocalGroup>> starting = new ConcurrentHashMap<>();
    private final MusterProcess process;

    public LocalGroups(
            MusterContext own,
            Vertx vertx,
            MusterOptions options,
            ProcessId id,
            RegionTable regions,
            Hardware hardware,
            ProcessTrust trust) {
        this.process = new MusterProcess(own, vertx, options, id, regions, hardware, trust, groups);
        process.loops().onStalled(() -> groups.values().forEach(LocalGroup::loopStalled));
        process.transfers()
                .onLost(gpu -> groups.values()
                        .forEach(group -> group.gpuLost("GPU " + gpu.device() + " is lost: "
                                + GpuTrouble.sentence(Objects.requireNonNull(gpu.lost())))));
    }

    public MusterProcess process() {
        return process;
    }

    public Map<GroupName, LocalGroup> groups() {
        return groups;
    }

    // ---- from the transport

    @Override
    public void opened(Channel channel) {
        process.flight().recorder().channelOpened(channel);
        process.routing().opened(channel);
    }

    @Override
    public void lost(Channel channel, LossEvidence evidence) {
        process.flight().recorder().channelLost(channel, evidence);
        process.transfers().lost(channel);
        groups.values().forEach(group -> group.forget(channel.generation()));
        LOG.atLevel(evidence.reason() == LossEvidence.Reason.IDLE ? Level.DEBUG : Level.INFO)
                .log(
                        LogEvents.CHANNEL_LOST + " process={} address={} how={} evidence={}",
                        channel.peer(),
                        channel.address(),
                        evidence.kind(),
                        evidence.detail());
        process.routing().lost(channel, evidence);
    }

    @Override
    public void notOpened(ProcessAddress peer, LossEvidence evidence) {
        String why = switch (evidence.kind()) {
            case SILENCE, STALLED, PROTOCOL_ERROR ->
                "can't be connected: " + evidence.kind() + ": " + evidence.detail();
            case OUT_OF_MEMORY ->
                "can't be connected: this process has " + evidence.detail()
                        + "; start it with a greater -XX:MaxDirectMemorySize";
            case PEER_OUT_OF_MEMORY ->
                "can't be connected: process " + peer.process() + " there has " + evidence.detail()
                        + "; start that one with a greater -XX:MaxDirectMemorySize";
            // another channel takes its place, or the next dial finds out more
            case SOCKET_CLOSED, REPLACED, CLOSED_HERE, UNHEARD -> "";
        };
        if (!why.isEmpty()) {
            unopened.note(HostPort.text(peer.host(), peer.port()), why);
            process.routing().notOpened(peer.process(), evidence);
        }
    }

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        if (kind == ControlKind.TRANSFER) {
            process.transfers().received(channel, payload);
        } else {
            process.routing().received(channel, kind, payload);
        }
    }

    @Override
    public Buffer livenessPayload(Channel channel) {
        return process.routing().livenessPayload(channel);
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {
        process.routing().livenessReceived(channel, payload);
    }

    // ---- from the store

    @Override
    public void changed(String key, @Nullable StoredBytes value) {
        process.routing().changed(key, value);
    }

    /** After a merge this process has another identity in the cluster. */
    @Override
    public void merged() {
        LOG.warn(LogEvents.STORE_MERGED + " process={}", process.id());
        outdated();
    }

    /** Publishes the own entries again, and reads everything again. */
    @Override
    public void outdated() {
        groups.values().forEach(group -> {
            group.republish();
            group.barrier().execute(core -> core.reconcile());
        });
    }

    /**
     * Without its member of the store a process can neither read nor publish. Its links stay up, but no epoch can
     * change.
     */
    @Override
    public void ended() {
        String reason = "Hazelcast has shut down in this process (it ran out of files, sockets or memory, could not "
                + "heal a split, or was"
                + " shut down by the application; see its log): the process can't take part any more, "
                + "start it again";
        LOG.error(LogEvents.STORE_ENDED + " process={} {}", process.id(), reason);
        process.own().storeEnded(reason);
        groups.values().forEach(group -> group.barrier().abandonWaits(reason));
    }

    @Override
    public void membersChanged(SegmentStore.PresentMembers present) {
        groups.values().forEach(group -> group.barrier().execute(core -> core.membersChanged(present)));
    }

    // ---- shared by the groups

    /** For the log of a pending call: the ranks that the group misses, and whether the store answers. */
    public Future<String> whatIsMissing(GroupName group) {
        LocalGroup runtime = groups.get(group);
        return runtime == null
                ? Future.succeededFuture("group=" + group + " has not started yet")
                : runtime.whatIsMissing();
    }

    /** The group in this process, started if this is its first rank here. */
    public Future<LocalGroup> groupFor(GroupName name, int worldSize, @Nullable GroupSecret secret) {
        Promise<LocalGroup> started = Promise.promise();
        Future<LocalGroup> known = starting.putIfAbsent(name, started.future());
        if (known != null) {
            return known.map(group -> {
                process.trust().agree(name, group.seals(), secret);
                return group;
            });
        }
        LocalGroup group;
        try {
            ProcessTrust.Begun begun = process.trust().begin(name, secret);
            if (begun.isFirstSecret()) {
                process.transport().endUnproved();
            }
            group = new LocalGroup(process, name, worldSize, begun.seals(), this::endIfEmpty);
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
                process.trust().ended(name, group.seals());
                started.fail(outcome.cause());
            }
        });
        return started.future();
    }

    /** Closes all groups. */
    public Future<Void> close(String reason) {
        return Future.join(groups.values().stream()
                        .map(group -> group.close(reason))
                        .toList())
                .transform(_ -> {
                    groups.clear();
                    starting.clear();
                    return Future.succeededFuture();
                });
    }

    /** Ends the group if its last rank has left. */
    private Future<Void> endIfEmpty(LocalGroup group) {
        if (!group.endIfEmpty()) {
            return Future.succeededFuture();
        }
        groups.remove(group.name(), group);
        starting.remove(group.name());
        return group.close("the last rank has left").onComplete(_ -> {
            process.trust().ended(group.name(), group.seals());
            closeIdleChannels();
        });
    }

    /**
     * Closes the channels to processes that no link of any group here needs. If one is needed after all, it is dialled
     * again.
     */
    private void closeIdleChannels() {
        Set<ProcessId> needed = new HashSet<>();
        groups.values().forEach(group -> {
            needed.addAll(group.network().ahead());
            group.linkTable().forEach((_, row) -> {
                var target = row.state().history().target();
                if (target != null) {
                    needed.add(target.entry().handle().process());
                }
            });
        });
        var idle = LossEvidence.closedHere(LossEvidence.Reason.IDLE);
        process.routing().channels().all().stream()
                .filter(channel -> !needed.contains(channel.peer()))
                .forEach(channel -> channel.close(idle));
    }
}
