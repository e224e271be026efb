// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
import io.muster.cuda.driver.CudaMemoryDriver.CopyTarget;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.Opened;
import io.muster.cuda.driver.ShareKind;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;

/**
 * Tries one kind of sharing on one device, by doing it. Whatever was opened is closed in reverse order, also when a
 * call fails half-way; a failure to close is a failure of the trial, since it leaves something behind.
 */
public final class SharingTrial {
    private static final int TOUCHED_BYTES = 64;
    private static final int SHOWN_BYTES = 8;

    private final CudaMemoryDriver driver;
    private final LongSupplier nanoTime;

    public SharingTrial(CudaMemoryDriver driver, LongSupplier nanoTime) {
        this.driver = driver;
        this.nanoTime = nanoTime;
    }

    /**
     * Allocates and exports. Needs no context, so it takes well under a millisecond where a context takes a tenth of a
     * second or more.
     */
    TrialOutcome export(int device, ShareKind kind) {
        var clock = new StepClock(nanoTime);
        var opened = new Opened();
        try {
            opened.during(() -> exported(device, kind, clock, opened)); // that it can be exported is the answer
        } catch (CudaCallException e) {
            return new TrialOutcome.Failed(e.failure());
        }
        return new TrialOutcome.Exported(clock.steps());
    }

    /**
     * The smallest piece of memory that can be shared in this way (2 MiB on the GPUs seen so far), and what it is
     * exported as.
     */
    private record Piece(long bytes, long memory, GpuExport.Shared shared) {}

    private Piece exported(int device, ShareKind kind, StepClock clock, Opened opened) throws CudaCallException {
        long bytes = driver.granularity(device, kind);
        long memory = clock.time("create", () -> driver.create(device, kind, bytes));
        opened.add(() -> driver.release(device, memory));
        GpuExport.Shared shared = clock.time("export", () -> driver.exportHandle(device, memory, kind));
        opened.add(() -> driver.close(device, shared));
        return new Piece(bytes, memory, shared);
    }

    /**
     * Does everything, with the device's primary context held meanwhile: if nobody else holds it, making it is what
     * takes the time.
     */
    TrialOutcome touch(int device, ShareKind kind) {
        var clock = new StepClock(nanoTime);
        Optional<String> wrong;
        try {
            wrong = inContext(device, clock, stream -> cycle(device, kind, stream, clock));
        } catch (CudaCallException e) {
            return new TrialOutcome.Failed(e.failure());
        }
        return wrong.<TrialOutcome>map(TrialOutcome.WrongBytes::new)
                .orElseGet(() -> new TrialOutcome.Touched(clock.steps()));
    }

    /**
     * Runs an act with the device's primary context current, which an application's CUDA libraries share, and a stream
     * of its own.
     */
    public <T> T inContext(int device, StepClock clock, Act<T> act) throws CudaCallException {
        var opened = new Opened();
        return opened.during(() -> {
            long context = clock.time("context", () -> driver.retainContext(device));
            opened.add(() -> driver.releaseContext(device));
            driver.pushContext(device, context);
            opened.add(() -> driver.popContext(device));
            long stream = clock.time("stream", () -> driver.createStream(device));
            opened.add(() -> driver.destroyStream(device, stream));
            return act.run(stream);
        });
    }

    /**
     * Makes memory, exports it, imports it back, maps both and writes through one what it reads through the other, in
     * both directions.
     *
     * @return what was wrong with the bytes, if anything
     */
    public Optional<String> cycle(int device, ShareKind kind, long stream, StepClock clock) throws CudaCallException {
        var opened = new Opened();
        return opened.during(() -> {
            Piece own = exported(device, kind, clock, opened);
            long bytes = own.bytes();
            long imported = clock.time("import", () -> driver.importHandle(device, own.shared()));
            opened.add(() -> driver.release(device, imported));
            long ownAt = clock.time("reserve", () -> driver.reserve(device, bytes));
            opened.add(() -> driver.freeAddress(device, ownAt, bytes));
            long importedAt = driver.reserve(device, bytes);
            opened.add(() -> driver.freeAddress(device, importedAt, bytes));
            clock.time("map", () -> map(device, ownAt, bytes, own.memory(), opened));
            map(device, importedAt, bytes, imported, opened);
            clock.time("access", () -> {
                driver.setAccess(device, ownAt, bytes);
                driver.setAccess(device, importedAt, bytes);
                return device;
            });
            return clock.time("touch", () -> {
                var through = new CopyTarget(device, stream, importedAt);
                var back = new CopyTarget(device, stream, ownAt);
                Optional<String> wrong = carry(through, back, "the imported");
                return wrong.isPresent() ? wrong : carry(back, through, "the own");
            });
        });
    }

    private long map(int device, long address, long bytes, long memory, Opened opened) throws CudaCallException {
        driver.map(device, address, bytes, memory);
        opened.add(() -> driver.unmap(device, address, bytes));
        return address;
    }

    /** Random bytes: memory that happens to hold the right ones from the last trial proves nothing. */
    private Optional<String> carry(CopyTarget from, CopyTarget to, String through) throws CudaCallException {
        byte[] written = new byte[TOUCHED_BYTES];
        ThreadLocalRandom.current().nextBytes(written);
        driver.write(from, written);
        byte[] read = driver.read(to, TOUCHED_BYTES);
        if (Arrays.equals(written, read)) {
            return Optional.empty();
        }
        HexFormat hex = HexFormat.of();
        return Optional.of("wrote " + hex.formatHex(written, 0, SHOWN_BYTES) + "… through " + through
                + " mapping, read " + hex.formatHex(read, 0, SHOWN_BYTES) + "… through the other");
    }

    /** What needs a context. */
    @FunctionalInterface
    public interface Act<T> {
        T run(long stream) throws CudaCallException;
    }
}
