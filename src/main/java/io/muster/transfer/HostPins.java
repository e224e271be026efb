package io.muster.transfer;

import io.muster.cuda.Gpu;
import io.vertx.core.Future;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Segments in memory of the host that GPUs copy from and to: page-locked when the first copy needs them, and given back before their memory is.
 * What can't be locked is copied all the same, slower. Thread-safe.
 */
final class HostPins {
  private static final Logger LOG = LoggerFactory.getLogger(HostPins.class);

  private final Set<Integer> known = ConcurrentHashMap.newKeySet();

  /** The copy that is handed to the GPU next finds it locked: its thread does one after the other. The caller holds a lease. */
  void pin(Gpu gpu, Region region) {
    if (!known.add(region.id())) {
      return;
    }
    Future<Boolean> pinned = Future.fromCompletionStage(gpu.pin(region.memory())).map(true).otherwise(failure -> {
      LOG.info("region-not-pinned region={} name={} bytes={} device={} reason={}: copies by way of the driver's own memory", region.id(),
          region.name(), region.bytes(), gpu.device(), GpuFailures.text(failure));
      return false;
    });
    region.beforeFreeing(() -> pinned.compose(is -> is ? unpinned(gpu, region) : Future.succeededFuture()).onComplete(_ -> known.remove(region.id())));
  }

  /** A context that has died takes its locks along. */
  private static Future<Void> unpinned(Gpu gpu, Region region) {
    return Future.fromCompletionStage(gpu.unpin(region.memory())).otherwise(failure -> {
      LOG.warn("region-not-unpinned region={} name={} device={} reason={}", region.id(), region.name(), gpu.device(), GpuFailures.text(failure));
      return null;
    });
  }
}
