// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.GpuSlice;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Registered memory. Transfers hold leases on it; closing refuses new ones, waits for those that are held, and only
 * then gives the memory back. Thread-safe: the lease count and the state are guarded by this object's monitor, where
 * event loops, the closer and its timer meet.
 */
public final class Region {
    private static final Logger log = LoggerFactory.getLogger(Region.class);

    /** How a region ended. */
    public sealed interface End {
        /** No transfer uses it any more; memory that the region owned has been given back. */
        record Closed() implements End {}

        /** Leases were still held at the bound, so the memory is kept for ever. */
        record Leaked(int leases, long waitedMs) implements End {}
    }

    private final RegionTable table;
    private final String name;
    private final RemoteRegion remote;
    private final Backing backing;
    private final @Nullable WriteListener listener;
    private final Promise<End> end = Promise.promise();
    /** Set by whoever registers, before the key is known to anybody who could ask. */
    private volatile @Nullable GroupName owner;

    private int leases;
    private boolean closing;
    private Duration closeBound = Duration.ZERO;
    private boolean ended;

    Region(RegionTable table, String name, RemoteRegion remote, Backing backing, @Nullable WriteListener listener) {
        this.table = table;
        this.name = name;
        this.remote = remote;
        this.backing = backing;
        this.listener = listener;
    }

    /**
     * Only members of this group may use it from now on, over channels that were granted to it; to be called before it
     * is published.
     */
    public Region guardedBy(@Nullable GroupName group) {
        owner = group;
        return this;
    }

    /** The group whose members alone may use it, null: whoever has the key. */
    @Nullable
    public GroupName owner() {
        return owner;
    }

    /** Never used twice within a process. */
    public int id() {
        return remote.id();
    }

    public long bytes() {
        return remote.bytes();
    }

    /** The memory as the processor sees it: of no bytes where it lies in a GPU. */
    public MemorySegment memory() {
        return backing.memory();
    }

    public Backing backing() {
        return backing;
    }

    /** The GPU memory that it is, if it is. */
    public Optional<GpuSlice> gpu() {
        return backing instanceof Backing.OnGpu(var gpu, var view, var _, var _)
                ? Optional.of(new GpuSlice(gpu.device(), view.address(), view.bytes()))
                : Optional.empty();
    }

    /** As others are told of it, under this name. */
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

    /** What others need to write into it. */
    public RemoteRegion remote() {
        return remote;
    }

    /**
     * Refuses new leases from now on, waits for those that are held, then frees memory from
     * {@link RegionTable#allocate}. Memory that was handed to {@link RegionTable#register} may be freed by its owner
     * once the result is {@link End.Closed}.
     *
     * @param bound after this the memory is leaked on purpose; a second call returns the first one's result
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
            table.after(Math.max(1, bound.toMillis()), () -> leak(bound.toMillis()));
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
        table.forget(this);
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
        table.release(this, bound).onComplete(freed -> {
            table.forget(this);
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

    @Override
    public String toString() {
        return "region " + id() + " (" + name + ", " + bytes() + " bytes)";
    }
}
