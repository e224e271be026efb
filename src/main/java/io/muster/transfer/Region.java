package io.muster.transfer;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Registered memory. Transfers hold leases on it; closing refuses new ones, waits for those that are held, and only then gives the memory
 * back. Thread-safe: the lease count and the state are guarded by this object's monitor, where event loops, the closer and its timer meet.
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
  private final MemorySegment memory;
  private final @Nullable Arena owned;
  private final @Nullable WriteListener listener;
  private final Promise<End> end = Promise.promise();
  private int leases;
  private boolean closing;
  private boolean ended;

  Region(RegionTable table, String name, RemoteRegion remote, MemorySegment memory, @Nullable Arena owned,
      @Nullable WriteListener listener) {
    this.table = table;
    this.name = name;
    this.remote = remote;
    this.memory = memory;
    this.owned = owned;
    this.listener = listener;
  }

  /** For people and reports; not unique. */
  public String name() {
    return name;
  }

  /** Never used twice within a process. */
  public int id() {
    return remote.id();
  }

  public long bytes() {
    return remote.bytes();
  }

  public MemorySegment memory() {
    return memory;
  }

  /** What others need to write into it. */
  public RemoteRegion remote() {
    return remote;
  }

  /**
   * Refuses new leases from now on, waits for those that are held, then frees memory from {@link RegionTable#allocate}. Memory that was
   * handed to {@link RegionTable#register} may be freed by its owner once the result is {@link End.Closed}.
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
      idle = leases == 0;
      ended = idle;
    }
    if (idle) {
      free();
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
      free();
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
    log.warn("region-leaked region={} name={} bytes={} leases={} waitedMs={}: memory stays allocated, since a transfer may still use it",
        id(), name, bytes(), held, waitedMs);
    end.complete(new End.Leaked(held, waitedMs));
  }

  private void free() {
    table.forget(this);
    if (owned == null) {
      end.complete(new End.Closed());
      return;
    }
    table.release(owned).onComplete(freed -> {
      if (freed.succeeded()) {
        end.complete(new End.Closed());
      } else {
        log.warn("region-leaked region={} name={} bytes={}: its memory could not be freed: {}", id(), name, bytes(),
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
