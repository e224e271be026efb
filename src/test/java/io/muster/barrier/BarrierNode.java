// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.View;
import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.epoch.BarrierSetup;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.peer.History;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.seat.SeatEvent;
import io.muster.segment.KeyOwner;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A process with one rank of a group of two: the barrier verticle is real, its links are played by the test, its store
 * can be stalled.
 */
final class BarrierNode implements GroupServices, Links, Network, SegmentStore.Listener {
    static final GroupName GROUP = new GroupName("g");
    static final Addresses ADDRESSES = new Addresses(GROUP);

    /** The outcome of proving idle paths. */
    Future<Void> proof = Future.succeededFuture();

    final Vertx vertx;
    final int rank;
    final ProcessId process;
    final StallingStore store;
    /** The port that its entry says. */
    int port;
    /** How long ago the links of this node change, as far as the reports know. */
    volatile long linksAgoNanos;

    final LinkTable links = new LinkTable(() -> System.nanoTime() - linksAgoNanos);
    final BarrierVerticle barrier;
    final Queue<Member> opened = new ConcurrentLinkedQueue<>();
    /** Receives the gossip that this node broadcasts. */
    volatile @Nullable BarrierNode other;

    volatile Consumer<LinkEvent> onTell = _ -> {};

    BarrierNode(Vertx vertx, InMemorySegmentStore.Shared shared, int rank) {
        this(vertx, shared, rank, 250);
    }

    BarrierNode(Vertx vertx, InMemorySegmentStore.Shared shared, int rank, long overdueMs) {
        this.vertx = vertx;
        this.rank = rank;
        this.port = 7000 + rank;
        this.process = new ProcessId(rank + 1, 1);
        this.store = new StallingStore(shared.store(vertx.getOrCreateContext(), process));
        this.barrier = new BarrierVerticle(
                new BarrierSetup(GROUP, 2, process, 5, 10, 5, overdueMs, 20),
                this,
                new BarrierTiming(60_000, 0, 50, 50, 200));
        LocalCodec.register(vertx);
    }

    /** Answers when it is let. */
    static final class StallingStore implements WrappedStore {
        private final SegmentStore store;
        private final Queue<Runnable> held = new ConcurrentLinkedQueue<>();
        private volatile boolean stalled;
        private volatile @Nullable Promise<Void> awaitedRead;
        private volatile @Nullable KeyOwner keyOwner;

        StallingStore(SegmentStore store) {
            this.store = store;
        }

        void stall() {
            stalled = true;
        }

        /** The next read is done at once, and answered when it is let. Completes when it is done. */
        Future<Void> holdTheNextRead() {
            Promise<Void> read = Promise.promise();
            awaitedRead = read;
            return read.future();
        }

        /** Changes the owner from now on, without an event. */
        void keysMoveTo(BarrierNode owner) {
            keyOwner = new KeyOwner(owner.process, owner.store.localMemberUuid());
        }

        @Override
        public @Nullable KeyOwner keyOwner(GroupName group) {
            KeyOwner moved = keyOwner;
            return moved == null ? store.keyOwner(group) : moved;
        }

        boolean isStalled() {
            return stalled;
        }

        void release() {
            stalled = false;
            for (Runnable operation = held.poll(); operation != null; operation = held.poll()) {
                operation.run();
            }
        }

        private <T extends @Nullable Object> Future<T> when(Supplier<Future<T>> operation) {
            if (!stalled) {
                return operation.get();
            }
            Promise<T> later = Promise.promise();
            held.add(() -> operation.get().onComplete(later));
            return later.future();
        }

        @Override
        public Future<@Nullable StoredBytes> get(String key) {
            return when(() -> store.get(key));
        }

        @Override
        public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
            Promise<Void> awaited = awaitedRead;
            if (awaited == null) {
                return when(() -> store.getAll(keys));
            }
            awaitedRead = null;
            Future<Map<String, StoredBytes>> read = store.getAll(keys);
            Promise<Map<String, StoredBytes>> later = Promise.promise();
            held.add(() -> read.onComplete(later));
            read.onComplete(_ -> awaited.complete());
            return later.future();
        }

        @Override
        public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
            return when(() -> store.compareAndSet(key, expected, next));
        }

        @Override
        public SegmentStore store() {
            return store;
        }
    }

    Future<Member> join() {
        var handle = new SegmentHandle(
                process,
                "127.0.0.1",
                port,
                "host",
                100 + rank,
                store.localMemberUuid(),
                "auto",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        return store.listen(this)
                .compose(_ -> vertx.deployVerticle(barrier))
                .compose(_ -> barrier.agreeOnWorldSize()) // as each join does
                .compose(_ -> barrier.join(rank, handle))
                .map(RankEntry::member);
    }

    void change(Member self, Member peer, LinkState from, LinkState to, String cause) {
        var change =
                new LinkChange(GROUP, self, peer.rank(), from, to, "because the test says so", cause, Instant.now());
        links.note(change);
        vertx.eventBus().publish(ADDRESSES.linkState(), change, LocalCodec.delivery());
    }

    void connect(Member self, Member peer, Proof proof) {
        change(self, peer, new LinkState.WaitingStore(History.EMPTY), connected(peer, proof), "FAILED");
    }

    void lose(Member self, Member peer) {
        change(self, peer, connected(peer, Proof.WARMUP), new LinkState.BackingOff(history(peer)), "SOCKET_CLOSED");
    }

    private static History history(Member peer) {
        return new History(null, peer, false, 1, 0, null, List.of());
    }

    private static LinkState connected(Member peer, Proof proof) {
        return new LinkState.Connected(history(peer), null, proof, "");
    }

    Future<JsonObject> next(String address) {
        Promise<JsonObject> heard = Promise.promise();
        vertx.eventBus().<JsonObject>localConsumer(address, message -> heard.tryComplete(message.body()));
        return heard.future();
    }

    @Override
    public void changed(String key, @Nullable StoredBytes value) {
        if (!store.isStalled()) {
            barrier.execute(core -> core.keyChanged(key, value));
        }
    }

    @Override
    public void outdated() {}

    @Override
    public void membersChanged(SegmentStore.PresentMembers present) {}

    @Override
    public SegmentStore store() {
        return store;
    }

    @Override
    public LinkTable linkTable() {
        return links;
    }

    @Override
    public Future<Void> prove() {
        return proof;
    }

    @Override
    public Links links() {
        return this;
    }

    @Override
    public Network network() {
        return this;
    }

    @Override
    public Future<Network.SeatAnswer> askIncumbent(RankEntry incumbent) {
        return Future.succeededFuture(new Network.SeatAnswer(SeatEvent.IncumbentAnswered.Answer.HOLDS, "it answers"));
    }

    @Override
    public Future<Network.WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
        return Future.succeededFuture(Network.WitnessAnswer.NONE);
    }

    @Override
    public LinkEvent.Reach reach(RankEntry entry) {
        return new LinkEvent.Reach.Dialable();
    }

    @Override
    public boolean reaches(ProcessId peer) {
        return false;
    }

    @Override
    public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
        return Future.succeededFuture(List.of(own));
    }

    @Override
    public void open(Member self) {
        opened.add(self);
    }

    @Override
    public void close(Member self, String reason) {}

    @Override
    public void send(int from, int peer, LinkEvent event) {
        onTell.accept(event);
    }

    @Override
    public void entryPublished(RankEntry own) {}

    @Override
    public void dialAhead(RankEntry entry) {}

    @Override
    public void broadcast(Gossip gossip, Predicate<ProcessId> to) {
        BarrierNode connected = other;
        if (connected != null && to.test(connected.process)) {
            connected.changed(gossip.key(), gossip.value());
        }
    }
}
