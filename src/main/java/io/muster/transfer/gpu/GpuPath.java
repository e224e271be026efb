// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.transfer.ChannelGeneration;
import java.util.List;

/**
 * The way by which this process accesses a segment in GPU memory of another process.
 *
 * @param channel the channel over which the owner was asked
 * @param region id of the segment's region at its owner
 * @param device the GPU of this process that copies
 * @param way empty if the segment can't be mapped here; its bytes then go over the channel, if {@code gpu.fallback}
 *     allows it
 * @param refused why other ways were not used
 */
public record GpuPath(
        ChannelGeneration channel, int region, String segment, int device, String way, List<String> refused) {
    public GpuPath {
        refused = List.copyOf(refused);
    }
}
