// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierSetup;
import io.muster.segment.RankEntry;
import io.muster.segment.Versioned;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Lets the keys of a group that all ranks have left vanish from the store after a time. The process of the last rank
 * calls it. All keys of a group lie in one partition, so of several processes that leave at the same moment the one
 * whose LEFT was written last sees the LEFT of all others.
 */
public final class FinishedGroup {
    private FinishedGroup() {}

    /**
     * Does nothing if a rank is LIVE in a process that is present, or if an entry cannot be read.
     *
     * @param after long enough that no operation on these keys is still under way, and that a process which was stopped
     *     has learned that its life is over
     * @return completes when each key has been set to vanish, or was found changed; fails as the store does
     */
    public static Future<Void> forget(SegmentStore store, BarrierSetup setup, Duration after) {
        var keys = new StoreKeys(setup.group());
        Set<String> all = new HashSet<>(keys.ranks(setup.worldSize()));
        all.addAll(keys.ready(IntStream.range(0, setup.worldSize())));
        all.add(keys.epoch());
        return store.getAll(all).compose(there -> {
            if (!isFinished(store, setup, keys, there)) {
                return Future.succeededFuture();
            }
            return Future.join(there.entrySet().stream()
                            .filter(one -> !one.getValue().isForeign())
                            .map(one -> store.expire(one.getKey(), one.getValue(), after))
                            .toList())
                    .mapEmpty();
        });
    }

    private static boolean isFinished(
            SegmentStore store, BarrierSetup setup, StoreKeys keys, Map<String, StoredBytes> there) {
        var values = new StoredValues(setup);
        SegmentStore.PresentMembers present = store.presentMembers();
        return IntStream.range(0, setup.worldSize()).allMatch(rank -> {
            StoredBytes stored = there.get(keys.rank(rank));
            RankEntry entry = Versioned.valueOf(Versioned.of(stored, value -> values.entry(rank, value)));
            return stored == null || (entry != null && !(entry.isLive() && present.carry(entry.handle())));
        });
    }
}
