// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.cuda.copy.WaitRule;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.cuda.driver.HostGpuDriver;
import io.muster.cuda.driver.ShareKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One GPU in use: its worker, copies and memory. After any failure nothing stays open. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GpuTest {
    private static final long BYTES = 8192;

    private final HostGpuDriver driver = new HostGpuDriver();

    private Gpu open() {
        return Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0), WaitRule.USUAL);
    }

    private static CompletableFuture<CudaFailure> copied(Gpu gpu, int lane, GpuCopy copy) {
        var done = new CompletableFuture<CudaFailure>();
        gpu.copy(lane, copy, done::complete);
        return done;
    }

    @Test
    void copiesAreDoneWhenReportedAndNothingIsLeftOpen() {
        Gpu gpu = open();
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment source = arena.allocate(BYTES);
            source.fill((byte) 7);
            assertThat(copied(gpu, 0, new GpuCopy.ToDevice(view.address(), source))
                            .join())
                    .isNull();
            assertThat(HostGpuDriver.byteAt(view.address() + BYTES - 1)).isEqualTo((byte) 7);
            MemorySegment back = arena.allocate(BYTES);
            assertThat(copied(gpu, 3, new GpuCopy.ToHost(back, view.address())).join())
                    .isNull();
            assertThat(back.mismatch(source)).isEqualTo(-1);
        }
        gpu.close(view).join();
        gpu.close().join();
        assertThat(driver.open).isEmpty();
        assertThat(driver.wrongOrder).isEmpty();
    }

    // the application breaks the rule that its memory stays valid
    @Test
    void hostMemoryThatIsClosedFailsItsCopyAlone() {
        Gpu gpu = open();
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        Arena arena = Arena.ofShared();
        MemorySegment freed = arena.allocate(BYTES);
        arena.close();

        assertThat(copied(gpu, 0, new GpuCopy.ToDevice(view.address(), freed)).join())
                .isNotNull()
                .asString()
                .contains("host memory: Already closed");
        assertThat(copied(gpu, 0, new GpuCopy.Zero(view.address(), BYTES)).join())
                .isNull();
        gpu.close(view).join();
        gpu.close().join();
        assertThat(driver.open).isEmpty();
    }

    @Test
    void memoryIsZeroWhenItsAllocationCompletes() {
        Gpu gpu = open();
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        assertThat(driver.calls.indexOf("copy")).as("the zeroing").isPositive();
        assertThat(driver.calls.lastIndexOf("cuStreamSynchronize")).isGreaterThan(driver.calls.indexOf("copy"));
        assertThat(HostGpuDriver.byteAt(view.address())).isZero();
        gpu.close(view).join();
        gpu.close().join();
    }

    @Test
    void aLongCopyBlocksNeitherTheWorkerNorOtherLanes() {
        Gpu gpu = open();
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        driver.hold();
        CompletableFuture<CudaFailure> first = copied(gpu, 0, new GpuCopy.Zero(view.address(), BYTES));
        assertThat(gpu.call(() -> 5).join())
                .as("the worker runs calls in the meantime")
                .isEqualTo(5);
        assertThat(first).isNotDone();
        Eventually.holds("the worker asks to be woken, and parks", () -> called("cuStreamAddCallback"));
        driver.letGo();
        assertThat(first.join()).isNull();
        gpu.close(view).join();
        gpu.close().join();
        assertThat(driver.open).isEmpty();
    }

    /** With gpu.lookUs 0, a copy without an estimate is queried a few times, then the thread waits for the callback. */
    @Test
    void withoutPollingTheEndIsSeenAfterAFewQueries() throws InterruptedException {
        Gpu gpu = Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0), new WaitRule(0));
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        for (int i = 0; i < 100; i++) {
            assertThat(copied(gpu, i, new GpuCopy.Zero(view.address(), BYTES)).join())
                    .isNull();
        }
        int before = queries();
        driver.hold();
        CompletableFuture<CudaFailure> held = copied(gpu, 0, new GpuCopy.Zero(view.address(), BYTES));
        Thread.sleep(200); // time for further queries
        assertThat(held).isNotDone();
        assertThat(queries() - before).as("queries in 200 ms").isBetween(1, 30);
        assertThat(called("cuStreamAddCallback")).isTrue();
        driver.letGo();
        assertThat(held.join()).isNull();
        gpu.close(view).join();
        gpu.close().join();
        assertThat(driver.open).isEmpty();
    }

    private int queries() {
        synchronized (driver) {
            return driver.queries;
        }
    }

    private boolean called(String name) {
        synchronized (driver) {
            return driver.calls.contains(name);
        }
    }

    /** Each call in turn fails once; objects opened before it are closed, in order. */
    @Test
    void aFailureHalfWayLeavesNothingOpen() {
        int calls = cycle();
        assertThat(calls).isGreaterThan(30);
        for (int n = 1; n <= calls; n++) {
            var failing = new HostGpuDriver().failing(n, 2);
            cycle(failing);
            assertThat(failing.failed).as("call %d was made to fail", n).isEqualTo(1);
            assertThat(failing.open)
                    .as("left open after call %d, %s", n, failing.calls.get(n - 1))
                    .isEmpty();
            assertThat(failing.wrongOrder).as("order after call %d", n).isEmpty();
        }
    }

    private int cycle() {
        cycle(driver);
        assertThat(driver.failed).isZero();
        assertThat(driver.open).isEmpty();
        return driver.calls.size();
    }

    /** Opens, allocates, imports its own export, copies, closes. */
    private static void cycle(HostGpuDriver driver) {
        Gpu gpu = Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0), WaitRule.USUAL);
        List<GpuView> views = new ArrayList<>();
        try {
            GpuView own = gpu.allocate(ShareKind.POSIX, BYTES).join();
            views.add(own);
            GpuView imported =
                    gpu.importing(own.export(), own.allocationBytes()).join();
            views.add(imported);
            copied(gpu, 0, new GpuCopy.OnDevice(imported.address(), own.address(), BYTES))
                    .join();
            long pointer = gpu.call(() -> driver.allocate(0, BYTES)).join();
            try {
                GpuView shared = gpu.ofPointer(pointer, BYTES).join();
                GpuView opened =
                        gpu.importing(shared.export(), shared.allocationBytes()).join();
                views.add(opened);
                views.add(shared);
            } finally {
                close(() -> gpu.call(() -> {
                            driver.free(0, pointer);
                            return null;
                        })
                        .join());
            }
        } catch (CompletionException expected) {
            assertThat(expected).hasCauseInstanceOf(CudaCallException.class).hasMessageContaining("MEANING_OF_2");
        } finally {
            views.reversed().forEach(view -> close(() -> gpu.close(view).join()));
            close(() -> gpu.close().join());
        }
    }

    /** A failure to close is reported, and the other objects are closed. */
    private static void close(Runnable closing) {
        try {
            closing.run();
        } catch (CompletionException failed) {
            assertThat(failed).hasCauseInstanceOf(CudaCallException.class);
        }
    }

    @Test
    void aPoisonedContextIsReportedOnceAndFailsLaterCopies() {
        Gpu gpu = open();
        var losses = new ArrayList<CudaFailure>();
        gpu.onLost(losses::add);
        GpuView view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        driver.hold();
        CompletableFuture<CudaFailure> underWay = copied(gpu, 0, new GpuCopy.Zero(view.address(), BYTES));
        driver.poison(700);
        assertThat(underWay.join().status()).isEqualTo(700);
        assertThat(copied(gpu, 1, new GpuCopy.Zero(view.address(), BYTES))
                        .join()
                        .status())
                .isEqualTo(700);
        assertThat(gpu.lost()).isNotNull();
        assertThat(losses).hasSize(1);
        assertThat(GpuTrouble.sentence(losses.getFirst()))
                .contains("CONTEXT_DEAD")
                .contains("a kernel of this process has failed");
        gpu.close(view).join();
        close(() -> gpu.close().join());
        assertThat(driver.open).isEmpty();
    }

    @Test
    void outOfMemoryIsNotTheLossOfTheGpu() {
        driver.failing("cuMemCreate", 2);
        Gpu gpu = open();
        assertThatThrownBy(() -> gpu.allocate(ShareKind.POSIX, BYTES).join())
                .hasCauseInstanceOf(CudaCallException.class);
        assertThat(gpu.lost()).isNull();
        gpu.close().join();
    }

    @Test
    void rejectsAPointerBeyondItsAllocation() throws CudaCallException {
        Gpu gpu = open();
        long pointer = driver.allocate(0, BYTES);
        assertThatThrownBy(() -> gpu.ofPointer(pointer + 4096, BYTES).join())
                .hasMessageContaining("leave an allocation of 8192");
        GpuView part = gpu.ofPointer(pointer + 4096, 4096).join();
        assertThat(part.offset()).isEqualTo(4096);
        driver.free(0, pointer);
        gpu.close().join();
    }

    @Test
    void everyCallAfterTheEndIsAnswered() {
        Gpu gpu = open();
        gpu.close().join();
        assertThat(copied(gpu, 0, new GpuCopy.Zero(1, 1)).join().meaning()).isEqualTo("CUDA_ERROR_DEINITIALIZED");
        assertThatThrownBy(() -> gpu.allocate(ShareKind.POSIX, 1).join()).hasMessageContaining("has ended");
    }

    @Test
    void aContextThatCannotBeMadeIsReportedAndRetried() {
        var failing = new HostGpuDriver().failing(1, 2);
        var gpus = Gpus.of(
                List.of(new CudaFacts.Device(0, "simulated", HostGpus.uuid(0), CudaFacts.FabricAttribute.CLEAR)),
                new GpuDrivers(failing, failing, failing));
        assertThatThrownBy(() -> gpus.gpu(0).orElseThrow().ready().join())
                .hasMessageContaining("cuDevicePrimaryCtxRetain");
        gpus.gpu(0).orElseThrow().ready().join();
        assertThat(gpus.gpu(1)).isEmpty();
        gpus.close().join();
        assertThat(failing.open).isEmpty();
    }

    @Test
    void classifiesEveryFatalStatus() {
        assertThat(GpuTrouble.of(failure(719))).isEqualTo(GpuTrouble.CONTEXT_DEAD);
        assertThat(GpuTrouble.of(failure(46))).isEqualTo(GpuTrouble.DEVICE_LOST);
        assertThat(GpuTrouble.of(failure(220))).isEqualTo(GpuTrouble.HARDWARE_ERROR);
        assertThat(GpuTrouble.of(failure(217)).isFatal()).isFalse();
        assertThat(GpuTrouble.of(failure(2)).isFatal()).isFalse();
        assertThat(GpuTrouble.of(failure(1))).isEqualTo(GpuTrouble.CALL_FAILED);
    }

    private static CudaFailure failure(int status) {
        return new CudaFailure("cuAny", java.util.OptionalInt.of(0), status, "ANY");
    }
}
