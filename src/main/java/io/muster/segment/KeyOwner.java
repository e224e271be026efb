// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.ProcessId;
import org.jspecify.annotations.Nullable;

/**
 * The process whose member of the store owns the keys of a group.
 *
 * @param process from the {@code muster.processId} attribute of the member, null if it has none
 * @param memberUuid the identity of the member
 */
public record KeyOwner(@Nullable ProcessId process, String memberUuid) {
    /** Whether this is the process that published a handle. */
    public boolean published(SegmentHandle handle) {
        return handle.process().equals(process) || memberUuid.equals(handle.memberUuid());
    }
}
