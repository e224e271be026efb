// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.driver.ShareKind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many calls of the driver many copies cost, and who is told what of them. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CopyBatchTest {
    private static final long BYTES = 8 << 20;

    private final HostGpuDriver driver = new HostGpuDriver();
    private Gpu gpu;
    private GpuView view;

    @BeforeEach
    void open() {
        gpu = Gpu.open(new GpuDrivers(driver, driver, driver), 0, HostGpus.uuid(0), WaitRule.USUAL);
        view = gpu.allocate(ShareKind.POSIX, BYTES).join();
        for (int lane = 0; lane < Gpu.LANES; lane++) {
            assertThat(alone(lane, 8).join())
                    .as("its event is there from now on")
                    .isEmpty();
        }
    }

    @AfterEach
    void close() {
        if (gpu.lost() == null) {
            gpu.close(view).join();
            gpu.close().join();
            assertThat(driver.open).isEmpty();
            assertThat(driver.wrongOrder).isEmpty();
        }
    }

    private GpuCopy copy(long bytes) {
        return new GpuCopy.OnDevice(view.address(), view.address() + BYTES / 2, bytes);
    }

    /** What it is told: nothing, or the driver's failure. */
    private static Gpu.Done to(CompletableFuture<String> told) {
        return failure -> told.complete(failure == null ? "" : failure.meaning());
    }

    private CompletableFuture<String> alone(int lane, long bytes) {
        var told = new CompletableFuture<String>();
        gpu.copy(lane, copy(bytes), to(told));
        return told;
    }

    private List<CompletableFuture<String>> add(CopyBatch batch, int count, int lanes) {
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            var told = new CompletableFuture<String>();
            all.add(told);
            batch.add(gpu, i % lanes, copy(1 << 20), to(told));
        }
        return all;
    }

    @Test
    void sixteenCopiesOfABatchCostOneEventAndOneQuery() {
        int events = driver.count("cuEventRecord");
        int made = driver.count("cuEventCreate");
        int copies = driver.count("copy");
        int queries = driver.queries;
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 16, 1);
        assertThat(driver.count("copy"))
                .as("nothing starts before the batch does")
                .isEqualTo(copies);
        batch.start();
        assertThat(told).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("copy") - copies).isEqualTo(16);
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(1);
        assertThat(driver.count("cuEventCreate")).isEqualTo(made);
        assertThat(driver.queries - queries).as("looks at what is done at once").isEqualTo(1);
        assertThat(driver.count("cuStreamSynchronize"))
                .as("but for the zeroing")
                .isEqualTo(1);
    }

    @Test
    void eachLaneOfABatchHasItsEvent() {
        int events = driver.count("cuEventRecord");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 16, 3);
        batch.start();
        assertThat(told).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(3);
    }

    // P-5
    @Test
    void noCopyOfABatchIsReportedBeforeAllAreDone() {
        driver.hold();
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 5, 1);
        batch.start();
        assertThat(gpu.call(() -> 5).join()).as("the worker has been there").isEqualTo(5);
        assertThat(told).noneMatch(CompletableFuture::isDone);
        driver.letGo();
        assertThat(told).allMatch(one -> one.join().isEmpty());
    }

    @Test
    void aCopyThatCannotStartFailsAloneAndTheOthersArrive() {
        int events = driver.count("cuEventRecord");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 5, 1);
        synchronized (driver) {
            driver.failing(driver.calls.size() + 3, 1);
        }
        batch.start();
        assertThat(told).extracting(CompletableFuture::join).containsExactly("", "", "MEANING_OF_1", "", "");
        assertThat(driver.failed).isEqualTo(1);
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(1);
    }

    @Test
    void anUnrecordableEventFailsTheBatchAfterItsCopiesEnd() {
        int synchronised = driver.count("cuStreamSynchronize");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 5, 1);
        synchronized (driver) {
            driver.failing(driver.calls.size() + 6, 1);
        }
        batch.start();
        assertThat(told).extracting(CompletableFuture::join).containsOnly("MEANING_OF_1");
        assertThat(driver.count("cuStreamSynchronize") - synchronised).isEqualTo(1);
        assertThat(alone(0, 8).join()).as("the lane goes on").isEmpty();
    }

    @Test
    void aContextThatDiesFailsTheWholeBatch() {
        driver.hold();
        var batch = new CopyBatch();
        List<CompletableFuture<String>> told = add(batch, 5, 2);
        batch.start();
        gpu.call(() -> 5).join();
        driver.poison(719);
        assertThat(told).extracting(CompletableFuture::join).containsOnly("MEANING_OF_719");
        assertThat(gpu.lost()).isNotNull();
    }

    @Test
    void copiesAddedAfterTheStartRunByThemselves() {
        var batch = new CopyBatch();
        batch.start();
        assertThat(add(batch, 2, 1)).allMatch(one -> one.join().isEmpty());
    }

    /** As from several threads that do not wait for each other. */
    @Test
    void smallCopiesShareAnEventAndALargeOneHasItsOwn() throws InterruptedException {
        int events = driver.count("cuEventRecord");
        int queries = driver.queries;
        var busy = new CountDownLatch(1);
        var holding = new CountDownLatch(1);
        CompletableFuture<Boolean> act = gpu.call(() -> {
            holding.countDown();
            try {
                return busy.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(holding.await(20, TimeUnit.SECONDS)).isTrue();
        List<CompletableFuture<String>> told = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            told.add(alone(0, 4096));
        }
        told.add(alone(0, 1 << 20));
        busy.countDown();
        assertThat(act.join()).isTrue();
        assertThat(told).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("cuEventRecord") - events)
                .as("one for 20 small ones, one for the large one")
                .isEqualTo(2);
        assertThat(driver.queries - queries).isEqualTo(2);
    }

    /** What is started where the end of another is told: on the worker itself. */
    @Test
    void aBatchStartedFromACompletionRunsAtOnce() {
        int events = driver.count("cuEventRecord");
        var all = new CompletableFuture<List<CompletableFuture<String>>>();
        gpu.copy(0, copy(8), _ -> {
            var batch = new CopyBatch();
            all.complete(add(batch, 16, 1));
            batch.start();
        });
        assertThat(all.join()).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(2);
    }
}
