// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.GroupName;
import io.muster.segment.EpochRecord;

/**
 * A stage of an epoch, as one process came to know it; published on its node, for whoever measures.
 *
 * @param atNanos on the monotonic clock
 */
public record EpochStage(GroupName group, long epoch, Stage stage, long atNanos) {
    /**
     * OPEN: it follows from the entries, or the record says so; MARKED: a rank of this process has made its mark, and
     * told it; the others: the record says so.
     */
    public enum Stage {
        OPEN,
        MARKED,
        COMPLETE,
        DEGRADED;

        static Stage of(EpochRecord.State state) {
            return switch (state) {
                case OPEN -> OPEN;
                case COMPLETE -> COMPLETE;
                case DEGRADED -> DEGRADED;
            };
        }
    }
}
