// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.core.EntryAdapter;
import com.hazelcast.core.EntryEvent;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.core.LifecycleEvent;
import com.hazelcast.map.IMap;
import com.hazelcast.map.MapEvent;
import com.hazelcast.map.listener.EntryMergedListener;
import com.hazelcast.map.listener.MapPartitionLostListener;
import com.hazelcast.nio.serialization.HazelcastSerializationException;
import com.hazelcast.query.Predicate;
import com.hazelcast.query.Predicates;
import io.muster.group.LogEvents;
import io.muster.store.SegmentStore.Listener;
import io.muster.store.SegmentStore.PresentMembers;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to Hazelcast: changes of the map's entries, members that join or leave, merges, lost partitions. Registered
 * once for all {@link SegmentStore.Listener}s. They are called on the store's context, so Hazelcast's event threads do
 * no work. The lock guards the registrations: the virtual thread that registers and the one that closes meet there.
 */
final class HazelcastNews {
    private static final Logger log = LoggerFactory.getLogger(HazelcastNews.class);
    /** Partitions of one member are lost together, and are read again together. */
    private static final long GATHER_LOSSES_MS = 50;
    /** Evaluated by the owner of a key before it sends an event: {@link StoreKeys#isNotified}. */
    private static final Predicate<String, Object> NOTIFIED =
            Predicates.not(Predicates.like("__key", "%" + StoreKeys.READY + "%"));

    /** A member that merges is inactive for a moment only. */
    private static final Duration INACTIVE_FOR_GOOD = Duration.ofSeconds(2);

    private final HazelcastInstance hazelcast;
    private final IMap<String, Object> map;
    private final Context context;
    private final Supplier<PresentMembers> present;
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    /** Counted on Hazelcast's event threads, reported on the store's context. */
    private final AtomicInteger lostPartitions = new AtomicInteger();

    private final AtomicBoolean ended = new AtomicBoolean();
    /** Set by any thread that ran an operation. A race is harmless, because all write the same value. */
    private volatile long inactiveSinceNanos;

    private volatile boolean closed;
    private @Nullable UUID entries;
    private @Nullable UUID partitionsLost;
    private @Nullable UUID members;
    private @Nullable UUID lifecycle;

    HazelcastNews(
            HazelcastInstance hazelcast, IMap<String, Object> map, Context context, Supplier<PresentMembers> present) {
        this.hazelcast = hazelcast;
        this.map = map;
        this.context = context;
        this.present = present;
    }

    void add(Listener listener) {
        listeners.add(listener);
    }

    void remove(Listener listener) {
        listeners.remove(listener);
    }

    /**
     * Calls no listener any more. Registrations, also one that is being made, stay until {@link #unregister}. Does not
     * block.
     */
    void close() {
        closed = true;
        listeners.clear();
    }

    /** Registers once; further calls do nothing. Blocks until all members know of it. */
    synchronized void register() {
        if (closed || entries != null) {
            return;
        }
        try {
            registerAll();
        } catch (RuntimeException e) {
            unregister();
            throw e;
        }
    }

    private void registerAll() {
        members = hazelcast.getCluster().addMembershipListener(new Members());
        lifecycle = hazelcast.getLifecycleService().addLifecycleListener(event -> {
            if (event.getState() == LifecycleEvent.LifecycleState.MERGED) {
                log.info(
                        LogEvents.MAP_MERGED + " map={} member={}",
                        map.getName(),
                        hazelcast.getCluster().getLocalMember().getUuid());
                notifyListeners(Listener::merged);
            } else if (event.getState() == LifecycleEvent.LifecycleState.SHUTDOWN) {
                ended();
            }
        });
        partitionsLost = map.addPartitionLostListener((MapPartitionLostListener) _ -> {
            if (lostPartitions.getAndIncrement() == 0) {
                context.runOnContext(_ -> context.owner().setTimer(GATHER_LOSSES_MS, _ -> reportLosses()));
            }
        });
        entries = map.addEntryListener(new Entries(), NOTIFIED, true);
    }

    /**
     * Removes the registrations. Blocks. Does not fail: if another member cannot be informed (it may have just died),
     * the registration is removed here, and there when this member leaves.
     */
    synchronized void unregister() {
        try {
            remove("entries", entries, map::removeEntryListener);
            remove("partitions", partitionsLost, map::removePartitionLostListener);
            remove("lifecycle", lifecycle, hazelcast.getLifecycleService()::removeLifecycleListener);
            remove("members", members, hazelcast.getCluster()::removeMembershipListener);
        } catch (HazelcastInstanceNotActiveException e) {
            log.debug(LogEvents.MAP_LISTENER_GONE + " map={}: Hazelcast has stopped before the store", map.getName());
        }
        entries = null;
        partitionsLost = null;
        lifecycle = null;
        members = null;
    }

    private void remove(String what, @Nullable UUID registration, Consumer<UUID> how) {
        if (registration == null) {
            return;
        }
        try {
            how.accept(registration);
        } catch (HazelcastInstanceNotActiveException e) {
            throw e;
        } catch (RuntimeException e) {
            log.warn(
                    LogEvents.MAP_LISTENER_LEFT
                            + " map={} listener={} cause={}: removed here, but not at every other member;"
                            + " it stays there until this member leaves",
                    map.getName(),
                    what,
                    e.toString());
        }
    }

    /**
     * Reports lost partitions. A member that dies without a backup loses hundreds of partitions at once; they become
     * one event, and one read of all keys.
     */
    private void reportLosses() {
        int lost = lostPartitions.getAndSet(0);
        log.warn(LogEvents.MAP_PARTITIONS_LOST + " map={} partitions={}", map.getName(), lost);
        notifyListeners(listener -> listener.partitionsLost(lost));
    }

    /** An operation was answered. */
    void active() {
        inactiveSinceNanos = 0;
    }

    /**
     * An operation failed because the member is not active. If Hazelcast has given up (for example because it had no
     * file descriptors left to accept connections), this is the only sign of it.
     */
    void inactive() {
        long now = System.nanoTime();
        long since = inactiveSinceNanos;
        if (since == 0) {
            inactiveSinceNanos = now;
        } else if (now - since > INACTIVE_FOR_GOOD.toNanos()) {
            ended();
        }
    }

    /** Whether Hazelcast has shut down for good; read on the threads of the operations. */
    boolean hasEnded() {
        return ended.get();
    }

    /** Calls no listener if this process has closed the store. */
    private void ended() {
        if (!ended.getAndSet(true)) {
            notifyListeners(Listener::ended);
        }
    }

    private void notifyListeners(Consumer<Listener> call) {
        context.runOnContext(_ -> listeners.forEach(call));
    }

    private final class Members implements MembershipListener {
        @Override
        public void memberAdded(MembershipEvent event) {
            PresentMembers now = present.get();
            notifyListeners(listener -> listener.membersChanged(now));
        }

        @Override
        public void memberRemoved(MembershipEvent event) {
            PresentMembers now = present.get();
            notifyListeners(listener -> listener.membersChanged(now));
        }
    }

    private final class Entries extends EntryAdapter<String, Object> implements EntryMergedListener<String, Object> {

        @Override
        public void onEntryEvent(EntryEvent<String, Object> event) {
            keyOf(event).flatMap(StoreKeys::ofLocated).ifPresent(key -> {
                StoredBytes value = switch (event.getEventType()) {
                    case REMOVED, EVICTED, EXPIRED -> null;
                    case ADDED, UPDATED, MERGED, EVICT_ALL, CLEAR_ALL, INVALIDATION, LOADED -> valueOf(event);
                };
                notifyListeners(listener -> listener.changed(key, value));
            });
        }

        /** Empty if another program has put a key into the map that is no text, or that cannot be read here. */
        private static Optional<String> keyOf(EntryEvent<?, ?> event) {
            try {
                return event.getKey() instanceof String key ? Optional.of(key) : Optional.empty();
            } catch (HazelcastSerializationException _) {
                return Optional.empty();
            }
        }

        @Override
        public void onMapEvent(MapEvent event) {
            notifyListeners(Listener::outdated);
        }

        @Override
        public void entryMerged(EntryEvent<String, Object> event) {
            onEntryEvent(event);
        }

        private static @Nullable StoredBytes valueOf(EntryEvent<String, Object> event) {
            try {
                return StoredValue.bytes(event.getValue());
            } catch (HazelcastSerializationException e) {
                return StoredValue.unreadable(e);
            }
        }
    }
}
