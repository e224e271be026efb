package io.muster.fabric;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingProbe;

/**
 * What the GPUs of this host prove of a fabric, found out once per process: whoever asks first waits for it. A GPU that was busy or broken
 * at that moment is asked again by the next process.
 */
public final class GpuFabric {
  private GpuFabric() {}

  /** <b>Blocks</b> at the first call; see {@link CudaProbe#probe} and {@link SharingProbe#probe}. */
  public static FabricVerdict verdict(NvlinkIpcSetting setting) {
    if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_OFF) {
      return new FabricVerdict.NotAvailable(setting.sentence()); // without asking the driver
    }
    return FabricRule.verdict(Probed.CUDA, Probed.SHARING, setting);
  }

  /** Initialised, by the JVM under its lock, when first used. */
  private static final class Probed {
    private static final CudaFacts CUDA = CudaProbe.probe();
    private static final SharingFacts SHARING = SharingProbe.probe(CUDA, SharingProbe.Depth.VERDICT);
  }
}
