// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The store of the process, with answers on the context of one group. Only the process listens to the store. */
final class StoreOnContext implements WrappedStore {
    private final SegmentStore store;
    private final ContextInternal context;

    StoreOnContext(SegmentStore store, Context context) {
        this.store = store;
        this.context = (ContextInternal) context;
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return here(store.get(key));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        return here(store.getAll(keys));
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        return here(store.compareAndSet(key, expected, next));
    }

    @Override
    public Future<Void> listen(Listener listener) {
        throw new UnsupportedOperationException("a process has one listener of the store; a group cannot add another");
    }

    @Override
    public Future<Void> close() {
        throw new UnsupportedOperationException("the store belongs to the process; a group cannot close it");
    }

    @Override
    public SegmentStore store() {
        return store;
    }

    private <T extends @Nullable Object> Future<T> here(Future<T> there) {
        Promise<T> here = context.promise();
        there.onComplete(outcome -> context.emit(outcome, here::handle));
        return here.future();
    }
}
