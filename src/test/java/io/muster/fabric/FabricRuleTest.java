// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.TrialOutcome;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.FabricInfo;
import io.muster.cuda.driver.FabricInfo.Known;
import io.muster.cuda.driver.FabricInfo.Unknown;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import java.util.ArrayList;
import java.util.Arrays;
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

    private static final SharingFacts NOT_ASKED = new SharingFacts.NotAsked("no GPU");
    private static final TrialOutcome TOUCHED = new TrialOutcome.Touched(List.of());
    private static final TrialOutcome EXPORTED = new TrialOutcome.Exported(List.of());
    private static final Known IN_FABRIC = known(new UUID(5, 5), 7, Known.COMPLETED);

    private static Known known(UUID cluster, int clique, int state) {
        return new Known(cluster, clique, state, 0, OptionalInt.of(0));
    }

    private static TrialOutcome failed(int device, int status) {
        return new TrialOutcome.Failed(
                new CudaFailure("cuMemCreate(fabric)", OptionalInt.of(device), status, "MEANING"));
    }

    private static DeviceSharing device(int index, TrialOutcome fabric, FabricInfo info) {
        return new DeviceSharing(index, fabric, new TrialOutcome.NotTried(""), info);
    }

    private static FabricVerdict tried(DeviceSharing... devices) {
        FabricAttribute[] attributes = new FabricAttribute[devices.length];
        Arrays.fill(attributes, FabricAttribute.SET);
        return FabricRule.verdict(devices(attributes), new SharingFacts.Tried(List.of(devices), 1), UNSET);
    }

    private static FabricVerdict verdict(CudaFacts facts, NvlinkIpcSetting setting) {
        return FabricRule.verdict(facts, NOT_ASKED, setting);
    }

    @Test
    void theAttributeAloneProvesNoFabric() { // W-2
        assertThat(verdict(devices(FabricAttribute.SET, FabricAttribute.SET), UNSET))
                .isInstanceOf(FabricVerdict.Unproven.class);
    }

    @Test
    void namesImexIfAllocationIsNotPermitted() { // W-2
        assertThat(tried(
                        device(0, failed(0, 800), new Unknown("")),
                        device(1, new TrialOutcome.NotTried(""), new Unknown(""))))
                .isInstanceOfSatisfying(FabricVerdict.Unproven.class, unproven -> {
                    assertThat(unproven.reason())
                            .isEqualTo(
                                    "attribute 128 is set, but fabric memory is not permitted to this process: cuMemCreate(fabric) device=0: 800 MEANING");
                    assertThat(unproven.whatToDo()).contains("IMEX").contains("ComputeDomain");
                });
    }

    @Test
    void namesTheDeviceOfAnyOtherFailure() {
        FabricVerdict other = tried(device(0, EXPORTED, IN_FABRIC), device(1, failed(1, 999), IN_FABRIC));
        assertThat(other).isInstanceOf(FabricVerdict.Unproven.class);
        assertThat(other.reason()).endsWith("cuMemCreate(fabric) device=1: 999 MEANING");
        assertThat(tried(device(0, new TrialOutcome.WrongBytes("wrote 1, read 2"), IN_FABRIC))
                        .reason())
                .contains("device 0", "wrote 1, read 2");
        assertThat(FabricRule.verdict(devices(FabricAttribute.SET), new SharingFacts.Unusable("too old"), UNSET)
                        .reason())
                .endsWith("too old");
    }

    @Test
    void aZeroClusterUuidMeansNoFabric() { // W-2
        FabricVerdict verdict =
                tried(device(0, EXPORTED, IN_FABRIC), device(1, EXPORTED, known(new UUID(0, 0), 0, Known.COMPLETED)));
        assertThat(verdict).isInstanceOf(FabricVerdict.NotAvailable.class);
        assertThat(verdict.reason()).contains("the cluster UUID is zero").endsWith("(device 1)");
    }

    @Test
    void refusesAFabricWhosePlaceIsNotKnown() {
        assertThat(tried(device(0, EXPORTED, new Unknown("no NVML")))).isInstanceOf(FabricVerdict.Unproven.class);
        assertThat(tried(device(0, EXPORTED, known(new UUID(5, 5), 7, 2))).reason())
                .contains("state 2 (in progress)");
        assertThat(tried(device(0, EXPORTED, new Known(new UUID(5, 5), 7, Known.COMPLETED, 999, OptionalInt.empty())))
                        .reason())
                .contains("status 999");
        assertThat(tried(device(0, EXPORTED, IN_FABRIC))).as("not touched").isInstanceOf(FabricVerdict.Unproven.class);
    }

    @Test
    void provesAFabricIfAllDevicesTouchedItInOneClique() { // W-2
        assertThat(tried(device(0, TOUCHED, IN_FABRIC), device(1, TOUCHED, IN_FABRIC)))
                .isInstanceOfSatisfying(FabricVerdict.Proven.class, proven -> {
                    assertThat(proven.identity()).isEqualTo(new FabricIdentity(new UUID(5, 5), 7));
                    assertThat(proven.simulated()).isFalse();
                    assertThat(proven.reason()).endsWith("on all 2 devices");
                });
        assertThat(tried(device(0, TOUCHED, IN_FABRIC), device(1, EXPORTED, IN_FABRIC)))
                .isInstanceOf(FabricVerdict.Unproven.class);
        FabricVerdict two =
                tried(device(0, TOUCHED, IN_FABRIC), device(1, TOUCHED, known(new UUID(5, 5), 8, Known.COMPLETED)));
        assertThat(two).isInstanceOfSatisfying(FabricVerdict.Unproven.class, unproven -> {
            assertThat(unproven.reason())
                    .contains("different cliques")
                    .contains("/7")
                    .contains("/8");
            assertThat(unproven.whatToDo()).contains("CUDA_VISIBLE_DEVICES");
        });
    }

    @Test
    void reportsWhereTheOriginalsRuleIsWrong() { // W-2
        CudaFacts one = devices(FabricAttribute.SET);
        SharingFacts notPermitted = new SharingFacts.Tried(List.of(device(0, failed(0, 800), new Unknown(""))), 1);
        assertThat(FabricRule.originalIsWrong(one, notPermitted))
                .hasValueSatisfying(why -> assertThat(why).contains("skip the warmup", "800"));
        assertThat(FabricRule.originalIsWrong(one, new SharingFacts.Tried(List.of(device(0, TOUCHED, IN_FABRIC)), 1)))
                .isEmpty();
        assertThat(FabricRule.originalIsWrong(devices(FabricAttribute.CLEAR), NOT_ASKED))
                .isEmpty();
        assertThat(FabricRule.originalIsWrong(new CudaFacts.NoDriver(""), NOT_ASKED))
                .isEmpty();
    }

    @Test
    void namesTheDeviceWithoutTheAttribute() { // W-2
        FabricVerdict verdict =
                verdict(devices(FabricAttribute.SET, FabricAttribute.CLEAR, FabricAttribute.UNKNOWN_TO_DRIVER), UNSET);
        assertThat(verdict).isInstanceOf(FabricVerdict.NotAvailable.class);
        assertThat(verdict.reason()).endsWith("device 1, 2 (unknown to this driver)");
    }

    @Test
    void givesTheReasonIfThereIsNoUsableGpu() { // W-8
        CudaFailure failure =
                new CudaFailure("cuDeviceGetAttribute(128)", OptionalInt.of(2), 999, "CUDA_ERROR_UNKNOWN");
        assertThat(verdict(new CudaFacts.NoDriver("no libcuda"), UNSET).reason())
                .endsWith("no libcuda");
        assertThat(verdict(new CudaFacts.NoDevice("none"), UNSET).reason()).endsWith("none");
        assertThat(verdict(new CudaFacts.Unusable("broken", "mend"), UNSET).reason())
                .endsWith("broken");
        assertThat(verdict(new CudaFacts.Failed(failure), UNSET).reason())
                .endsWith("cuDeviceGetAttribute(128) device=2: 999 CUDA_ERROR_UNKNOWN");
    }

    @Test
    void theFabricIsOffIfTheVariableSaysSo() { // W-7
        FabricVerdict verdict = verdict(devices(FabricAttribute.SET), NvlinkIpcSetting.of("1", null));
        assertThat(verdict)
                .isEqualTo(new FabricVerdict.NotAvailable("MC_USE_NVLINK_IPC=1: fabric off (only 0 asks for it)"));
    }

    @Test
    void showsWhereTheOriginalsRuleWouldAssumeAFabric() { // W-2
        assertThat(FabricRule.original(devices(FabricAttribute.SET, FabricAttribute.SET), "0")
                        .fabric())
                .isTrue();
        assertThat(FabricRule.original(devices(FabricAttribute.SET, FabricAttribute.CLEAR), "0")
                        .fabric())
                .isFalse();
        assertThat(FabricRule.original(devices(FabricAttribute.SET), null).fabric())
                .isFalse();
        assertThat(FabricRule.original(devices(FabricAttribute.SET), "").fabric())
                .isFalse();
        assertThat(FabricRule.original(devices(FabricAttribute.SET), "1").fabric())
                .isFalse();
        assertThat(FabricRule.original(new CudaFacts.NoDriver(""), "0").fabric())
                .isFalse();
    }
}
