// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.group.FabricVerdict;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GpuFabricTest {
    @Test
    void probesOncePerProcess() { // W-2, W-8
        FabricVerdict first = GpuFabric.verdict(NvlinkIpcSetting.of(null, null));
        long start = System.nanoTime();
        assertThat(GpuFabric.verdict(NvlinkIpcSetting.of("0", null))).isEqualTo(first);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));
    }

    @Test
    void hasNoFabricWithoutAGpu() { // W-8
        assumeTrue(!(CudaProbe.probe() instanceof CudaFacts.Devices), "this host has GPUs");
        assertThat(GpuFabric.verdict(NvlinkIpcSetting.of(null, null))).isInstanceOf(FabricVerdict.NotAvailable.class);
    }

    @Test
    void theFabricObeysTheVariable() { // W-7
        assertThat(GpuFabric.verdict(NvlinkIpcSetting.of("1", null)).reason()).startsWith("MC_USE_NVLINK_IPC=1");
    }
}
