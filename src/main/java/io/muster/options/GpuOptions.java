// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.time.Duration;
import java.util.Locale;

/**
 * Memory of GPUs.
 *
 * @param fallback what happens where a segment on a GPU can't be mapped
 * @param device the GPU whose memory links are warmed up in, in mode fabric
 * @param touchEveryMs how often a path over memory of GPUs is checked by an access, 0: never
 * @param lookUs the GPU's thread busy-polls a copy that it expects to finish within this many microseconds; 0 disables
 *     polling
 */
public record GpuOptions(Fallback fallback, int device, int touchEveryMs, int lookUs) {
    /** The alternatives; in settings they are written in lower case. */
    public enum Fallback {
        /** Its bytes go over the bulk connection, and are staged on the hosts. */
        TCP,
        /** The transfer fails, and says why. */
        NONE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final GpuOptions DEFAULTS = new GpuOptions(Fallback.TCP, 0, 2000, 20);

    public GpuOptions {
        Mistakes mistakes = new Mistakes("gpu");
        mistakes.range("device", device, 0, 255, "as an index");
        mistakes.range("touchEveryMs", touchEveryMs, 0, 3_600_000, "ms");
        mistakes.range("lookUs", lookUs, 0, 1000, "µs");
        mistakes.throwIfAny();
    }

    public GpuOptions withFallback(Fallback fallback) {
        return new GpuOptions(fallback, device, touchEveryMs, lookUs);
    }

    public GpuOptions withDevice(int device) {
        return new GpuOptions(fallback, device, touchEveryMs, lookUs);
    }

    public GpuOptions withTouchEvery(Duration touchEvery) {
        return new GpuOptions(fallback, device, Durations.inMillis(touchEvery), lookUs);
    }

    public GpuOptions withLook(Duration look) {
        return new GpuOptions(fallback, device, touchEveryMs, Durations.inMicros(look));
    }
}
