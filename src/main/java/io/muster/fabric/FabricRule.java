package io.muster.fabric;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What follows for the fabric from what the probe found: Muster's rule, and the original's beside it. */
public final class FabricRule {
  private static final String IMEX = "nothing for now: warmups use the exchange; a fabric also needs an IMEX channel (on Kubernetes a ComputeDomain)";

  private FabricRule() {}

  /** The verdict on real GPUs. The attribute alone never proves a fabric, so it is never {@link FabricVerdict.Proven}. */
  public static FabricVerdict verdict(CudaFacts facts, NvlinkIpcSetting setting) {
    if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_OFF) {
      return new FabricVerdict.NotAvailable(setting.sentence());
    }
    return switch (facts) {
      case CudaFacts.NoDriver(String reason) -> new FabricVerdict.NotAvailable("no CUDA driver: " + reason);
      case CudaFacts.NoDevice(String reason) -> new FabricVerdict.NotAvailable("no GPU: " + reason);
      case CudaFacts.Unusable(String reason, _) -> new FabricVerdict.NotAvailable("the CUDA driver can't be called: " + reason);
      case CudaFacts.Failed failed -> new FabricVerdict.NotAvailable("the probe failed: " + failed.failure().text());
      case CudaFacts.Devices(_, List<Device> devices) -> ofDevices(devices);
    };
  }

  private static FabricVerdict ofDevices(List<Device> devices) {
    String without = devices.stream()
        .filter(device -> device.fabricAttribute() != FabricAttribute.SET)
        .map(device -> device.index() + (device.fabricAttribute() == FabricAttribute.CLEAR ? "" : " (unknown to this driver)"))
        .collect(Collectors.joining(", "));
    return without.isEmpty()
        ? new FabricVerdict.Unproven("attribute 128 is set on " + all(devices) + ", but no fabric allocation has been proven by this version", IMEX)
        : new FabricVerdict.NotAvailable("attribute 128 (fabric handles) is missing on device " + without);
  }

  private static String all(List<Device> devices) {
    return devices.size() == 1 ? "the only device" : "all " + devices.size() + " devices";
  }

  /** What the original answers. */
  public record Original(boolean fabric, String sentence) {}

  /**
   * The original's rule: the variable is "0" and every device has attribute 128. It is shown by {@code doctor} for comparison and used
   * nowhere: a plain host of H200s has the attribute and may not allocate fabric memory.
   *
   * @param value of {@code MC_USE_NVLINK_IPC}, null if unset
   */
  public static Original original(CudaFacts facts, @Nullable String value) {
    String variable = NvlinkIpcSetting.VARIABLE + (value == null ? " is not set" : "=" + value);
    if (!"0".equals(value)) {
      return new Original(false, "no fabric, since " + variable + " (only 0 asks for it)");
    }
    if (!(facts instanceof CudaFacts.Devices(_, List<Device> devices))) {
      return new Original(false, "no fabric, since no GPU has answered");
    }
    return devices.stream().allMatch(device -> device.fabricAttribute() == FabricAttribute.SET)
        ? new Original(true, "fabric, since " + variable + " and attribute 128 is set on " + all(devices) + ": it would skip the warmup, unproven")
        : new Original(false, "no fabric, since not every device has attribute 128");
  }
}
