// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.muster.transfer.HostMemory;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The registered memory of this process, and the only place where a request for access to it is checked. One per
 * process; thread-safe.
 *
 * <p><b>What it holds.</b> A map from region id to {@link Region}, and a counter per kind of refusal. An id is never
 * reused within the process, and the key of a region is random, so a handle of a region that is gone can't name a later
 * one.
 *
 * <p><b>Leases.</b> No code of this process accesses the memory of a region for a transfer without a {@link Lease}. The
 * bulk receiver holds one from the first chunk of a write to the last, a GPU copy until the driver reports its end. (A
 * mapping of GPU memory by another process is no lease: {@link Backing.Release} ends those.) The life of a region is:
 *
 * <ol>
 *   <li><em>open</em>: {@link #lease(int, long, long, long, Predicate) lease} checks id, key, group, length and bounds,
 *       in this order, and then increments the lease count of the region.
 *   <li><em>closing</em>, from {@link Region#close}: new leases are refused with {@code CLOSING}; the region stays in
 *       the table, so that a refusal can name it.
 *   <li><em>freed</em>, when the last lease is released: the memory is freed, then the region leaves the table. <em>Or
 *       leaked</em>, if leases are still held at the bound: the region leaves the table and its memory stays allocated.
 * </ol>
 *
 * <p><b>Threads.</b> Event loops (leases), application threads (register, close), timers and GPU workers meet here. The
 * map is concurrent. The check "is it closing" and the increment of the lease count are one step under the monitor of
 * the region, so a lease is either counted before the close or refused. Nothing is called under that monitor.
 *
 * <p><b>Invariants.</b> Memory is freed at most once, and only with a lease count of 0 after closing began (T-5). The
 * arguments of a request come from another process and are not trusted (T-1): the bounds check is written so that no
 * sum can overflow.
 *
 * <p><b>The trap.</b> Closing a shared arena stops all threads of the JVM for a moment, and fails while a thread is
 * inside it. So the arena is closed on a worker thread, never on an event loop. And a bound without the leak would free
 * memory into which a socket or a GPU still writes; a leak is logged and is the smaller damage.
 */
public final class RegionTable {
    private static final WriteException.Reason[] REASONS = WriteException.Reason.values();

    private final Vertx vertx;
    private final WorkerExecutor workers;
    private final SecureRandom keys = new SecureRandom();
    private final ConcurrentMap<Integer, Region> regions = new ConcurrentHashMap<>();
    private final AtomicInteger nextId = new AtomicInteger(1);
    private final AtomicLongArray refusals = new AtomicLongArray(REASONS.length);

    /** @param workers where memory is freed, which may block */
    public RegionTable(Vertx vertx, WorkerExecutor workers) {
        this.vertx = vertx;
        this.workers = workers;
    }

    /**
     * Registers memory of the application, so that other processes can write into it. The caller keeps it alive until
     * {@link Region#close} completes with {@link Region.End.Closed}.
     *
     * @param memory native, at least one byte, writable, and accessible from every thread (a shared or global arena)
     * @throws MusterException CONFIG if the memory does not meet these conditions
     */
    public Region register(String name, MemorySegment memory, Region.@Nullable WriteListener listener) {
        String problem = HostMemory.problem(memory, true);
        if (problem != null) {
            throw MusterException.config("region " + name + " " + problem
                    + ": register writable memory of a shared, automatic or global arena");
        }
        return add(name, new Backing.Host(memory, null), listener);
    }

    /** Allocates and registers zeroed memory. {@link Region#close} frees it. */
    public Region allocate(String name, long bytes, Region.@Nullable WriteListener listener) {
        if (bytes < 1) {
            throw MusterException.config("region " + name + " has " + bytes + " bytes: at least 1 is needed");
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

    /** Number of regions that are registered or closing. */
    public int size() {
        return regions.size();
    }

    /** Number of requests that were refused with this kind since the start. */
    public long refusals(WriteException.Reason kind) {
        return refusals.get(kind.ordinal());
    }

    /** A lease for this process itself, which needs no grant. */
    public LeaseOutcome lease(int id, long key, long offset, long length) {
        return lease(id, key, offset, length, _ -> true);
    }

    /**
     * Grants access to {@code length} bytes at {@code offset}, or refuses it. The arguments come from another process
     * and are not trusted (T-1).
     *
     * @param granted whether the other process may use the regions of a group
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
                    "region " + id + " belongs to group " + owner
                            + ", and its secret was not proved over this channel");
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

    /** The region with this id and key, closing or not. */
    public Optional<Region> find(int id, long key) {
        return Optional.ofNullable(regions.get(id))
                .filter(region -> region.remote().key() == key);
    }

    public Optional<Region> byId(int id) {
        return Optional.ofNullable(regions.get(id));
    }

    public Region add(String name, Backing backing, Region.@Nullable WriteListener listener) {
        if (backing.bytes() < 1) {
            throw MusterException.config("region " + name + " is empty: at least 1 byte is needed");
        }
        int id = nextId.getAndIncrement();
        if (id < 1) {
            nextId.set(Integer.MIN_VALUE);
            throw MusterException.fatal(
                    "this process has registered 2147483647 regions and has no more ids: start a new process");
        }
        var remote = new RemoteRegion(id, keys.nextLong(), backing.bytes());
        var region = new Region(vertx, workers, name, remote, backing, listener, over -> regions.remove(id, over));
        regions.put(id, region);
        return region;
    }

    private LeaseOutcome refuse(WriteException.Reason reason, String detail) {
        refusals.incrementAndGet(reason.ordinal());
        return new LeaseOutcome.Refused(reason, detail);
    }
}
