// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The registered memory of this process, and the one place where a write's claim on it is checked. One per process;
 * thread-safe.
 */
public final class RegionTable {
    private static final WriteException.Reason[] REASONS = WriteException.Reason.values();

    private final Vertx vertx;
    private final SecureRandom keys = new SecureRandom();
    private final ConcurrentMap<Integer, Region> regions = new ConcurrentHashMap<>();
    private final AtomicInteger nextId = new AtomicInteger(1);
    private final AtomicLongArray refusals = new AtomicLongArray(REASONS.length);

    public RegionTable(Vertx vertx) {
        this.vertx = vertx;
    }

    /**
     * Makes memory reachable for others. The caller keeps it alive until {@link Region#close} says closed.
     *
     * @param memory native, of at least one byte, writable, and accessible from every thread (a shared or global arena)
     * @throws MusterException CONFIG if it is not
     */
    public Region register(String name, MemorySegment memory, @Nullable WriteListener listener) {
        if (!memory.isNative()) {
            throw MusterException.config(
                    "region " + name + " lies on the Java heap, where no transport reaches it: allocate it off-heap");
        }
        if (memory.isReadOnly()) {
            throw MusterException.config("region " + name + " is read-only: others could not write into it");
        }
        if (!memory.isAccessibleBy(vertxThread())) {
            throw MusterException.config("region " + name + " belongs to one thread: allocate it in a shared arena");
        }
        return add(name, new Backing.Host(memory, null), listener);
    }

    /** Registers zeroed memory of its own, which {@link Region#close} frees. */
    public Region allocate(String name, long bytes, @Nullable WriteListener listener) {
        if (bytes < 1) {
            throw MusterException.config("region " + name + " of " + bytes + " bytes: must have at least 1");
        }
        @SuppressWarnings("MustBeClosed") // the region closes it
        Arena arena = Arena.ofShared();
        try {
            return add(name, new Backing.Host(arena.allocate(bytes, 64), arena), listener);
        } catch (RuntimeException | OutOfMemoryError failure) {
            arena.close();
            throw failure;
        }
    }

    /** Number of regions that are registered or being closed. */
    public int size() {
        return regions.size();
    }

    /** Requests that were refused for this reason since the start. */
    public long refusals(WriteException.Reason reason) {
        return refusals.get(reason.ordinal());
    }

    /** The same for this process itself. */
    public LeaseOutcome lease(int id, long key, long offset, long length) {
        return lease(id, key, offset, length, _ -> true);
    }

    /**
     * The right to touch {@code length} bytes at {@code offset}, or why not. Nothing is believed of the arguments
     * (T-1).
     *
     * @param granted the groups whose regions the other process may use
     */
    public LeaseOutcome lease(int id, long key, long offset, long length, Predicate<GroupName> granted) {
        Region region = regions.get(id);
        if (region == null) {
            return refuse(WriteException.Reason.UNKNOWN_REGION, "no region " + id + " is registered");
        }
        if (region.remote().key() != key) {
            return refuse(WriteException.Reason.WRONG_KEY, "the key is not that of region " + id);
        }
        GroupName owner = region.owner();
        if (owner != null && !granted.test(owner)) {
            return refuse(
                    WriteException.Reason.UNPROVED,
                    "region " + id + " is of group " + owner + ", whose secret was not proved over this channel");
        }
        if (length == 0) {
            return refuse(WriteException.Reason.EMPTY, "nothing to write");
        }
        long bytes = region.bytes();
        if (offset < 0 || length < 0 || length > bytes || offset > bytes - length) {
            return refuse(WriteException.Reason.OUT_OF_BOUNDS, "region " + id + " has " + bytes + " bytes");
        }
        if (!region.lease()) {
            return refuse(WriteException.Reason.CLOSING, "region " + id + " is being closed");
        }
        return new Lease(region, offset, length);
    }

    void forget(Region region) {
        regions.remove(region.id(), region);
    }

    void after(long ms, Runnable task) {
        vertx.setTimer(ms, _ -> task.run());
    }

    /** The region of this number and key, closing or not; empty if there is none. */
    public Optional<Region> find(int id, long key) {
        return Optional.ofNullable(regions.get(id))
                .filter(region -> region.remote().key() == key);
    }

    public Optional<Region> byId(int id) {
        return Optional.ofNullable(regions.get(id));
    }

    Future<Void> release(Region region, Duration bound) {
        return switch (region.backing()) {
            case Backing.Host(MemorySegment _, Arena owned) ->
                owned == null ? Future.succeededFuture() : release(owned);
            case Backing.OnGpu onGpu -> onGpu.release().release(region, bound);
        };
    }

    /** Closing a shared arena stops all threads for a moment: not on an event loop. */
    private Future<Void> release(Arena arena) {
        return vertx.executeBlocking(
                        () -> {
                            arena.close();
                            return arena;
                        },
                        false)
                .mapEmpty();
    }

    public Region add(String name, Backing backing, @Nullable WriteListener listener) {
        if (backing.bytes() < 1) {
            throw MusterException.config("region " + name + " is empty: must have at least 1 byte");
        }
        int id = nextId.getAndIncrement();
        if (id < 1) {
            nextId.set(Integer.MIN_VALUE);
            throw MusterException.fatal("this process has registered 2147483647 regions: start a new one");
        }
        Region region =
                new Region(this, name, new RemoteRegion(id, keys.nextLong(), backing.bytes()), backing, listener);
        regions.put(id, region);
        return region;
    }

    private LeaseOutcome refuse(WriteException.Reason reason, String detail) {
        refusals.incrementAndGet(reason.ordinal());
        return new LeaseOutcome.Refused(reason, detail);
    }

    /** A thread that is certainly not the caller's: memory that it may touch, any event loop may. */
    private static Thread vertxThread() {
        return Thread.ofVirtual().unstarted(() -> {});
    }
}
