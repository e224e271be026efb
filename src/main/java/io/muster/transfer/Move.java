// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.cuda.copy.CopyQueue;
import io.muster.group.Direction;
import io.muster.group.Local;

/**
 * One transfer of bytes between this process and a segment.
 *
 * @param offset first byte in the segment
 * @param queue receives the copies of this transfer; the transfers of a batch share one
 */
public record Move(Direction direction, long offset, Local local, CopyQueue queue) {

    /** A transfer that is not part of a batch. */
    public static Move alone(Direction direction, long offset, Local local) {
        return new Move(direction, offset, local, CopyQueue.AT_ONCE);
    }

    public long bytes() {
        return local.bytes();
    }
}
