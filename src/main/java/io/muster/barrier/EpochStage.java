// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.GroupName;
import io.muster.segment.EpochRecord;

/**
 * A stage that an epoch has reached at one process; published on its node, for measurements.
 *
 * @param atNanos on the monotonic clock
 */
public record EpochStage(GroupName group, long epoch, Stage stage, long atNanos) {
    /**
     * OPEN: implied by the entries, or in the record. MARKED: a rank of this process has made and sent its mark.
     * COMPLETE and DEGRADED: in the record.
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
