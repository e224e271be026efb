// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.JoinedRank;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The writes of {@code bench transfer}: one caller that awaits each write before it begins the next. */
final class BenchTransfer {
    static final String GROUP = "bench-transfer";
    static final String SEGMENT = "bench";
    static final long BYTES = 64 << 20;
    private static final int SMALL = 8;
    private static final int MIB = 1 << 20;

    private BenchTransfer() {}

    static JsonObject run(JoinedRank from, int to) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(BYTES);
            long[] small = times(from, to, source.asSlice(0, SMALL), 3_000, 10_000);
            long[] mebibyte = times(from, to, source.asSlice(0, MIB), 100, 500);
            long[] all = times(from, to, source, 3, 20);
            return new JsonObject()
                    .put("write8MedianUs", micros(BenchRounds.percentile(small, 0.5)))
                    .put("write8P90Us", micros(BenchRounds.percentile(small, 0.9)))
                    .put("write8MinUs", micros(small[0]))
                    .put("write1MiBMedianMs", BenchRounds.millis(BenchRounds.percentile(mebibyte, 0.5)))
                    .put("write1MiBPerS", perSecond(BenchRounds.percentile(mebibyte, 0.5), MIB))
                    .put("write64MiBMedianMs", BenchRounds.millis(BenchRounds.percentile(all, 0.5)))
                    .put("write64MiBPerS", perSecond(BenchRounds.percentile(all, 0.5), BYTES));
        }
    }

    private static long[] times(JoinedRank from, int to, MemorySegment source, int before, int measured) {
        long[] times = new long[measured];
        for (int i = -before; i < measured; i++) {
            long startNanos = System.nanoTime();
            from.write(to, SEGMENT, 0, source).await();
            if (i >= 0) {
                times[i] = System.nanoTime() - startNanos;
            }
        }
        Arrays.sort(times);
        return times;
    }

    private static double micros(long nanos) {
        return Math.round(nanos / 100.0) / 10.0;
    }

    private static String perSecond(long nanos, long bytes) {
        return String.format(java.util.Locale.ROOT, "%.2f GiB/s", bytes / (double) (1 << 30) / (nanos / 1e9));
    }
}
