// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.store.MusterMap;
import java.time.Duration;

/**
 * The distributed key store for segment handles.
 *
 * @param operationTimeoutMs deadline of one store operation
 * @param reconcileMs pause between full reads, for notifications that were lost
 * @param mapName name of the map that holds all groups
 * @param hedgeMs the hedge: how long a process waits for the one before it to open or complete an epoch, before it does
 *     so itself
 * @param forgetMs how long the keys of a group that all ranks have left stay in the store
 */
public record StoreOptions(int operationTimeoutMs, int reconcileMs, String mapName, int hedgeMs, int forgetMs) {
    private static final int SLOW_PART_OF_TIMEOUT = 6;
    private static final int HEDGES_BEFORE_REPUBLISHING = 7;

    static final StoreOptions DEFAULTS = new StoreOptions(3000, 5000, MusterMap.NAME, 30, 600_000);

    public StoreOptions {
        Mistakes mistakes = new Mistakes("store");
        mistakes.range("operationTimeoutMs", operationTimeoutMs, 10, 600_000, "ms");
        mistakes.range("reconcileMs", reconcileMs, 100, 3_600_000, "ms");
        mistakes.pattern("mapName", mapName, "[A-Za-z0-9._-]{1,64}", "1 to 64 of A-Z a-z 0-9 . _ -");
        mistakes.range("hedgeMs", hedgeMs, 0, 10_000, "ms");
        mistakes.range("forgetMs", forgetMs, 1_000, 86_400_000, "ms");
        mistakes.throwIfAny();
    }

    /** An operation that takes longer is recorded by the flight recorder, like one that fails. */
    public int slowMs() {
        return operationTimeoutMs / SLOW_PART_OF_TIMEOUT;
    }

    /**
     * Longest random wait before an event that has not arrived is published again. By then every process that should
     * publish it has had its turn.
     */
    public int republishHedgeMs() {
        return HEDGES_BEFORE_REPUBLISHING * hedgeMs;
    }

    public StoreOptions withOperationTimeout(Duration operationTimeout) {
        return new StoreOptions(Durations.inMillis(operationTimeout), reconcileMs, mapName, hedgeMs, forgetMs);
    }

    public StoreOptions withReconcile(Duration reconcile) {
        return new StoreOptions(operationTimeoutMs, Durations.inMillis(reconcile), mapName, hedgeMs, forgetMs);
    }

    public StoreOptions withMapName(String mapName) {
        return new StoreOptions(operationTimeoutMs, reconcileMs, mapName, hedgeMs, forgetMs);
    }

    public StoreOptions withHedge(Duration hedge) {
        return new StoreOptions(operationTimeoutMs, reconcileMs, mapName, Durations.inMillis(hedge), forgetMs);
    }

    public StoreOptions withForget(Duration forget) {
        return new StoreOptions(operationTimeoutMs, reconcileMs, mapName, hedgeMs, Durations.inMillis(forget));
    }
}
