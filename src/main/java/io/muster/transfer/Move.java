// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.cuda.CopyQueue;
import io.muster.group.Direction;
import io.muster.group.Local;
import io.muster.cuda.copy.CopyQueue;

/**
 * One move of bytes between this process and a segment.
 *
 * @param offset first byte in the segment
 * @param queue where its copies are handed in: those of a batch together
 */
public record Move(Direction direction, long offset, Local local, CopyQueue queue) {

    /** One that goes by itself. */
    public static Move alone(Direction direction, long offset, Local local) {
        return new Move(direction, offset, local, CopyQueue.AT_ONCE);
    }

    public long bytes() {
        return local.bytes();
    }
}
