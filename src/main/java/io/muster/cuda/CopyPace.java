package io.muster.cuda;

/**
 * How fast copies of one kind go, learnt from those that were alone: so that the thread that waits for a long copy can sleep until
 * shortly before its end. A pace that was too slow is corrected at once, one that was too fast slowly: whoever looks too late would never learn.
 */
final class CopyPace {
  static final long UNKNOWN = Long.MAX_VALUE;
  /** Smaller copies say more of the call than of the pace. */
  private static final long TELLING_BYTES = 256 << 10;
  private static final long CALL_NANOS = 8_000;
  private static final double SLOWLY = 0.1;

  private double nanosPerByte;

  void took(long bytes, long nanos) {
    if (bytes < TELLING_BYTES) {
      return;
    }
    double seen = Math.max(0, nanos - CALL_NANOS) / (double) bytes;
    nanosPerByte = nanosPerByte == 0 || seen < nanosPerByte ? seen : nanosPerByte + SLOWLY * (seen - nanosPerByte);
  }

  long dueNanos(long startNanos, long bytes) {
    return bytes < TELLING_BYTES || nanosPerByte == 0 ? UNKNOWN : startNanos + CALL_NANOS + (long) (bytes * nanosPerByte);
  }
}
