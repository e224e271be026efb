// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.segment.KeyOwner;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The store without a cluster, inside one JVM. Any number of stores share one {@link Shared} map; each stands for one
 * process.
 */
public final class InMemorySegmentStore implements SegmentStore {
    private final Shared shared;
    private final Context context;
    private final ProcessId process;
    private final List<Listener> listeners = new ArrayList<>();
    private String memberUuid = UUID.randomUUID().toString();
    private boolean open = true;

    private InMemorySegmentStore(Shared shared, Context context, ProcessId process) {
        this.shared = shared;
        this.context = context;
        this.process = process;
    }

    /**
     * The data that the stores share. One lock guards all of it and the fields of its stores. Listeners are called on
     * their contexts, in the order of the changes.
     */
    public static final class Shared {
        private final Map<String, StoredBytes> values = new HashMap<>();
        private final Set<InMemorySegmentStore> stores = new LinkedHashSet<>();

        /** A store for one more process. */
        public synchronized InMemorySegmentStore store(Context context, ProcessId process) {
            InMemorySegmentStore store = new InMemorySegmentStore(this, context, process);
            stores.add(store);
            membersChanged();
            return store;
        }

        /**
         * The process dies without a leave: its entries stay, its operations fail, and the others learn that its member
         * is gone.
         */
        public synchronized void crash(InMemorySegmentStore store) {
            store.open = false;
            store.listeners.clear();
            if (stores.remove(store)) {
                membersChanged();
            }
        }

        /**
         * The process's member of the store has shut itself down, as Hazelcast does when it cannot rejoin after a
         * split.
         */
        public synchronized void shutDown(InMemorySegmentStore store) {
            store.notifyListeners(Listener::ended);
            crash(store);
        }

        /**
         * Entries vanish without an event, as after the loss of their owner and its backup. All processes are notified
         * of lost partitions.
         */
        public synchronized void lose(Set<String> keys) {
            values.keySet().removeAll(keys);
            stores.forEach(store -> store.notifyListeners(listener -> listener.partitionsLost(1)));
        }

        /** The process was in the smaller half of a split, and is back with a new identity. */
        public synchronized void merge(InMemorySegmentStore store) {
            store.memberUuid = UUID.randomUUID().toString();
            store.notifyListeners(Listener::merged);
            membersChanged();
        }

        private synchronized void expire(String key, StoredBytes expected) {
            if (values.remove(key, expected) && StoreKeys.isNotified(key)) {
                stores.stream()
                        .filter(store -> store.open)
                        .forEach(store -> store.notifyListeners(listener -> listener.changed(key, null)));
            }
        }

        /** The keys that are in the store. */
        public synchronized Set<String> keys() {
            return Set.copyOf(values.keySet());
        }

        /** The owner of the keys of a group: any store, but always the same one for a group. */
        private @Nullable InMemorySegmentStore owner(String group) {
            return stores.isEmpty() ? null : List.copyOf(stores).get(Math.floorMod(group.hashCode(), stores.size()));
        }

        private void membersChanged() {
            PresentMembers present = present();
            stores.forEach(store -> store.notifyListeners(listener -> listener.membersChanged(present)));
        }

        private PresentMembers present() {
            Set<String> processIds = new HashSet<>();
            Set<String> memberUuids = new HashSet<>();
            for (InMemorySegmentStore store : stores) {
                processIds.add(store.process.toString());
                memberUuids.add(store.memberUuid);
            }
            return new PresentMembers(processIds, memberUuids);
        }
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return run(() -> shared.values.get(key));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        Set<String> wanted = Set.copyOf(keys);
        return run(() -> {
            Map<String, StoredBytes> found = new HashMap<>(shared.values);
            found.keySet().retainAll(wanted);
            return found;
        });
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        if (expected == null && next == null) {
            throw new IllegalArgumentException("compare-and-set from absent to absent: key=" + key);
        }
        return run(() -> {
            if (!Objects.equals(shared.values.get(key), expected)) {
                return false;
            }
            if (next == null) {
                shared.values.remove(key);
            } else {
                shared.values.put(key, next);
            }
            if (StoreKeys.isNotified(key)) {
                shared.stores.forEach(store -> store.notifyListeners(listener -> listener.changed(key, next)));
            }
            return true;
        });
    }

    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return run(() -> {
            if (!expected.equals(shared.values.get(key))) {
                return false;
            }
            CompletableFuture.delayedExecutor(after.toMillis(), TimeUnit.MILLISECONDS)
                    .execute(() -> shared.expire(key, expected));
            return true;
        });
    }

    @Override
    public Future<Void> listen(Listener listener) {
        return run(() -> {
            listeners.add(listener);
            return null;
        });
    }

    @Override
    public PresentMembers presentMembers() {
        synchronized (shared) {
            return shared.present();
        }
    }

    @Override
    public String localMemberUuid() {
        synchronized (shared) {
            return memberUuid;
        }
    }

    @Override
    public @Nullable KeyOwner keyOwner(GroupName group) {
        synchronized (shared) {
            InMemorySegmentStore owner = shared.owner(group.value());
            return owner == null ? null : new KeyOwner(owner.process, owner.memberUuid);
        }
    }

    /** The process stays a member of the cluster, as it does with Hazelcast; {@link Shared#crash} removes it. */
    @Override
    public Future<Void> close() {
        synchronized (shared) {
            open = false;
            listeners.clear();
        }
        return Future.fromCompletionStage(CompletableFuture.completedFuture(null), context);
    }

    private <T extends @Nullable Object> Future<T> run(Supplier<T> operation) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        synchronized (shared) {
            if (open) {
                answer.complete(operation.get());
            } else {
                answer.completeExceptionally(MusterException.fatal("the segment store is closed"));
            }
        }
        return Future.fromCompletionStage(answer, context);
    }

    private void notifyListeners(Consumer<Listener> call) {
        if (listeners.isEmpty()) {
            return; // closed: its Vert.x may be closed too
        }
        List<Listener> notified = List.copyOf(listeners);
        context.runOnContext(_ -> notified.forEach(call));
    }
}
