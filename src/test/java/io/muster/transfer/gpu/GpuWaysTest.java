// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.segment.GpuRecord;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class GpuWaysTest {
    private static GpuRecord record(GpuRecord.Kind kind) {
        return new GpuRecord(kind, new byte[64], 0, 4096, new UUID(1, 2), 0);
    }

    /** All handles have the same length: only the tag distinguishes them. */
    @Test
    void memoryOnTheSameHostIsSharedByADescriptor() {
        GpuWays ways = GpuWays.of(List.of(record(GpuRecord.Kind.POSIX_FD), record(GpuRecord.Kind.CUDA_IPC)), true);
        assertThat(ways.ways())
                .extracting(GpuWays.Way::kind)
                .containsExactly(GpuWays.Kind.UNIX_SOCKET, GpuWays.Kind.IPC);
        assertThat(ways.refused()).isEmpty();
    }

    @Test
    void memoryOnAnotherHostIsTriedByFabricOnly() {
        GpuWays ways = GpuWays.of(
                List.of(
                        record(GpuRecord.Kind.POSIX_FD),
                        record(GpuRecord.Kind.CUDA_IPC),
                        record(GpuRecord.Kind.FABRIC)),
                false);
        assertThat(ways.ways()).extracting(GpuWays.Way::kind).containsExactly(GpuWays.Kind.FABRIC);
        assertThat(ways.refused()).hasSize(2).allSatisfy(why -> assertThat(why).contains("another host"));
    }
}
