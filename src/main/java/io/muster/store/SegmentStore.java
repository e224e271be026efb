// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupName;
import io.muster.segment.KeyOwner;
import io.muster.segment.SegmentHandle;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The distributed key store for segment handles: text keys, opaque bytes, compare-and-set only. Every operation is
 * asynchronous and ends within the store's own deadline. An operation that has missed its deadline may still be applied
 * later, which is harmless because no key ever returns to bytes that it had before. The store never interprets a value.
 *
 * <p>Futures complete on the caller's context if it has one, otherwise on the one that the store was created with. They
 * fail with a {@link io.muster.group.MusterException} of kind RETRY if the store does not answer in time or is not
 * available, and of kind FATAL once it is closed.
 */
public interface SegmentStore {

    /** The value of a key as the store holds it now, or null. */
    Future<@Nullable StoredBytes> get(String key);

    /**
     * The values of those keys that are present. A group's epoch record is read before its other keys, or at the same
     * moment. The other keys may be read at different moments.
     */
    Future<Map<String, StoredBytes>> getAll(Set<String> keys);

    /**
     * Sets a key if it holds exactly the expected value.
     *
     * @param expected the exact bytes that must be there now, null: the key must be absent
     * @param next the bytes to put, null: remove the key (then expected must not be null)
     * @return true if this call applied it. False means only that this call did not: after false, a failure or a missed
     *     deadline the caller reads again
     */
    Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next);

    /**
     * Lets a key vanish after a time if it holds exactly the expected value now and until then. A change of the key
     * meanwhile keeps it.
     *
     * @return false if the key holds another value now
     */
    Future<Boolean> expire(String key, StoredBytes expected, Duration after);

    /**
     * Adds a listener. The future completes when the listener is registered at all members, so it sees every change
     * that is applied after that. Changes of marks cause no event ({@link StoreKeys#isNotified}). Events are best
     * effort: they may be delayed, repeated, reordered or lost. A caller that needs certainty reads again.
     */
    Future<Void> listen(Listener listener);

    /**
     * Removes the listeners, fails pending operations and refuses further ones (FATAL). May be called repeatedly. Does
     * not fail: it waits for a member that does not answer no longer than for an operation. The Hazelcast instance
     * under the store stays open.
     */
    Future<Void> close();

    /** Called on the store's context. */
    interface Listener {
        /** A key has a new value, or null if it was removed, evicted or has expired. */
        void changed(String key, @Nullable StoredBytes value);

        /**
         * Any key may have an older value or be missing without a {@link #changed} for it. Read, and write the own
         * values again.
         */
        void outdated();

        /** This process was merged back into a cluster after a split. Any key may be {@link #outdated}. */
        default void merged() {
            outdated();
        }

        /** The cluster has lost all copies of this number of partitions, and the entries in them. */
        default void partitionsLost(int partitions) {
            outdated();
        }

        /**
         * The members of the cluster have changed.
         *
         * @param present identifies the processes that are members now
         */
        void membersChanged(PresentMembers present);

        /**
         * The store has shut itself down, or was shut down from outside, and answers no operation any more. Called
         * once, as the last event.
         */
        default void ended() {}
    }

    /** The members of the cluster now, as seen by this member. Does not block. */
    PresentMembers presentMembers();

    /**
     * The member UUID that this process writes into its entries. Others compare it with {@link PresentMembers} to see
     * whether this process is still a member, also where no member carries a process id. Read it again after
     * {@link Listener#merged()}: a merge changes it.
     */
    String localMemberUuid();

    /**
     * The process whose member owns the keys of a group, as far as this process knows, or null. The owner reads these
     * keys without a network request. It may change at any moment. Does not block.
     */
    @Nullable
    KeyOwner keyOwner(GroupName group);

    /**
     * The members of the cluster at one moment.
     *
     * @param processIds the {@code muster.processId} attributes of the members that carry one
     * @param memberUuids the identities of all members, also of those without Muster; they change on a merge
     */
    record PresentMembers(Set<String> processIds, Set<String> memberUuids) {
        public PresentMembers {
            processIds = Set.copyOf(processIds);
            memberUuids = Set.copyOf(memberUuids);
        }

        /** Whether the process that published a handle is one of them. */
        public boolean carry(SegmentHandle handle) {
            return processIds.contains(handle.process().toString()) || memberUuids.contains(handle.memberUuid());
        }
    }
}
