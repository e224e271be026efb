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
 * What Hazelcast tells: changes of the map's entries, members that come and go, merges, lost partitions. Registered
 * once for all listeners, who are called on the store's context, so that Hazelcast's event threads do no work. Its lock
 * guards the registrations: a virtual thread that listens meets the one that closes.
 */
final class HazelcastNews {
    private static final Logger log = LoggerFactory.getLogger(HazelcastNews.class);
    private static final long GATHER_LOSSES_MS = 50;
    /** Asked by the owner of a key, before it tells anybody: {@link StoreKeys#isTold}. */
    private static final Predicate<String, Object> TOLD =
            Predicates.not(Predicates.like("__key", "%" + StoreKeys.READY + "%"));

    private static final Duration INACTIVE_FOR_GOOD = Duration.ofSeconds(2);

    private final HazelcastInstance hazelcast;
    private final IMap<String, Object> map;
    private final Context context;
    private final Supplier<PresentMembers> present;
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    /** Counted on Hazelcast's event threads, told on the store's context. */
    private final AtomicInteger lostPartitions = new AtomicInteger();

    private final AtomicBoolean ended = new AtomicBoolean();
    /** Set by whichever thread ran an operation; two that meet are as good as one. */
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
     * Nobody is told any more; what is registered, or is being registered, stays until {@link #unregister}. Does not
     * block.
     */
    void close() {
        closed = true;
        listeners.clear();
    }

    /** Once, however often it is called. Blocks until all members know of it. */
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
                tell(Listener::merged);
            } else if (event.getState() == LifecycleEvent.LifecycleState.SHUTDOWN) {
                ended();
            }
        });
        partitionsLost = map.addPartitionLostListener((MapPartitionLostListener) _ -> {
            if (lostPartitions.getAndIncrement() == 0) {
                context.runOnContext(_ -> context.owner().setTimer(GATHER_LOSSES_MS, _ -> tellLosses()));
            }
        });
        entries = map.addEntryListener(new Entries(), TOLD, true);
    }

    /**
     * Blocks. Does not fail: what the others could not be told of (a member that has just died may be in the way) is
     * gone here, and goes there with this member.
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
     * A member that dies without a backup loses hundreds of partitions at once: one event, and one reading of
     * everything, for all of them.
     */
    private void tellLosses() {
        int lost = lostPartitions.getAndSet(0);
        log.warn(LogEvents.MAP_PARTITIONS_LOST + " map={} partitions={}", map.getName(), lost);
        tell(listener -> listener.partitionsLost(lost));
    }

    /** An operation was answered. */
    void active() {
        inactiveSinceNanos = 0;
    }

    /**
     * An operation failed because the member is not active. Where it had to give up (it could not accept a connection
     * for want of files, say), it says so in no other way.
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

    /** Nobody is left to be told if this process has closed the store. */
    private void ended() {
        if (!ended.getAndSet(true)) {
            tell(Listener::ended);
        }
    }

    private void tell(Consumer<Listener> call) {
        context.runOnContext(_ -> listeners.forEach(call));
    }

    private final class Members implements MembershipListener {
        @Override
        public void memberAdded(MembershipEvent event) {
            PresentMembers now = present.get();
            tell(listener -> listener.membersChanged(now));
        }

        @Override
        public void memberRemoved(MembershipEvent event) {
            PresentMembers now = present.get();
            tell(listener -> listener.membersChanged(now));
        }
    }

    private final class Entries extends EntryAdapter<String, Object> implements EntryMergedListener<String, Object> {

        @Override
        public void onEntryEvent(EntryEvent<String, Object> event) {
            StoreKeys.ofLocated(event.getKey()).ifPresent(key -> {
                StoredBytes value = switch (event.getEventType()) {
                    case REMOVED, EVICTED, EXPIRED -> null;
                    case ADDED, UPDATED, MERGED, EVICT_ALL, CLEAR_ALL, INVALIDATION, LOADED -> valueOf(event);
                };
                tell(listener -> listener.changed(key, value));
            });
        }

        @Override
        public void onMapEvent(MapEvent event) {
            tell(Listener::merged);
        }

        @Override
        public void entryMerged(EntryEvent<String, Object> event) {
            onEntryEvent(event);
        }

        private static @Nullable StoredBytes valueOf(EntryEvent<String, Object> event) {
            try {
                return HazelcastSegmentStore.bytes(event.getValue());
            } catch (HazelcastSerializationException e) {
                return HazelcastSegmentStore.undecodable(String.valueOf(e.getMessage()));
            }
        }
    }
}
