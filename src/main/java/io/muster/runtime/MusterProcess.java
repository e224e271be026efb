// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.fabric.Fabric;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.options.GpuOptions;
import io.muster.options.MusterOptions;
import io.muster.peer.LinkEvent;
import io.muster.routing.ProcessPorts;
import io.muster.routing.ProcessRouting;
import io.muster.routing.RoutedGroup;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.muster.transfer.Channel;
import io.muster.transfer.Complaints;
import io.muster.transfer.Transport;
import io.muster.transfer.gpu.GpuTransport;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parts that all groups of one process of Muster share: one transport, one store, one table of regions, one
 * {@link ProcessTrust} and one {@link ProcessRouting}. {@link LocalGroups} holds the groups.
 *
 * <p><b>Threads.</b> The methods may be called from any thread. All fields are final, except transport and store:
 * {@link #started} sets them once, before the store's listener is registered and before the first group.
 */
public final class MusterProcess {
    private static final Logger LOG = LoggerFactory.getLogger(MusterProcess.class);

    private final Complaints malformed = new Complaints(LOG, LogEvents.MESSAGE_MALFORMED);
    private final MusterContext own;
    private final Vertx vertx;
    private final MusterOptions options;
    private final ProcessId id;
    private final String hostId = HostIdentity.current();
    private final RegionTable regions;
    private final Fabric fabric;
    private final FlightLog flight;
    private final LoopWatch loops;
    private final GpuTransport transfers;
    private final ProcessTrust trust;
    private final SecureRandom random = new SecureRandom();
    private final ProcessRouting routing;
    private @Nullable Transport transport;
    private @Nullable SegmentStore store;

    /** @param groups the groups of this process at any time, for routing and flight record */
    MusterProcess(
            MusterContext own,
            Vertx vertx,
            MusterOptions options,
            ProcessId id,
            RegionTable regions,
            Hardware hardware,
            ProcessTrust trust,
            Map<GroupName, ? extends RoutedGroup> groups) {
        this.own = own;
        this.vertx = vertx;
        this.options = options;
        this.id = id;
        this.regions = regions;
        this.fabric = hardware.fabric();
        this.flight = new FlightLog(id, this::addressText, groups, options.flight());
        this.loops = new LoopWatch(flight.recorder(), options.status().loopLimitMs());
        hardware.gpus().pollFor(Duration.of(options.gpu().lookUs(), ChronoUnit.MICROS));
        this.routing = new ProcessRouting(
                new Ports(groups),
                trust,
                new ProcessRouting.Timing(
                        options.liveness().limitMs(), options.peer().refusedProbeMs()));
        this.transfers = new GpuTransport(
                vertx,
                own.workers(),
                regions,
                hardware.gpus(),
                new GpuTransport.Settings(
                        hardware.shareKind(),
                        options.peer().open().timeoutMs(),
                        options.transport().writeTimeoutMs(),
                        options.gpu().fallback() == GpuOptions.Fallback.TCP),
                routing.channels()::of);
        this.trust = trust;
    }

    public void started(Transport newTransport, SegmentStore newStore) {
        transport = newTransport;
        store = newStore;
        loops.add(own.context());
        loops.start();
    }

    /** The ports of the routing. */
    private final class Ports implements ProcessPorts {
        private final Map<GroupName, ? extends RoutedGroup> groups;

        private Ports(Map<GroupName, ? extends RoutedGroup> groups) {
            this.groups = groups;
        }

        @Override
        public ProcessAddress address() {
            return transport().address();
        }

        @Override
        public Collection<? extends RoutedGroup> groups() {
            return groups.values();
        }

        @Override
        public @Nullable RoutedGroup group(GroupName name) {
            return groups.get(name);
        }

        @Override
        public Future<Channel> dial(ProcessAddress address) {
            return transport().connect(address);
        }

        /** Whether an entry's address can be valid from here. */
        @Override
        public LinkEvent.Reach reach(RankEntry entry) {
            return new Reachability(id, hostId).of(entry);
        }

        @Override
        public long nonce() {
            return MusterProcess.this.nonce();
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return own.after(delayMs, task);
        }

        /** Rate-limited by host, so that a stranger can't fill the log. */
        @Override
        public void malformed(Channel channel, String expected, String reason) {
            malformed.note(
                    channel.address().host(),
                    "sent no " + expected + ": process=" + channel.peer() + " reason=" + reason);
        }
    }

    public ProcessRouting routing() {
        return routing;
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

    public LoopWatch loops() {
        return loops;
    }

    public FlightLog flight() {
        return flight;
    }

    ProcessAddress address() {
        return transport().address();
    }

    /** The address as text, empty before the start. */
    private String addressText() {
        Transport started = transport;
        return started == null ? "" : started.address().toString();
    }

    long nonce() {
        return random.nextLong();
    }

    SegmentStore store() {
        return started(store);
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
