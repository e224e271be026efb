// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.RecordingMemoryDriver;
import io.muster.cuda.driver.ShareKind;
import io.muster.gpucheck.SharingCycles;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SharingTrialTest {
    private static SharingTrial trial(CudaMemoryDriver driver) {
        AtomicLong now = new AtomicLong();
        return new SharingTrial(driver, () -> now.getAndAdd(7_000));
    }

    private static TrialOutcome touch(CudaMemoryDriver driver, ShareKind kind) {
        return trial(driver).touch(3, kind);
    }

    private static TrialOutcome export(CudaMemoryDriver driver, ShareKind kind) {
        return trial(driver).export(3, kind);
    }

    @Test
    void callsTheDriverInOrderAndClosesInReverse() { // W-2
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        assertThat(touch(driver, ShareKind.POSIX)).isInstanceOf(TrialOutcome.Touched.class);
        assertThat(driver.calls)
                .containsExactly(
                        "cuDevicePrimaryCtxRetain 3",
                        "cuCtxPushCurrent_v2 3",
                        "cuStreamCreate 3",
                        "cuMemGetAllocationGranularity(posix) 3",
                        "cuMemCreate(posix) 3",
                        "cuMemExportToShareableHandle(posix) 3",
                        "cuMemImportFromShareableHandle(posix) 3",
                        "cuMemAddressReserve 3",
                        "cuMemAddressReserve 3",
                        "cuMemMap 3",
                        "cuMemMap 3",
                        "cuMemSetAccess 3",
                        "cuMemSetAccess 3",
                        "cuMemcpyHtoDAsync_v2 3",
                        "cuMemcpyDtoHAsync_v2 3",
                        "cuMemcpyHtoDAsync_v2 3",
                        "cuMemcpyDtoHAsync_v2 3",
                        "cuMemUnmap 3",
                        "cuMemUnmap 3",
                        "cuMemAddressFree 3",
                        "cuMemAddressFree 3",
                        "cuMemRelease 3",
                        "close 3",
                        "cuMemRelease 3",
                        "cuStreamDestroy_v2 3",
                        "cuCtxPopCurrent_v2 3",
                        "cuDevicePrimaryCtxRelease_v2 3");
        assertThat(driver.open).isEmpty();
        assertThat(driver.wrongOrder).isEmpty();
    }

    @Test
    void closesInReverseOrderAfterAnyFailedCall() { // P-14
        closesWhicheverCallFails(ShareKind.POSIX, SharingTrialTest::touch, 27);
        closesWhicheverCallFails(ShareKind.FABRIC, SharingTrialTest::touch, 26);
        closesWhicheverCallFails(ShareKind.POSIX, SharingTrialTest::export, 5);
        closesWhicheverCallFails(ShareKind.FABRIC, SharingTrialTest::export, 4);
    }

    private static void closesWhicheverCallFails(
            ShareKind kind, BiFunction<CudaMemoryDriver, ShareKind, TrialOutcome> act, int calls) {
        for (int n = 1; n <= calls; n++) {
            RecordingMemoryDriver driver = new RecordingMemoryDriver().failing(n, 999);
            TrialOutcome outcome = act.apply(driver, kind);
            String which = driver.calls.get(n - 1);
            assertThat(driver.failed).as("call %d", n).isEqualTo(1);
            assertThat(outcome)
                    .as(which)
                    .isInstanceOfSatisfying(
                            TrialOutcome.Failed.class,
                            failed -> assertThat(failed.failure().text())
                                    .isEqualTo(which.replace(" 3", " device=3") + ": 999 MEANING_OF_999"));
            assertThat(driver.open).as("left open after %s failed", which).isEmpty();
            assertThat(driver.wrongOrder).as("after %s failed", which).isEmpty();
        }
        RecordingMemoryDriver spared = new RecordingMemoryDriver().failing(calls + 1, 999);
        act.apply(spared, kind);
        assertThat(spared.failed).as("there are %d calls", calls).isZero();
    }

    @Test
    void reportsAnImportThatMapsOtherMemory() { // W-3: an import that succeeds does not prove shared memory
        RecordingMemoryDriver driver = new RecordingMemoryDriver().importingOtherMemory();
        assertThat(touch(driver, ShareKind.FABRIC))
                .isInstanceOfSatisfying(
                        TrialOutcome.WrongBytes.class,
                        wrong -> assertThat(wrong.what())
                                .contains("through the imported mapping", "read 0000000000000000"));
        assertThat(driver.open).isEmpty();
    }

    @Test
    void exportsWithoutAContext() {
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        assertThat(export(driver, ShareKind.FABRIC)).isInstanceOf(TrialOutcome.Exported.class);
        assertThat(driver.calls)
                .containsExactly(
                        "cuMemGetAllocationGranularity(fabric) 3",
                        "cuMemCreate(fabric) 3",
                        "cuMemExportToShareableHandle(fabric) 3",
                        "cuMemRelease 3");
    }

    @Test
    void timesEachStep() {
        assertThat(touch(new RecordingMemoryDriver(), ShareKind.POSIX))
                .isInstanceOfSatisfying(TrialOutcome.Touched.class, touched -> {
                    assertThat(touched.steps())
                            .extracting(StepTime::step)
                            .containsExactly(
                                    "context", "stream", "create", "export", "import", "reserve", "map", "access",
                                    "touch");
                    assertThat(touched.steps()).extracting(StepTime::micros).containsOnly(7L);
                });
    }

    @Test
    void runsTheRequestedCyclesAndLeavesNothingOpen() { // P-14
        RecordingMemoryDriver driver = new RecordingMemoryDriver();
        assertThat(SharingCycles.run(driver, 0, ShareKind.POSIX, 5))
                .isInstanceOfSatisfying(
                        SharingCycles.Outcome.Done.class,
                        done -> assertThat(done.medians())
                                .extracting(StepTime::step)
                                .contains("create", "touch"));
        assertThat(driver.calls)
                .filteredOn(call -> call.startsWith("cuMemCreate"))
                .hasSize(25); // with the 20 warmup cycles
        assertThat(driver.open).isEmpty();
        assertThat(SharingCycles.run(new RecordingMemoryDriver().importingOtherMemory(), 0, ShareKind.POSIX, 5))
                .isInstanceOf(SharingCycles.Outcome.Failed.class);
    }
}
