// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.driver.CudaDriver;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.CudaLibrary;
import io.muster.cuda.driver.CudaLibrary.Search;
import io.muster.cuda.driver.RecordingCudaDriver;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CudaProbeTest {
    private static CudaFacts probe(CudaDriver driver) {
        return CudaProbe.probe(() -> new CudaDriver.Loading.Loaded(driver));
    }

    private static boolean driverIsHere() {
        return !(CudaLibrary.find("") instanceof Search.Missing);
    }

    @Test
    void queriesEveryDeviceInTheDriversOrder() {
        RecordingCudaDriver driver = new RecordingCudaDriver(1, 0);
        assertThat(probe(driver))
                .isEqualTo(new CudaFacts.Devices(
                        12_060,
                        List.of(
                                new Device(0, "GPU 0", new UUID(7, 0), FabricAttribute.SET),
                                new Device(1, "GPU 1", new UUID(7, 1), FabricAttribute.CLEAR))));
        assertThat(driver.calls)
                .containsExactly(
                        "cuInit",
                        "cuDriverGetVersion",
                        "cuDeviceGetCount",
                        "cuDeviceGetName 0",
                        "cuDeviceGetUuid 0",
                        "cuDeviceGetAttribute(128) 0",
                        "cuDeviceGetName 1",
                        "cuDeviceGetUuid 1",
                        "cuDeviceGetAttribute(128) 1");
    }

    @Test
    void namesAFailedCallAndMakesNoFurtherCall() { // W-2: every status checked
        int calls = 9;
        for (int n = 1; n <= calls; n++) {
            RecordingCudaDriver driver = new RecordingCudaDriver(1, 1).failing(n, 999);
            CudaFacts facts = probe(driver);
            assertThat(driver.failed).as("call %d", n).isEqualTo(1);
            assertThat(driver.calls).hasSize(n);
            assertThat(facts)
                    .isInstanceOfSatisfying(
                            CudaFacts.Failed.class,
                            failed -> assertThat(driver.calls.getLast())
                                    .startsWith(failed.failure().call()));
        }
    }

    @Test
    void writesAFailureAsCallDeviceStatusAndMeaning() {
        CudaFacts facts = probe(new RecordingCudaDriver(1, 1).failing(9, 999));
        assertThat(facts)
                .isInstanceOfSatisfying(
                        CudaFacts.Failed.class,
                        failed -> assertThat(failed.failure().text())
                                .isEqualTo("cuDeviceGetAttribute(128) device=1: 999 MEANING_OF_999"));
    }

    @Test
    void acceptsADriverThatDoesNotKnowTheAttribute() {
        CudaFacts facts = probe(new RecordingCudaDriver(1, 1).failing(6, CudaFailure.INVALID_VALUE));
        assertThat(facts)
                .isInstanceOfSatisfying(
                        CudaFacts.Devices.class,
                        devices -> assertThat(devices.devices())
                                .extracting(Device::fabricAttribute)
                                .containsExactly(FabricAttribute.UNKNOWN_TO_DRIVER, FabricAttribute.SET));
    }

    @Test
    void reportsNoDeviceByCountAndByStatus() { // W-8
        assertThat(probe(new RecordingCudaDriver())).isInstanceOf(CudaFacts.NoDevice.class);
        assertThat(probe(new RecordingCudaDriver(1).failing(1, CudaFailure.NO_DEVICE)))
                .isInstanceOf(CudaFacts.NoDevice.class);
    }

    @Test
    void reportsTheStubLibraryAsNoDriver() {
        assertThat(probe(new RecordingCudaDriver(1).failing(1, CudaFailure.STUB_LIBRARY)))
                .isInstanceOf(CudaFacts.NoDriver.class);
    }

    @Test
    void keepsTheReasonWhyTheDriverIsAbsentOrBroken() {
        assertThat(CudaProbe.probe(() -> new CudaDriver.Loading.Absent("why")))
                .isEqualTo(new CudaFacts.NoDriver("why"));
        assertThat(CudaProbe.probe(() -> new CudaDriver.Loading.Broken("why", "do")))
                .isEqualTo(new CudaFacts.Unusable("why", "do"));
    }

    @Test
    void loadsNoJCudaIfThereIsNoDriver() throws ReflectiveOperationException { // W-8
        assumeTrue(!driverIsHere(), "this host has libcuda.so.1");
        assertThat(CudaProbe.probe()).isInstanceOf(CudaFacts.NoDriver.class);
        long start = System.nanoTime();
        CudaProbe.probe();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(50));
        Method findLoadedClass = ClassLoader.class.getDeclaredMethod("findLoadedClass", String.class);
        findLoadedClass.setAccessible(true);
        ClassLoader loader = CudaProbe.class.getClassLoader();
        assertThat(findLoadedClass.invoke(loader, "io.muster.cuda.JCudaLoader")).isNotNull();
        assertThat(findLoadedClass.invoke(loader, "jcuda.driver.JCudaDriver")).isNull();
        assertThat(findLoadedClass.invoke(loader, "jcuda.LibUtils")).isNull();
    }

    @Test
    @Tag("gpu")
    void findsTheGpusOfThisHost() {
        assumeTrue(driverIsHere(), "no libcuda.so.1 on this host");
        CudaFacts facts = CudaProbe.probe();
        assumeTrue(!(facts instanceof CudaFacts.NoDevice), "a driver, but no GPU");
        assertThat(facts).isInstanceOfSatisfying(CudaFacts.Devices.class, devices -> {
            assertThat(devices.driverVersion()).isGreaterThan(11_000);
            assertThat(devices.devices())
                    .allSatisfy(device -> assertThat(device.name()).isNotBlank());
            assertThat(devices.devices()).extracting(Device::uuid).doesNotHaveDuplicates();
        });
    }
}
