// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A store whose problems are recorded: operations that fail or are late, and events of the store as a whole. It changes
 * nothing else.
 */
public final class RecordedStore implements WrappedStore {
    private final SegmentStore store;
    private final FlightRecorder flight;
    private final long slowNanos;

    /** @param slowMs an operation that takes longer is recorded although it succeeds */
    public RecordedStore(SegmentStore store, FlightRecorder flight, long slowMs) {
        this.store = store;
        this.flight = flight;
        this.slowNanos = TimeUnit.MILLISECONDS.toNanos(slowMs);
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return watched("get", key, store.get(key));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        return watched("getAll", keys.isEmpty() ? "(none)" : keys.iterator().next(), store.getAll(keys));
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        return watched("compareAndSet", key, store.compareAndSet(key, expected, next));
    }

    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return watched("expire", key, store.expire(key, expected, after));
    }

    private <T extends @Nullable Object> Future<T> watched(String operation, String key, Future<T> answer) {
        long begunNanos = System.nanoTime();
        return answer.onComplete(done -> {
            long tookNanos = System.nanoTime() - begunNanos;
            if (done.failed()) {
                flight.storeOperation(
                        operation,
                        key,
                        TimeUnit.NANOSECONDS.toMillis(tookNanos),
                        String.valueOf(done.cause().getMessage()));
            } else if (tookNanos > slowNanos) {
                flight.storeOperation(operation, key, TimeUnit.NANOSECONDS.toMillis(tookNanos), null);
            }
        });
    }

    @Override
    public Future<Void> listen(Listener listener) {
        return store.listen(new RecordedListener(listener));
    }

    @Override
    public SegmentStore store() {
        return store;
    }

    /** Called only on the context of the store, like the listener that it forwards to. */
    private final class RecordedListener implements WrappedListener {
        private final Listener listener;
        private Set<String> known = store.presentMembers().memberUuids();

        RecordedListener(Listener listener) {
            this.listener = listener;
        }

        @Override
        public Listener listener() {
            return listener;
        }

        @Override
        public void merged() {
            flight.store(FlightEntry.StoreEvent.MERGED, "");
            listener.merged();
        }

        @Override
        public void partitionsLost(int partitions) {
            flight.store(FlightEntry.StoreEvent.PARTITIONS_LOST, partitions + " partitions");
            listener.partitionsLost(partitions);
        }

        @Override
        public void membersChanged(PresentMembers present) {
            Set<String> now = present.memberUuids();
            difference(now, known).forEach(member -> flight.store(FlightEntry.StoreEvent.MEMBER_CAME, member));
            difference(known, now).forEach(member -> flight.store(FlightEntry.StoreEvent.MEMBER_WENT, member));
            known = now;
            listener.membersChanged(present);
        }

        @Override
        public void ended() {
            flight.store(FlightEntry.StoreEvent.ENDED, "");
            listener.ended();
        }

        private static Set<String> difference(Set<String> from, Set<String> without) {
            Set<String> rest = new HashSet<>(from);
            rest.removeAll(without);
            return rest;
        }
    }
}
