// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.GpuSlice;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One registered piece of memory. A transfer holds a lease on it. {@link #close} refuses new leases, waits for those
 * that are held, and only then frees the memory; {@link RegionTable} explains the order. Thread-safe: event loops, the
 * closing thread and its timer meet here; this object's monitor guards the lease count and the state.
 */
public final class Region {
    private static final Logger log = LoggerFactory.getLogger(Region.class);

    /** How a region ended. */
    public sealed interface End {
        /** No transfer uses the memory any more. Memory that the region owned was freed. */
        record Closed() implements End {}

        /** The memory is never freed: leases were still held at the bound, or freeing it failed (0 leases). */
        record Leaked(int leases, long waitedMs) implements End {}
    }

    /** Is called after a write into a region. */
    @FunctionalInterface
    public interface WriteListener {
        /**
         * The bytes were applied, and the write is not acknowledged yet. Called on the event loop of the bulk
         * connection, or on the writer's thread for writes within this process. Must not block.
         */
        void written(Region region, long offset, long length);
    }

    private final Vertx vertx;
    private final WorkerExecutor workers;
    private final String name;
    private final RemoteRegion remote;
    private final Backing backing;
    private final @Nullable WriteListener listener;
    /** Removes the region from its table. */
    private final Consumer<Region> forget;

    private final Promise<End> end = Promise.promise();
    /** Set by the registering thread before the key is published; read by event loops. */
    private volatile @Nullable GroupName owner;

    private int leases;
    private boolean closing;
    private Duration closeBound = Duration.ZERO;
    private boolean ended;

    Region(
            Vertx vertx,
            WorkerExecutor workers,
            String name,
            RemoteRegion remote,
            Backing backing,
            @Nullable WriteListener listener,
            Consumer<Region> forget) {
        this.vertx = vertx;
        this.workers = workers;
        this.name = name;
        this.remote = remote;
        this.backing = backing;
        this.listener = listener;
        this.forget = forget;
    }

    /**
     * Restricts the region to members of this group, over channels that were granted to the group. To be called before
     * the region is published.
     */
    public Region guardedBy(@Nullable GroupName group) {
        owner = group;
        return this;
    }

    /** The group that {@link #guardedBy} set. Null: every process that has the key may use the region. */
    @Nullable
    public GroupName owner() {
        return owner;
    }

    /** Never reused within a process. */
    public int id() {
        return remote.id();
    }

    public String name() {
        return name;
    }

    public long bytes() {
        return remote.bytes();
    }

    /** The memory as the CPU can access it: empty if it is memory of a GPU. */
    public MemorySegment memory() {
        return backing.memory();
    }

    public Backing backing() {
        return backing;
    }

    /** The GPU memory behind the region; empty if it is memory of the host. */
    public Optional<GpuSlice> gpu() {
        return backing instanceof Backing.OnGpu(var gpu, var view, var _, var _)
                ? Optional.of(new GpuSlice(gpu.device(), view.address(), view.bytes()))
                : Optional.empty();
    }

    /** The published description of the region, under this segment name. */
    public SegmentInfo info(String segment) {
        return new SegmentInfo(
                segment,
                id(),
                remote.key(),
                bytes(),
                backing instanceof Backing.OnGpu(var _, var _, var records, var _) ? records : List.of());
    }

    public synchronized boolean isClosing() {
        return closing;
    }

    /** Whether {@link #close} was called. */
    public boolean isClosed() {
        return isClosing();
    }

    /** The data that another process needs to write into the region. */
    public RemoteRegion remote() {
        return remote;
    }

    /**
     * Refuses new leases, waits for those that are held, and then frees memory of {@link RegionTable#allocate}. The
     * application may free memory that it passed to {@link RegionTable#register} once the result is {@link End.Closed}.
     * A second call returns the result of the first.
     *
     * @param bound how long to wait for leases; after this the memory is leaked on purpose
     */
    public Future<End> close(Duration bound) {
        boolean idle;
        synchronized (this) {
            if (closing) {
                return end.future();
            }
            closing = true;
            closeBound = bound;
            idle = leases == 0;
            ended = idle;
        }
        if (idle) {
            free(bound);
        } else {
            vertx.setTimer(Math.max(1, bound.toMillis()), _ -> leak(bound.toMillis()));
        }
        return end.future();
    }

    synchronized boolean lease() {
        if (closing) {
            return false;
        }
        leases++;
        return true;
    }

    void released() {
        boolean last;
        synchronized (this) {
            leases--;
            last = closing && leases == 0 && !ended;
            ended |= last;
        }
        if (last) {
            free(closeBound);
        }
    }

    void announce(long offset, long length) {
        if (listener != null) {
            listener.written(this, offset, length);
        }
    }

    private void leak(long waitedMs) {
        int held;
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
            held = leases;
        }
        forget.accept(this);
        log.warn(
                LogEvents.REGION_LEAKED
                        + " region={} name={} bytes={} leases={} waitedMs={}: the memory stays allocated,"
                        + " because a transfer may still use it",
                id(),
                name,
                bytes(),
                held,
                waitedMs);
        end.complete(new End.Leaked(held, waitedMs));
    }

    private void free(Duration bound) {
        release(bound).onComplete(freed -> {
            forget.accept(this);
            if (freed.succeeded()) {
                end.complete(new End.Closed());
            } else {
                log.warn(
                        LogEvents.REGION_LEAKED + " region={} name={} bytes={}: its memory could not be freed: {}",
                        id(),
                        name,
                        bytes(),
                        freed.cause().toString());
                end.complete(new End.Leaked(0, 0));
            }
        });
    }

    private Future<Void> release(Duration bound) {
        return switch (backing) {
            case Backing.Host(MemorySegment _, Arena owned) -> owned == null ? Future.succeededFuture() : close(owned);
            case Backing.OnGpu onGpu -> onGpu.release().release(id(), bound);
        };
    }

    /** Closing a shared arena stops all threads for a moment, so it is not done on an event loop. */
    private Future<Void> close(Arena arena) {
        return workers.executeBlocking(
                        () -> {
                            arena.close();
                            return arena;
                        },
                        false)
                .mapEmpty();
    }

    @Override
    public String toString() {
        return "region " + id() + " (" + name + ", " + bytes() + " bytes)";
    }
}
