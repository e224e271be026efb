// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

/** The kinds of faults that are injected, and how each of them comes about. */
enum Fault {
    // operations of the store, each with a probability
    OPERATION_LOST(How.CONTINUOUS),
    OPERATION_LATE(How.CONTINUOUS),
    OPERATION_SLOW(How.CONTINUOUS),
    OPERATION_REPEATED(How.CONTINUOUS),
    ANSWER_LOST(How.CONTINUOUS),
    PUSH_LOST(How.CONTINUOUS),
    PUSH_LATE(How.CONTINUOUS),
    PUSH_DOUBLED(How.CONTINUOUS),
    MEMBERS_MISSED(How.CONTINUOUS),
    MEMBERS_LATE(How.CONTINUOUS),
    BUS_LOST(How.CONTINUOUS),
    // the network, each with a probability
    DIAL_FAILED(How.CONTINUOUS),
    MESSAGE_SLOW(How.CONTINUOUS),
    POLICY_SLOW(How.CONTINUOUS),
    IMPORT_FAILED(How.CONTINUOUS),
    // single events
    STORE_STALLED(How.EVENT),
    STORE_GONE(How.EVENT),
    ENTRY_LOST(How.EVENT),
    ENTRY_LOST_SILENTLY(How.EVENT),
    GROUP_LOST(How.EVENT),
    TOMBSTONE_LOST(How.BESIDE),
    DIED_WITH_PARTITIONS(How.EVENT),
    SPLIT(How.EVENT),
    SPLIT_WITH_CLAIMS_IN_BOTH_HALVES(How.EVENT),
    EVICTED(How.EVENT),
    MERGE_KEEPS_GREATER_SIDE(How.BESIDE),
    MERGE_KEEPS_LATEST(How.BESIDE),
    CRASHED(How.EVENT),
    HOST_DEAD(How.EVENT),
    RESTARTED_AT_SAME_ADDRESS(How.EVENT),
    ROLLING_RESTART(How.EVENT),
    PAUSED_SHORT(How.EVENT),
    PAUSED_LONG(How.EVENT),
    PAUSED_TOGETHER(How.EVENT),
    JOINED_LATE(How.BESIDE),
    LEFT(How.EVENT),
    LEFT_WHILE_DEGRADED(How.EVENT),
    ALL_LEFT(How.EVENT),
    FORGOTTEN(How.BESIDE),
    SECOND_CLAIMANT(How.EVENT),
    TWO_CLAIMANTS(How.EVENT),
    CLOCK_BEHIND(How.BESIDE),
    CLOCK_JUMPED_FORWARD(How.EVENT),
    CLOCK_JUMPED_BACK(How.EVENT),
    CLAIMED_AFTER_JUMP(How.BESIDE),
    PARTITIONED(How.EVENT),
    PAIR_CUT(How.EVENT),
    ONE_WAY(How.EVENT),
    FLAPPING(How.EVENT),
    BULK_BLACK_HOLE(How.EVENT),
    WRITES_HANG(How.EVENT),
    CHANNEL_CUT(How.EVENT),
    CHANNEL_CUT_UNSEEN(How.EVENT),
    REPORTED(How.EVENT),
    HANDLE_CHANGED(How.EVENT),
    // what a stranger does who is a member of the store's cluster and does not know the secret
    FORGED_ENTRY(How.BESIDE),
    FORGED_TOMBSTONE(How.BESIDE),
    FORGED_MARK(How.BESIDE),
    FORGED_RECORD(How.BESIDE),
    REPLAYED(How.BESIDE),
    REPLAYED_UNDER_OTHER_KEY(How.BESIDE),
    DELETED_BY_STRANGER(How.BESIDE),
    GARBAGE_WRITTEN(How.BESIDE),
    STRANGER_DISTRUSTED(How.BESIDE),
    // the one fault of a schedule in which it is judged who is blamed
    ONLY_KILLED(How.ONLY),
    ONLY_HOST_DEAD(How.ONLY),
    ONLY_STOPPED(How.ONLY),
    ONLY_CUT_OFF(How.ONLY),
    ONLY_UNHEARD(How.ONLY),
    ONLY_DEAF(How.ONLY),
    ONLY_PAIR_CUT(How.ONLY),
    ONLY_PAIR_ONE_WAY(How.ONLY),
    ONLY_BLOCKS(How.ONLY),
    ONLY_TWO_KILLED(How.ONLY),
    ONLY_TWO_HOSTS_DEAD(How.ONLY),
    ONLY_TWO_STOPPED(How.ONLY),
    ONLY_STOPPED_SHORT(How.ONLY),
    ONLY_LEFT(How.ONLY),
    ONLY_CHANNEL_CUT(How.ONLY),
    ONLY_CLOCK_JUMPED(How.ONLY);

    /** How a fault comes about. */
    enum How {
        /** It strikes single operations, each with a probability. */
        CONTINUOUS,
        /** It is an event of its own, at some time, to somebody. */
        EVENT,
        /** It comes with something else. */
        BESIDE,
        /** It is all that is done in one {@link Trial}. */
        ONLY
    }

    private final How how;

    Fault(How how) {
        this.how = how;
    }

    How how() {
        return how;
    }
}
