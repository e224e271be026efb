// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.Muster;
import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.options.TransportOptions;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkMessage;
import io.muster.peer.PairId;
import io.muster.peer.WarmupAnswer;
import io.muster.peer.WarmupSlot;
import io.muster.runtime.HostIdentity;
import io.muster.runtime.StartDependencies;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.SilentListener;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.TcpOptions;
import io.muster.transfer.tcp.TcpTransport;
import io.muster.wire.Decoded;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;

/**
 * Measures the heap that one peer connection takes. One rank connects to many peers over real sockets, with the store
 * in memory. The peers live in a fake second process in the same JVM, which accepts every link and keeps no state. So
 * only the one rank's memory is counted: verticles, states, entries, the barrier. The two sockets between the processes
 * are counted once, for any number of peers.
 */
final class LinkMemory {
    private static final GroupName GROUP = new GroupName("memory");
    private static final WarmupAnswer YES = new WarmupAnswer(WarmupAnswer.Plan.SKIP, true, "tcp", "measuring");
    private static final int NO_LIVENESS_MS = 600_000;
    private static final long PATIENCE_S = 120;
    private static final int SAME_LOOKS = 3;
    private static final int MOST_LOOKS = 40;
    private static final long PAUSE_NANOS = 50_000_000;

    private LinkMemory() {}

    /**
     * Heap after full collections.
     *
     * @param beforeBytes with the process started, before its rank joined
     * @param afterBytes with all peers connected
     */
    record Measured(int peers, long beforeBytes, long afterBytes) {
        long bytesPerPeer() {
            return (afterBytes - beforeBytes) / peers;
        }
    }

    /**
     * Connects, measures and closes everything. The first run in a JVM also counts the classes that it loads. Blocks.
     */
    static Measured measure(int peers) {
        var shared = new InMemorySegmentStore.Shared();
        Vertx vertx = Vertx.vertx();
        Vertx fake = Vertx.vertx();
        TcpTransport others = null;
        try {
            others = fake(fake, shared, peers);
            var options = MusterOptions.fromJson(new JsonObject()
                    .put("warmup", new JsonObject().put("mode", "skip"))
                    .put("liveness", new JsonObject().put("intervalMs", NO_LIVENESS_MS)));
            var id = ProcessId.random(RandomGenerator.getDefault());
            StartDependencies.USUAL
                    .with(new StartDependencies.OwnStore(shared.store(vertx.getOrCreateContext(), id), id))
                    .leaveFor(vertx);
            Muster muster = Muster.start(vertx, options).await();
            long before = heapBytes();
            Promise<Void> connected = Promise.promise();
            var left = new AtomicInteger(peers + 1);
            var listening = vertx.eventBus().<LinkChange>localConsumer(new Addresses(GROUP).linkState(), message -> {
                if (message.body().gainedPeer() != null && left.decrementAndGet() == 0) {
                    connected.complete();
                }
            });
            muster.join(GroupOptions.of(GROUP.value(), peers, peers + 1)).await();
            connected.future().await(PATIENCE_S, TimeUnit.SECONDS);
            listening.unregister().await();
            long after = heapBytes();
            muster.close().await();
            return new Measured(peers, before, after);
        } catch (java.util.concurrent.TimeoutException late) {
            throw new IllegalStateException(peers + " peers not connected after " + PATIENCE_S + " s", late);
        } finally {
            if (others != null) {
                others.close().await();
            }
            fake.close().await();
            vertx.close().await();
        }
    }

    /** Publishes that many peers at one address and listens there. */
    private static TcpTransport fake(Vertx vertx, InMemorySegmentStore.Shared shared, int peers) {
        var id = ProcessId.random(RandomGenerator.getDefault());
        InMemorySegmentStore store = shared.store(vertx.getOrCreateContext(), id);
        TransportOptions limits = TransportOptions.DEFAULTS;
        var options = new TcpOptions(
                "127.0.0.1",
                0,
                "127.0.0.1",
                limits.helloTimeoutMs(),
                NO_LIVENESS_MS,
                3,
                limits.maxFrameBytes(),
                limits.writeTimeoutMs(),
                limits.keepaliveMs(),
                limits.maxUnauthenticatedConnections(),
                64);
        TcpTransport transport = TcpTransport.start(
                        vertx,
                        options,
                        id,
                        new RegionTable(vertx, vertx.createSharedWorkerExecutor("test")),
                        new AcceptingListener())
                .await();
        var keys = new StoreKeys(GROUP);
        for (int rank = 0; rank < peers; rank++) {
            var handle = new SegmentHandle(
                    id,
                    transport.address().host(),
                    transport.address().port(),
                    HostIdentity.current(),
                    ProcessHandle.current().pid(),
                    store.localMemberUuid(),
                    "skip",
                    List.of("local", "tcp"),
                    SegmentHandle.FabricOffer.NONE,
                    List.of());
            var member = new Member(rank, 1, LifeId.random(RandomGenerator.getDefault()));
            store.compareAndSet(
                            keys.rank(rank),
                            null,
                            Schema.encode(new RankEntry(GROUP, peers + 1, member, RankEntry.State.LIVE, 0, handle)))
                    .await();
        }
        return transport;
    }

    /**
     * Collects until the heap stops shrinking, so that short-lived objects, such as queued messages, are not counted.
     */
    private static long heapBytes() {
        long least = Long.MAX_VALUE;
        for (int same = 0, looks = 0; same < SAME_LOOKS && looks < MOST_LOOKS; looks++) {
            System.gc();
            long used = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
            same = used < least - least / 200 ? 0 : same + 1;
            least = Math.min(least, used);
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        return least;
    }

    /** Accepts every link. */
    private static final class AcceptingListener extends SilentListener {
        @Override
        public void received(Channel channel, ControlKind kind, Buffer payload) {
            if (kind == ControlKind.LINK
                    && LinkCodec.decode(payload) instanceof Decoded.Valid<LinkMessage>(LinkMessage.Open open)) {
                var pair = new PairId(open.entry().member(), open.waiter(), open.attempt(), open.nonce(), 1);
                channel.send(
                        ControlKind.LINK,
                        LinkCodec.encode(new LinkMessage.Accept(
                                open.group(), pair, new WarmupSlot(new RemoteRegion(1, 1, Long.BYTES), 0), YES)));
            }
        }
    }
}
