// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.SharingProbe.Depth;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.FabricInfo;
import io.muster.cuda.driver.FabricInfo.Known;
import io.muster.cuda.driver.ForeignLoading;
import io.muster.cuda.driver.ForeignMemoryDriver;
import io.muster.cuda.driver.Nvml;
import io.muster.cuda.driver.RecordingMemoryDriver;
import io.muster.cuda.driver.RecordingNvml;
import io.muster.cuda.driver.ShareKind;
import io.muster.gpucheck.SharingCycles;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SharingProbeTest {
    private static final Known IN_FABRIC = new Known(new UUID(5, 5), 7, Known.COMPLETED, 0, OptionalInt.of(0));
    private static final Known ZERO = new Known(new UUID(0, 0), 0, Known.COMPLETED, 0, OptionalInt.of(0));

    private static CudaFacts devices(FabricAttribute... attributes) {
        List<Device> devices = new ArrayList<>();
        for (FabricAttribute attribute : attributes) {
            // the UUIDs descend, since NVML's order is not CUDA's
            devices.add(
                    new Device(devices.size(), "GPU", new UUID(0, attributes.length - 1L - devices.size()), attribute));
        }
        return new CudaFacts.Devices(13_000, devices);
    }

    private static final CudaFacts TWO = devices(FabricAttribute.SET, FabricAttribute.SET);

    private static List<DeviceSharing> ask(CudaFacts facts, Depth depth, CudaMemoryDriver driver, Nvml nvml) {
        SharingFacts sharing = new SharingProbe(
                        () -> new ForeignLoading.Loaded<>(driver),
                        () -> new ForeignLoading.Loaded<>(nvml),
                        System::nanoTime)
                .ask(facts, depth);
        assertThat(sharing).isInstanceOf(SharingFacts.Tried.class);
        return ((SharingFacts.Tried) sharing).devices();
    }

    @Test
    void makesNoContextIfFabricMemoryIsNotPermitted() { // W-2
        RecordingMemoryDriver driver =
                new RecordingMemoryDriver().failing("cuMemCreate(fabric) 0", CudaFailure.NOT_PERMITTED);
        RecordingNvml nvml = new RecordingNvml();
        List<DeviceSharing> tried = ask(TWO, Depth.VERDICT, driver, nvml);
        assertThat(driver.failed).isEqualTo(1);
        assertThat(driver.calls).containsExactly("cuMemGetAllocationGranularity(fabric) 0", "cuMemCreate(fabric) 0");
        assertThat(nvml.calls).isEmpty();
        assertThat(tried.get(0).fabric())
                .isInstanceOfSatisfying(
                        TrialOutcome.Failed.class,
                        failed -> assertThat(failed.failure().text())
                                .isEqualTo("cuMemCreate(fabric) device=0: 800 MEANING_OF_800"));
        assertThat(tried.get(1).fabric()).isInstanceOf(TrialOutcome.NotTried.class);
    }

    @Test
    void triesPosixMemoryIfFabricMemoryIsNotPermitted() {
        RecordingMemoryDriver driver =
                new RecordingMemoryDriver().failing("cuMemCreate(fabric) 0", CudaFailure.NOT_PERMITTED);
        List<DeviceSharing> tried = ask(TWO, Depth.EVERYTHING, driver, new RecordingNvml(ZERO, ZERO));
        assertThat(tried).extracting(DeviceSharing::posix).hasOnlyElementsOfType(TrialOutcome.Touched.class);
        assertThat(tried).extracting(DeviceSharing::info).containsOnly(ZERO);
        assertThat(tried.get(1).fabric()).isInstanceOf(TrialOutcome.Exported.class);
        assertThat(driver.open).isEmpty();
    }

    @Test
    void touchesOnEveryDeviceOfAFabric() { // W-2, W-3
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        List<DeviceSharing> tried = ask(TWO, Depth.VERDICT, driver, new RecordingNvml(IN_FABRIC, IN_FABRIC));
        assertThat(tried).extracting(DeviceSharing::fabric).hasOnlyElementsOfType(TrialOutcome.Touched.class);
        assertThat(tried).extracting(DeviceSharing::posix).hasOnlyElementsOfType(TrialOutcome.NotTried.class);
        assertThat(driver.calls).contains("cuDevicePrimaryCtxRelease_v2 0", "cuDevicePrimaryCtxRelease_v2 1");
        assertThat(driver.open).isEmpty();
        assertThat(driver.wrongOrder).isEmpty();
    }

    @Test
    void touchesNoMemoryIfTheClusterUuidIsZero() { // W-2
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        List<DeviceSharing> tried = ask(TWO, Depth.VERDICT, driver, new RecordingNvml(IN_FABRIC, ZERO));
        assertThat(tried).extracting(DeviceSharing::fabric).hasOnlyElementsOfType(TrialOutcome.Exported.class);
        assertThat(driver.calls).doesNotContain("cuDevicePrimaryCtxRetain 0");
    }

    @Test
    void findsADeviceInNvmlByItsUuid() {
        Known other = new Known(new UUID(6, 6), 1, Known.COMPLETED, 0, OptionalInt.empty());
        List<DeviceSharing> tried =
                ask(TWO, Depth.EVERYTHING, new RecordingMemoryDriver(), new RecordingNvml(IN_FABRIC, other));
        assertThat(tried).extracting(DeviceSharing::info).containsExactly(other, IN_FABRIC);
    }

    @Test
    void triesNoFabricMemoryWithoutTheAttribute() {
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        ask(devices(FabricAttribute.SET, FabricAttribute.CLEAR), Depth.VERDICT, driver, new RecordingNvml());
        assertThat(driver.calls).isEmpty();
    }

    @Test
    void reportsAnyFailedCallOfNvml() {
        for (int n = 1; n <= 6; n++) {
            RecordingNvml nvml = new RecordingNvml(IN_FABRIC, IN_FABRIC).failing(n);
            List<DeviceSharing> tried = ask(TWO, Depth.VERDICT, new RecordingMemoryDriver(), nvml);
            assertThat(tried)
                    .as("call %d", n)
                    .extracting(DeviceSharing::info)
                    .anySatisfy(info -> assertThat(info)
                            .isInstanceOfSatisfying(
                                    FabricInfo.Unknown.class,
                                    unknown -> assertThat(unknown.reason()).endsWith(": 3 Not Supported")));
            assertThat(nvml.calls.getLast())
                    .as("shut down after call %d", n)
                    .isEqualTo(n == 1 ? "nvmlInit_v2" : "nvmlShutdown");
        }
    }

    @Test
    void namesTheMissingLibraryOrFunction() {
        SharingProbe noNvml = new SharingProbe(
                () -> new ForeignLoading.Loaded<>(new RecordingMemoryDriver()),
                () -> new ForeignLoading.Absent<>("no NVML"),
                System::nanoTime);
        assertThat(noNvml.ask(TWO, Depth.VERDICT))
                .isInstanceOfSatisfying(
                        SharingFacts.Tried.class,
                        tried -> assertThat(tried.devices())
                                .extracting(DeviceSharing::info)
                                .containsOnly(new FabricInfo.Unknown("no NVML")));
        SharingProbe oldDriver = new SharingProbe(
                () -> new ForeignLoading.Absent<>("too old"), () -> new ForeignLoading.Absent<>(""), System::nanoTime);
        assertThat(oldDriver.ask(TWO, Depth.VERDICT)).isEqualTo(new SharingFacts.Unusable("too old"));
        assertThat(oldDriver.ask(new CudaFacts.NoDriver("none"), Depth.EVERYTHING))
                .isInstanceOf(SharingFacts.NotAsked.class);
    }

    @Test
    @Tag("gpu")
    void sharesMemoryOfThisHostsGpusInThisProcess() { // W-2, on real GPUs
        CudaFacts facts = CudaProbe.probe();
        assumeTrue(facts instanceof CudaFacts.Devices, () -> "no GPU here: " + facts);
        SharingFacts sharing = SharingProbe.probe(facts, Depth.EVERYTHING);
        assertThat(sharing)
                .isInstanceOfSatisfying(
                        SharingFacts.Tried.class,
                        tried -> assertThat(tried.devices()).allSatisfy(device -> {
                            assertThat(device.posix()).isInstanceOf(TrialOutcome.Touched.class);
                            assertThat(device.fabric()).isNotInstanceOf(TrialOutcome.WrongBytes.class);
                        }));
    }

    @Test
    @Tag("gpu")
    void namesTheStatusOfAFailedCallOfTheRealDriver() {
        CudaFacts facts = CudaProbe.probe();
        assumeTrue(facts instanceof CudaFacts.Devices, () -> "no GPU here: " + facts);
        assertThat(ForeignMemoryDriver.load()).isInstanceOfSatisfying(ForeignLoading.Loaded.class, loaded -> {
            CudaMemoryDriver driver = (CudaMemoryDriver) loaded.library();
            assertThat(new SharingTrial(driver, System::nanoTime).touch(999, ShareKind.POSIX))
                    .isInstanceOfSatisfying(
                            TrialOutcome.Failed.class,
                            failed -> assertThat(failed.failure().text())
                                    .isEqualTo("cuDeviceGet device=999: 101 CUDA_ERROR_INVALID_DEVICE"));
        });
    }

    @Test
    @Tag("gpu")
    void leavesNothingOpenAfterManyCycles() { // P-14, on real GPUs
        CudaFacts facts = CudaProbe.probe();
        assumeTrue(facts instanceof CudaFacts.Devices, () -> "no GPU here: " + facts);
        assertThat(SharingCycles.run(0, ShareKind.POSIX, 200))
                .isInstanceOfSatisfying(SharingCycles.Outcome.Done.class, done -> {
                    assertThat(done.after().descriptors())
                            .isLessThanOrEqualTo(done.before().descriptors());
                    assertThat(done.after().addressSpaceKiB() - done.before().addressSpaceKiB())
                            .isLessThan(200 * 2048 / 4);
                    assertThat(done.freeBytesBefore() - done.freeBytesAfter()).isLessThan(200L * (2 << 20) / 4);
                });
    }
}
