// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.segment.SegmentHandle;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The distributed key store for segment handles: text keys, opaque bytes, compare-and-set only. Every operation is
 * asynchronous and ends within the store's own deadline; one that has missed its deadline may still be applied later,
 * which is harmless because no key ever returns to bytes that it had before. A value is never interpreted here.
 *
 * <p>Futures complete on the caller's context if it has one, else on the one that the store was created with. They fail
 * with a {@link io.muster.group.MusterException} of kind RETRY when the store does not answer in time or is not
 * available, and FATAL once it is closed.
 */
public interface SegmentStore {

    /** The value of a key as the store holds it now, or null. */
    Future<@Nullable StoredBytes> get(String key);

    /**
     * The values of those of the keys that are present. A group's epoch record is read before its other keys or at one
     * moment with them; the others may be read at different moments.
     */
    Future<Map<String, StoredBytes>> getAll(Set<String> keys);

    /**
     * Sets a key if it holds exactly the expected value.
     *
     * @param expected the exact bytes that must be there now, null: the key must be absent
     * @param next the bytes to put, null: remove the key (then expected must not be null)
     * @return true if it was applied by this call; false says only that it was not: after false, a failure or a
     *     deadline the caller reads
     */
    Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next);

    /**
     * Adds a listener; the future completes when the listener is known to be registered everywhere, so that a change
     * applied after that is seen. Changes of marks are not told ({@link StoreKeys#isTold}). Events are best effort:
     * they may be delayed, repeated, reordered or lost; whoever needs certainty reads again.
     */
    Future<Void> listen(Listener listener);

    /**
     * Removes the listeners, fails what is pending and refuses further operations (FATAL). May be repeated. Does not
     * fail: a member that can't be told is not waited for longer than an operation may take. What the store was built
     * on (a Hazelcast instance) is left alone.
     */
    Future<Void> close();

    /** Called on the store's context. */
    interface Listener {
        /** A key has a new value, or none (null: removed, evicted or expired). */
        void changed(String key, @Nullable StoredBytes value);

        /**
         * Anything may have gone back or be missing without a {@link #changed} for it; read and re-assert: this process
         * was merged back into a cluster after a split, or the store lost entries with all their copies, or was
         * cleared.
         */
        void merged();

        /** The cluster lost all copies of so many partitions, and with them the entries in there. */
        default void partitionsLost(int partitions) {
            merged();
        }

        /**
         * The members of the cluster have changed.
         *
         * @param present what identifies the processes that are there now
         */
        void membersChanged(PresentMembers present);

        /**
         * The store has shut itself down, by its own decision or somebody else's, and answers nothing any more. Told
         * once, and last.
         */
        default void ended() {}
    }

    /** Who is in the cluster now, as the store's cluster sees it. Does not block. */
    PresentMembers presentMembers();

    /**
     * What this process writes into its entries, so that others can tell from {@link PresentMembers} whether it is
     * still there, also where no member carries a process id. Ask again after {@link Listener#merged()}: a merge gives
     * a member a new one.
     */
    String localMemberUuid();

    /**
     * Whose member of the store owns the keys of a group, as far as is known here, or null: it reads them without
     * asking anybody. It may be another one in the next moment. Does not block.
     */
    @Nullable
    KeyOwner keyOwner(GroupName group);

    /**
     * The process whose member of the store owns some keys.
     *
     * @param process what the {@code muster.processId} attribute of the member says, null if it carries none
     * @param memberUuid the identity of the member
     */
    record KeyOwner(@Nullable ProcessId process, String memberUuid) {
        /** Whether it is the process that published a handle. */
        public boolean published(SegmentHandle handle) {
            return handle.process().equals(process) || memberUuid.equals(handle.memberUuid());
        }
    }

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
