// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.HostGpuDriver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How many driver calls a batch of copies costs, and how each copy is reported. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CopyBatchTest {
    private static final long BYTES = 8 << 20;

    private final HostGpuDriver driver = new HostGpuDriver();
    private GpuWorker gpu;
    private long memory;

    @BeforeEach
    void open() {
        gpu = new GpuWorker(new GpuDrivers(driver, driver, driver), 0, WaitRule.USUAL);
        gpu.start();
        memory = gpu.call(() -> driver.allocate(0, BYTES)).join();
        for (int lane = 0; lane < CopyStarter.LANES; lane++) {
            assertThat(alone(lane, 8).join())
                    .as("each lane has an event from now on")
                    .isEmpty();
        }
    }

    @AfterEach
    void close() throws CudaCallException {
        if (gpu.lost() == null) {
            gpu.close().join();
            driver.free(0, memory);
            assertThat(driver.open).isEmpty();
            assertThat(driver.wrongOrder).isEmpty();
        }
    }

    private GpuCopy copy(long bytes) {
        return new GpuCopy.OnDevice(memory, memory + BYTES / 2, bytes);
    }

    /** Completes with the meaning of the driver's failure, or with "" for success. */
    private static CopyDone to(CompletableFuture<String> ended) {
        return failure -> ended.complete(failure == null ? "" : failure.meaning());
    }

    private CompletableFuture<String> alone(int lane, long bytes) {
        var ended = new CompletableFuture<String>();
        gpu.copy(lane, copy(bytes), to(ended));
        return ended;
    }

    private List<CompletableFuture<String>> add(CopyBatch batch, int count, int lanes) {
        List<CompletableFuture<String>> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            var ended = new CompletableFuture<String>();
            all.add(ended);
            batch.add(gpu, i % lanes, copy(1 << 20), to(ended));
        }
        return all;
    }

    @Test
    void aBatchInOneLaneCostsOneEventAndOneQuery() {
        int events = driver.count("cuEventRecord");
        int made = driver.count("cuEventCreate");
        int copies = driver.count("copy");
        int queries = driver.queries;
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 16, 1);
        assertThat(driver.count("copy"))
                .as("nothing starts before the batch does")
                .isEqualTo(copies);
        batch.start();
        assertThat(ended).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("copy") - copies).isEqualTo(16);
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(1);
        assertThat(driver.count("cuEventCreate")).isEqualTo(made);
        assertThat(driver.queries - queries)
                .as("queries of copies that end at once")
                .isEqualTo(1);
        assertThat(driver.count("cuStreamSynchronize")).isZero();
    }

    @Test
    void eachLaneOfABatchHasOneEvent() {
        int events = driver.count("cuEventRecord");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 16, 3);
        batch.start();
        assertThat(ended).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(3);
    }

    // P-5
    @Test
    void reportsNoCopyOfABatchBeforeAllHaveEnded() {
        driver.hold();
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 5, 1);
        batch.start();
        assertThat(gpu.call(() -> 5).join())
                .as("the worker has started the batch")
                .isEqualTo(5);
        assertThat(ended).noneMatch(CompletableFuture::isDone);
        driver.letGo();
        assertThat(ended).allMatch(one -> one.join().isEmpty());
    }

    @Test
    void aCopyThatCannotBeStartedFailsAloneInItsBatch() {
        int events = driver.count("cuEventRecord");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 5, 1);
        synchronized (driver) {
            driver.failing(driver.calls.size() + 3, 1);
        }
        batch.start();
        assertThat(ended).extracting(CompletableFuture::join).containsExactly("", "", "MEANING_OF_1", "", "");
        assertThat(driver.failed).isEqualTo(1);
        assertThat(driver.count("cuEventRecord") - events).isEqualTo(1);
    }

    @Test
    void withoutItsEventABatchFailsAfterItsCopiesHaveEnded() {
        int synchronised = driver.count("cuStreamSynchronize");
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 5, 1);
        synchronized (driver) {
            driver.failing(driver.calls.size() + 6, 1);
        }
        batch.start();
        assertThat(ended).extracting(CompletableFuture::join).containsOnly("MEANING_OF_1");
        assertThat(driver.count("cuStreamSynchronize") - synchronised).isEqualTo(1);
        assertThat(alone(0, 8).join()).as("the lane works again").isEmpty();
    }

    @Test
    void aLostContextFailsAllCopiesOfABatch() {
        driver.hold();
        var batch = new CopyBatch();
        List<CompletableFuture<String>> ended = add(batch, 5, 2);
        batch.start();
        gpu.call(() -> 5).join();
        driver.poison(719);
        assertThat(ended).extracting(CompletableFuture::join).containsOnly("MEANING_OF_719");
        assertThat(gpu.lost()).isNotNull();
    }

    @Test
    void aCopyAddedAfterTheStartIsStartedAtOnce() {
        var batch = new CopyBatch();
        batch.start();
        assertThat(add(batch, 2, 1)).allMatch(one -> one.join().isEmpty());
    }

    /** As if several threads had added copies without waiting for each other. */
    @Test
    void queuedSmallCopiesShareAnEventAndALargeOneHasItsOwn() throws InterruptedException {
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
        List<CompletableFuture<String>> ended = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ended.add(alone(0, 4096));
        }
        ended.add(alone(0, 1 << 20));
        busy.countDown();
        assertThat(act.join()).isTrue();
        assertThat(ended).allMatch(one -> one.join().isEmpty());
        assertThat(driver.count("cuEventRecord") - events)
                .as("one for 20 small ones, one for the large one")
                .isEqualTo(2);
        assertThat(driver.queries - queries).isEqualTo(2);
    }

    /** The batch is started by a listener, on the worker itself. */
    @Test
    void aBatchStartedByAListenerNeedsNoFurtherVisit() {
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
