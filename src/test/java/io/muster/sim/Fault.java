package io.muster.sim;

/** The kinds of faults that are injected. */
enum Fault {
  // operations of the store, each with a probability
  OPERATION_LOST(true), OPERATION_LATE(true), OPERATION_SLOW(true), OPERATION_REPEATED(true), ANSWER_LOST(true),
  PUSH_LOST(true), PUSH_LATE(true), PUSH_DOUBLED(true), MEMBERS_MISSED(true), MEMBERS_LATE(true), BUS_LOST(true),
  // the network, each with a probability
  DIAL_FAILED(true), MESSAGE_SLOW(true), POLICY_SLOW(true), IMPORT_FAILED(true),
  // single events
  STORE_STALLED(false), STORE_GONE(false), ENTRY_LOST(false), ENTRY_LOST_SILENTLY(false), GROUP_LOST(false), TOMBSTONE_LOST(false), DIED_WITH_PARTITIONS(false),
  SPLIT(false), SPLIT_WITH_CLAIMS_IN_BOTH_HALVES(false), EVICTED(false),
  MERGE_KEEPS_GREATER_SIDE(false), MERGE_KEEPS_LATEST(false),
  CRASHED(false), HOST_DEAD(false), RESTARTED_AT_SAME_ADDRESS(false), ROLLING_RESTART(false), PAUSED_SHORT(false), PAUSED_LONG(false),
  PAUSED_TOGETHER(false), JOINED_LATE(false), LEFT(false), LEFT_WHILE_DEGRADED(false), SECOND_CLAIMANT(false), TWO_CLAIMANTS(false),
  CLOCK_BEHIND(false), CLOCK_JUMPED_FORWARD(false), CLOCK_JUMPED_BACK(false),
  PARTITIONED(false), PAIR_CUT(false), ONE_WAY(false), FLAPPING(false), BULK_BLACK_HOLE(false), WRITES_HANG(false), CHANNEL_CUT(false), CHANNEL_CUT_UNSEEN(false),
  REPORTED(false), HANDLE_CHANGED(false);

  private final boolean continuous;

  Fault(boolean continuous) {
    this.continuous = continuous;
  }

  /** True if it strikes single operations with a probability, false if it is an event of its own. */
  boolean isContinuous() {
    return continuous;
  }
}
