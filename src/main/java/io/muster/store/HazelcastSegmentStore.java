// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import com.hazelcast.cluster.Cluster;
import com.hazelcast.cluster.Member;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.map.IMap;
import com.hazelcast.nio.serialization.HazelcastSerializationException;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.muster.group.ProcessId;
import io.muster.segment.KeyOwner;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The store on one Hazelcast map from text to bytes.
 *
 * <p><b>State.</b> The map, the operations under way ({@code pending}, at most {@link #MAX_IN_FLIGHT}), and the
 * listener registrations ({@link HazelcastNews}). Values are never cached: each read asks Hazelcast.
 *
 * <p><b>Operations.</b> Each is the plain blocking call of Hazelcast's public interface on a virtual thread of its own.
 * The public interface has no asynchronous compare-and-set. An entry processor would fail on a key owner that does not
 * have our classes. A virtual thread that waits for a frozen owner holds no platform thread, so operations on other
 * partitions continue. (Measured with 2 and 4 members: 0.14 and 0.20 ms for a replace; Hazelcast's internal
 * asynchronous operations, whose answers need one more hop, took 0.16 and 0.23 ms.)
 *
 * <p><b>Threads.</b> Callers on any thread, the virtual threads, the event loop that fires deadlines, and Hazelcast's
 * event threads. They share concurrent collections, {@code closed}, and one CompletableFuture per operation. The first
 * completion of that future counts. Futures complete on the caller's context if it has one, otherwise on the store's
 * context, and listeners are called on the store's context.
 *
 * <p><b>Order of events.</b> An operation gets a permit, enters {@code pending}, starts its deadline timer and then its
 * thread. The permit returns when the blocking call returns, not at the deadline, so calls that hang on a frozen owner
 * stay bounded. {@code close()} sets {@code closed} first and fails {@code pending} after that; an operation reads
 * {@code closed} again after it has entered {@code pending}. So either of the two fails it.
 *
 * <p><b>Invariants.</b> The future of every operation completes within the deadline. An operation that has missed its
 * deadline may still be applied later; callers read again and never assume failure. All keys of a group lie in one
 * partition ({@link StoreKeys#located}), so {@code getAll} of one group is one operation on one member.
 *
 * <p><b>The trap.</b> Another application may write a value of its own class into the map. Then the whole
 * {@code getAll} fails, because this process cannot deserialise that value. The keys are then read one by one, the
 * epoch record first, and the foreign value becomes {@link StoredBytes#foreign}, which the reader rejects with a
 * reason. No bytes of ours can equal such a value, so a compare-and-set that expects it is made under the lock of the
 * key ({@link #replaceForeign}).
 */
public final class HazelcastSegmentStore implements SegmentStore {
    private static final Logger log = LoggerFactory.getLogger(HazelcastSegmentStore.class);
    /**
     * Limit for creating the map, besides the deadline of one operation. Creating it asks every member, including one
     * that is frozen and about to be removed.
     */
    private static final Duration OPEN_LIMIT = Duration.ofSeconds(30);

    /**
     * The greatest number of operations under way. Together with Hazelcast's own call timeout it bounds how many
     * operations can wait for a frozen key owner.
     */
    static final int MAX_IN_FLIGHT = 4096;

    private final HazelcastInstance hazelcast;
    private final Cluster cluster;
    private final IMap<String, Object> map;
    private final Context context;
    private final Duration deadline;
    private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);
    private final Set<CompletableFuture<?>> pending = ConcurrentHashMap.newKeySet();
    private final HazelcastNews news;
    /** Values replaced that were not of Muster; counted on the threads of the operations. */
    private final AtomicLong foreignReplaced = new AtomicLong();

    /**
     * Set by close() on any thread. An operation reads it after it has entered {@code pending}, so either close() or
     * the operation itself fails it.
     */
    private volatile boolean closed;

    private HazelcastSegmentStore(HazelcastInstance hazelcast, Context context, String mapName, Duration deadline) {
        this.hazelcast = hazelcast;
        this.cluster = hazelcast.getCluster();
        this.map = hazelcast.getMap(mapName);
        this.context = context;
        this.deadline = deadline;
        this.news = new HazelcastNews(hazelcast, map, context, this::presentMembers);
    }

    /**
     * Opens the store. Does not block: another thread creates the map in Hazelcast. A map that the application has not
     * configured is configured now, on all members.
     *
     * @param hazelcast a started member, which the caller closes after it has closed the store
     * @param context where listeners are called, and where futures complete for callers without a context
     * @param mapName {@link MusterMap#NAME}, unless several stores share a cluster
     * @param deadline of each operation
     * @return fails with CONFIG if compare-and-set on bytes cannot work with the map's configuration, with RETRY if
     *     Hazelcast does not answer
     */
    public static Future<HazelcastSegmentStore> open(
            HazelcastInstance hazelcast, Context context, String mapName, Duration deadline) {
        CompletableFuture<HazelcastSegmentStore> opened = new CompletableFuture<>();
        Thread.ofVirtual().name("muster-store-open").start(() -> {
            try {
                MusterMap.configure(hazelcast.getConfig(), mapName);
                opened.complete(new HazelcastSegmentStore(hazelcast, context, mapName, deadline));
            } catch (RuntimeException e) {
                opened.completeExceptionally(explained(e, "open", mapName, Kind.FATAL));
            }
        });
        long limitMs = OPEN_LIMIT.plus(deadline).toMillis();
        return Future.fromCompletionStage(opened.orTimeout(limitMs, TimeUnit.MILLISECONDS), context)
                .recover(failure -> Future.failedFuture(
                        failure instanceof TimeoutException
                                ? MusterException.retry(
                                        "Hazelcast has not created the map " + mapName + " after " + limitMs
                                                + " ms: a member of its cluster is frozen or unreachable;"
                                                + " find out which one, and start this process again")
                                : failure));
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return run("get", key, () -> read(key));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        Set<String> wanted = Set.copyOf(keys);
        if (wanted.isEmpty()) {
            return run("getAll", "(none)", Map::of);
        }
        return run(
                "getAll", wanted.size() + " keys, one is " + wanted.iterator().next(), () -> readAll(wanted));
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        String at = StoreKeys.located(key);
        if (expected != null && expected.isForeign()) {
            return run("replaceForeign", key, () -> replaceForeign(key, expected, next));
        }
        if (expected == null) {
            if (next == null) {
                throw new IllegalArgumentException("compare-and-set from absent to absent: key=" + key);
            }
            byte[] put = next.toByteArray();
            return run("putIfAbsent", key, () -> putIfAbsent(at, put));
        }
        byte[] from = expected.toByteArray();
        if (next == null) {
            return run("remove", key, () -> map.remove(at, from));
        }
        byte[] to = next.toByteArray();
        return run("replace", key, () -> map.replace(at, from, to));
    }

    private boolean putIfAbsent(String at, byte[] put) {
        try {
            return map.putIfAbsent(at, put) == null;
        } catch (HazelcastSerializationException _) {
            return false; // the value that is there already cannot be read here
        }
    }

    /**
     * Replaces a value that is not of Muster, whichever it is. If another member holds the lock of the key, nothing is
     * changed.
     */
    private boolean replaceForeign(String key, StoredBytes expected, @Nullable StoredBytes next)
            throws InterruptedException {
        boolean replaced = whileLocked(key, at -> {
            StoredBytes there = read(key);
            if (there == null || !there.isForeign()) {
                return false;
            }
            if (next == null) {
                map.delete(at);
            } else {
                map.set(at, next.toByteArray());
            }
            return true;
        });
        if (!replaced) {
            return false;
        }
        long times = foreignReplaced.incrementAndGet();
        log.atLevel(Long.bitCount(times) == 1 ? Level.WARN : Level.DEBUG)
                .log(
                        LogEvents.MAP_FOREIGN + " map={} key={} times={} reason={}",
                        map.getName(),
                        key,
                        times,
                        expected.distrust());
        return true;
    }

    /**
     * Writes the same bytes with a time to live ({@code setTtl} does nothing while the map keeps no statistics). A
     * compare-and-set writes without one, so it ends the time to live.
     */
    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return run(
                "expire",
                key,
                () -> whileLocked(key, at -> {
                    if (!expected.equals(read(key))) {
                        return false;
                    }
                    map.set(at, expected.toByteArray(), after.toMillis(), TimeUnit.MILLISECONDS);
                    return true;
                }));
    }

    /**
     * Compares and changes under the lock of a key, what Hazelcast's own compare-and-set cannot do. Hazelcast ends the
     * lock at the deadline even if this member is gone by then.
     *
     * @return false if another member holds the lock
     */
    private boolean whileLocked(String key, Predicate<String> change) throws InterruptedException {
        String at = StoreKeys.located(key);
        if (!map.tryLock(at, 0, TimeUnit.MILLISECONDS, deadline.toMillis(), TimeUnit.MILLISECONDS)) {
            return false;
        }
        try {
            return change.test(at);
        } finally {
            map.unlock(at);
        }
    }

    @Override
    public Future<Void> listen(Listener listener) {
        news.add(listener);
        return this.<Void>run("listen", "(all keys)", () -> {
                    news.register();
                    return null;
                })
                .onFailure(_ -> news.remove(listener));
    }

    @Override
    public PresentMembers presentMembers() {
        Set<String> processIds = new HashSet<>();
        Set<String> memberUuids = new HashSet<>();
        for (Member member : cluster.getMembers()) {
            memberUuids.add(member.getUuid().toString());
            String processId = member.getAttribute(MusterMap.PROCESS_ID_ATTRIBUTE);
            if (processId != null) {
                processIds.add(processId);
            }
        }
        return new PresentMembers(processIds, memberUuids);
    }

    @Override
    public String localMemberUuid() {
        return cluster.getLocalMember().getUuid().toString();
    }

    @Override
    public @Nullable KeyOwner keyOwner(GroupName group) {
        try {
            // the text after the @ of a located key chooses its partition; here the group name itself is the key
            Member owner =
                    hazelcast.getPartitionService().getPartition(group.value()).getOwner();
            return owner == null
                    ? null
                    : new KeyOwner(processOf(owner), owner.getUuid().toString());
        } catch (HazelcastInstanceNotActiveException _) {
            return null;
        }
    }

    private static @Nullable ProcessId processOf(Member member) {
        String said = member.getAttribute(MusterMap.PROCESS_ID_ATTRIBUTE);
        try {
            return said == null ? null : ProcessId.parse(said);
        } catch (IllegalArgumentException _) {
            return null; // not written by a process of Muster
        }
    }

    @Override
    public Future<Void> close() {
        closed = true;
        news.close();
        pending.forEach(operation -> operation.completeExceptionally(closedStore()));
        CompletableFuture<Void> removed = new CompletableFuture<>();
        Thread.ofVirtual().name("muster-store-close").start(() -> {
            news.unregister();
            removed.complete(null);
        });
        return Future.fromCompletionStage(removed.orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS), context)
                .recover(_ -> {
                    log.warn(
                            LogEvents.MAP_LISTENER_LEFT
                                    + " map={} ms={}: a member has not answered; it may keep this member's listener"
                                    + " until this member leaves",
                            map.getName(),
                            deadline.toMillis());
                    return Future.succeededFuture();
                });
    }

    @SuppressWarnings("UndefinedEquals") // the set of pending operations compares them by identity, as is meant
    private <T extends @Nullable Object> Future<T> run(String operation, String key, Callable<T> call) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        if (closed) { // the Vert.x of the deadline timer may be closed too
            answer.completeExceptionally(closedStore());
            return Future.fromCompletionStage(answer, callers());
        }
        if (!inFlight.tryAcquire()) {
            answer.completeExceptionally(MusterException.retry(
                    "store refuses operation: operation=" + operation + " key=" + key + ", " + MAX_IN_FLIGHT
                            + " operations are under way; the members that own these keys do not answer,"
                            + " find out which member left or is frozen"));
            return Future.fromCompletionStage(answer, callers());
        }
        pending.add(answer);
        // the timer is on an event loop, which is awake already; the JDK's timer thread would be woken twice for each
        // operation, at its start and at its end
        long timer = context.owner()
                .setTimer(deadline.toMillis(), _ -> answer.completeExceptionally(new TimeoutException()));
        var _ = answer.whenComplete((_, _) -> {
            pending.remove(answer);
            context.owner().cancelTimer(timer);
        });
        if (closed) {
            answer.completeExceptionally(closedStore());
        }
        Thread.ofVirtual().name("muster-store").start(() -> {
            try {
                if (!answer.isDone()) {
                    answer.complete(call.call());
                    news.active();
                }
            } catch (Throwable e) { // also an Error of a foreign class: the answer must not wait for the deadline
                if (e instanceof HazelcastInstanceNotActiveException) {
                    news.inactive();
                }
                answer.completeExceptionally(explained(e, operation, key, hasEnded() ? Kind.FATAL : Kind.RETRY));
            } finally {
                inFlight.release();
            }
        });
        return Future.fromCompletionStage(answer, callers())
                .recover(failure ->
                        Future.failedFuture(failure instanceof TimeoutException ? late(operation, key) : failure));
    }

    private boolean hasEnded() {
        return news.hasEnded() || !hazelcast.getLifecycleService().isRunning();
    }

    /**
     * The context of the caller, or the store's if it has none. Completing on the caller's context saves one thread
     * wake-up.
     */
    private Context callers() {
        Context current = Vertx.currentContext();
        return current == null ? context : current;
    }

    private @Nullable StoredBytes read(String key) {
        try {
            return StoredValue.bytes(map.get(StoreKeys.located(key)));
        } catch (HazelcastSerializationException e) {
            return StoredValue.unreadable(e);
        }
    }

    private Map<String, StoredBytes> readAll(Set<String> keys) {
        Map<String, StoredBytes> found = HashMap.newHashMap(keys.size());
        try {
            Map<String, Object> there =
                    map.getAll(keys.stream().map(StoreKeys::located).collect(Collectors.toUnmodifiableSet()));
            there.forEach((at, value) ->
                    StoreKeys.ofLocated(at).ifPresent(key -> found.put(key, StoredValue.bytesOf(value))));
        } catch (HazelcastSerializationException e) {
            // One value of a foreign class must not hide the others: read the keys one by one, each group's epoch
            // record first.
            found.clear();
            for (String key : keys.stream()
                    .sorted(Comparator.comparing(StoreKeys::isEpoch).reversed())
                    .toList()) {
                StoredBytes value = read(key);
                if (value != null) {
                    found.put(key, value);
                }
            }
        }
        return found;
    }

    private MusterException late(String operation, String key) {
        return MusterException.retry("store operation not answered after " + deadline.toMillis() + " ms: operation="
                + operation + " key=" + key
                + " map=" + map.getName()
                + "; the member that owns the key is frozen, unreachable or has just left: read the key and try again,"
                + " or raise store.operationTimeoutMs");
    }

    private static MusterException closedStore() {
        return MusterException.fatal("the segment store is closed");
    }

    /** The failure of a call that uses Hazelcast, also through Vert.x, as a failure of the API. */
    public static MusterException explained(Throwable cause, String call) {
        if (cause instanceof MusterException known) {
            return known;
        }
        if (cause instanceof HazelcastInstanceNotActiveException) {
            return new MusterException(
                    Kind.FATAL, "Hazelcast is shut down in this process: " + call + "; start the process again", cause);
        }
        return new MusterException(Kind.RETRY, call + " failed: " + cause + "; try again", cause);
    }

    /** @param inactive the kind if Hazelcast is not active: that may pass, as when it rejoins after a split */
    private static MusterException explained(Throwable cause, String operation, String key, Kind inactive) {
        if (cause instanceof MusterException known) {
            return known;
        }
        if (cause instanceof HazelcastInstanceNotActiveException) {
            return new MusterException(
                    inactive,
                    "Hazelcast is shut down: operation=" + operation + " key=" + key + "; restart the process",
                    cause);
        }
        return new MusterException(
                Kind.RETRY,
                "store operation failed: operation=" + operation + " key=" + key + " cause=" + cause
                        + "; read the key and try again",
                cause);
    }
}
