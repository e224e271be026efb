// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.transfer.ChannelGeneration;
import java.util.List;

/**
 * How this process reaches a segment in GPU memory of another.
 *
 * @param channel over which its owner was asked
 * @param region number of the segment's memory there
 * @param device the GPU here that copies
 * @param way empty: it can't be mapped here, and its bytes go over the connection, if that is allowed
 * @param refused why other ways were not taken
 */
public record GpuPath(
        ChannelGeneration channel, int region, String segment, int device, String way, List<String> refused) {
    public GpuPath {
        refused = List.copyOf(refused);
    }
}
