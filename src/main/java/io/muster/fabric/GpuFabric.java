// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingProbe;
import io.muster.group.FabricVerdict;
import io.muster.group.LogEvents;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The verdict on the fabric of this host's GPUs. It is found once per process, and the first caller waits for it. A GPU
 * that was busy or broken at that time counts as such until the process ends.
 */
public final class GpuFabric {
    private static final Logger LOG = LoggerFactory.getLogger(GpuFabric.class);

    private GpuFabric() {}

    /**
     * <b>Blocks</b> at the first call; see {@link CudaProbe#probe} and {@link SharingProbe#probe}. It logs a warning if
     * a fabric is wanted and none is proven.
     */
    public static FabricVerdict verdict(NvlinkIpcSetting setting) {
        if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_OFF) {
            return new FabricVerdict.NotAvailable(setting.sentence()); // the driver is not called
        }
        FabricVerdict verdict = FabricRule.verdict(Probed.CUDA, Probed.SHARING, setting);
        if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_WANTED && !(verdict instanceof FabricVerdict.Proven)) {
            LOG.warn(LogEvents.FABRIC_NOT_PROVEN + " reason={}", verdict.reason());
        }
        return verdict;
    }

    /** Initialised at its first use, under the JVM's lock for class initialisation. */
    private static final class Probed {
        private static final CudaFacts CUDA = CudaProbe.probe();
        private static final SharingFacts SHARING = SharingProbe.probe(CUDA, SharingProbe.Depth.VERDICT);
    }
}
