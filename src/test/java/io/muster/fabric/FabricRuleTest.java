package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.CudaFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class FabricRuleTest {
  private static final NvlinkIpcSetting UNSET = NvlinkIpcSetting.of(null, null);

  private static CudaFacts devices(FabricAttribute... attributes) {
    List<Device> devices = new ArrayList<>();
    for (FabricAttribute attribute : attributes) {
      devices.add(new Device(devices.size(), "GPU", new UUID(1, devices.size()), attribute));
    }
    return new CudaFacts.Devices(13_000, devices);
  }

  @Test
  void takesTheAttributeForNoProof() { // W-2
    assertThat(FabricRule.verdict(devices(FabricAttribute.SET, FabricAttribute.SET), UNSET))
        .isInstanceOfSatisfying(FabricVerdict.Unproven.class, unproven -> {
          assertThat(unproven.reason())
              .isEqualTo("attribute 128 is set on all 2 devices, but no fabric allocation has been proven by this version");
          assertThat(unproven.whatToDo()).contains("IMEX").contains("ComputeDomain");
        });
  }

  @Test
  void namesTheDeviceWithoutTheAttribute() { // W-2
    FabricVerdict verdict = FabricRule.verdict(devices(FabricAttribute.SET, FabricAttribute.CLEAR, FabricAttribute.UNKNOWN_TO_DRIVER), UNSET);
    assertThat(verdict).isInstanceOf(FabricVerdict.NotAvailable.class);
    assertThat(verdict.reason()).endsWith("device 1, 2 (unknown to this driver)");
  }

  @Test
  void givesTheReasonWhereThereIsNothingToAsk() { // W-8
    CudaFailure failure = new CudaFailure("cuDeviceGetAttribute(128)", OptionalInt.of(2), 999, "CUDA_ERROR_UNKNOWN");
    assertThat(FabricRule.verdict(new CudaFacts.NoDriver("no libcuda"), UNSET).reason()).endsWith("no libcuda");
    assertThat(FabricRule.verdict(new CudaFacts.NoDevice("none"), UNSET).reason()).endsWith("none");
    assertThat(FabricRule.verdict(new CudaFacts.Unusable("broken", "mend"), UNSET).reason()).endsWith("broken");
    assertThat(FabricRule.verdict(new CudaFacts.Failed(failure), UNSET).reason())
        .endsWith("cuDeviceGetAttribute(128) device=2: 999 CUDA_ERROR_UNKNOWN");
  }

  @Test
  void isOffWhereTheVariableSaysSo() { // W-7
    FabricVerdict verdict = FabricRule.verdict(devices(FabricAttribute.SET), NvlinkIpcSetting.of("1", null));
    assertThat(verdict).isEqualTo(new FabricVerdict.NotAvailable("MC_USE_NVLINK_IPC=1: fabric off (only 0 asks for it)"));
  }

  @Test
  void showsWhereTheOriginalWouldBelieveInAFabric() { // W-2
    assertThat(FabricRule.original(devices(FabricAttribute.SET, FabricAttribute.SET), "0").fabric()).isTrue();
    assertThat(FabricRule.original(devices(FabricAttribute.SET, FabricAttribute.CLEAR), "0").fabric()).isFalse();
    assertThat(FabricRule.original(devices(FabricAttribute.SET), null).fabric()).isFalse();
    assertThat(FabricRule.original(devices(FabricAttribute.SET), "").fabric()).isFalse();
    assertThat(FabricRule.original(devices(FabricAttribute.SET), "1").fabric()).isFalse();
    assertThat(FabricRule.original(new CudaFacts.NoDriver(""), "0").fabric()).isFalse();
  }
}
