// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Runs each kind of store operation, so that the first real one does not pay for code that runs for the first time. It
 * uses its own store beside the real one.
 */
public final class StoreRehearsal {
    private static final StoredBytes FIRST = StoredBytes.copyOf(new byte[256]);
    private static final StoredBytes SECOND = StoredBytes.copyOf(new byte[512]);

    private final SegmentStore store;
    private final String key;
    private final String mark;
    private final String record;
    private final long endNanos;

    private StoreRehearsal(SegmentStore store, String group, long endNanos) {
        this.store = store;
        this.key = group + "/rank/0";
        this.mark = group + "/ready/0";
        this.record = group + "/epoch";
        this.endNanos = endNanos;
    }

    /**
     * @param group a name that no other process uses
     * @param endNanos of {@link System#nanoTime}: no further round begins after it
     * @return the number of rounds that were done; its keys are absent again
     */
    public static Future<Integer> run(SegmentStore store, String group, int rounds, long endNanos) {
        return store.listen(new Deaf()).compose(_ -> new StoreRehearsal(store, group, endNanos).rounds(0, rounds));
    }

    /** Receives the events and ignores them: in a real group they come to every process. */
    private static final class Deaf implements SegmentStore.Listener {
        @Override
        public void changed(String key, @Nullable StoredBytes value) {}

        @Override
        public void outdated() {}

        @Override
        public void membersChanged(SegmentStore.PresentMembers present) {}
    }

    private Future<Integer> rounds(int done, int most) {
        if (done == most || System.nanoTime() - endNanos > 0) {
            return Future.succeededFuture(done);
        }
        return store.compareAndSet(key, null, FIRST)
                .compose(_ -> store.getAll(Set.of(key, mark, record)))
                .compose(_ -> store.compareAndSet(key, FIRST, SECOND))
                .compose(_ -> store.get(key))
                .compose(_ -> store.compareAndSet(key, SECOND, null))
                .compose(_ -> rounds(done + 1, most));
    }
}
