// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupName;
import io.muster.segment.KeyOwner;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A store that forwards to another store each operation that it does not override. */
public interface WrappedStore extends SegmentStore {
    /** The wrapped store. */
    SegmentStore store();

    @Override
    default Future<@Nullable StoredBytes> get(String key) {
        return store().get(key);
    }

    @Override
    default Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        return store().getAll(keys);
    }

    @Override
    default Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        return store().compareAndSet(key, expected, next);
    }

    @Override
    default Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return store().expire(key, expected, after);
    }

    @Override
    default Future<Void> listen(Listener listener) {
        return store().listen(listener);
    }

    @Override
    default Future<Void> close() {
        return store().close();
    }

    @Override
    default PresentMembers presentMembers() {
        return store().presentMembers();
    }

    @Override
    default String localMemberUuid() {
        return store().localMemberUuid();
    }

    @Override
    default @Nullable KeyOwner keyOwner(GroupName group) {
        return store().keyOwner(group);
    }

    /** A listener that forwards to another listener each event that it does not override. */
    interface WrappedListener extends Listener {
        Listener listener();

        @Override
        default void changed(String key, @Nullable StoredBytes value) {
            listener().changed(key, value);
        }

        @Override
        default void outdated() {
            listener().outdated();
        }

        @Override
        default void merged() {
            listener().merged();
        }

        @Override
        default void partitionsLost(int partitions) {
            listener().partitionsLost(partitions);
        }

        @Override
        default void membersChanged(PresentMembers present) {
            listener().membersChanged(present);
        }

        @Override
        default void ended() {
            listener().ended();
        }
    }
}
