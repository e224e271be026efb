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
 * Tries one kind of sharing on one device. All objects are closed in reverse order, also if a call fails half-way. A
 * failure to close fails the trial, since an object stays open.
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
     * Allocates and exports. This needs no context and takes well under a millisecond; a context takes a tenth of a
     * second or more.
     */
    TrialOutcome export(int device, ShareKind kind) {
        var clock = new StepClock(nanoTime);
        var opened = new Opened();
        try {
            opened.during(() -> exported(device, kind, clock, opened)); // the export is all that is tried
        } catch (CudaCallException e) {
            return new TrialOutcome.Failed(e.failure());
        }
        return new TrialOutcome.Exported(clock.steps());
    }

    /**
     * The smallest piece of memory that can be shared in this way (2 MiB on the GPUs tested so far), with its export.
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
     * Makes the whole trial, up to the touch. It holds the device's primary context; making that context takes most of
     * the time, unless the application holds it already.
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
     * Runs the act in a new stream, with the device's primary context current. An application's CUDA libraries use the
     * same context.
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
     * Allocates memory, exports it, imports it back and maps both handles. Then writes through one mapping and reads
     * through the other, in both directions.
     *
     * @return the difference between written and read bytes; empty if there is none
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

    /** The bytes are random, so bytes left from an earlier trial can't pass for them. */
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

    /** Work that needs a context and a stream. */
    @FunctionalInterface
    public interface Act<T> {
        T run(long stream) throws CudaCallException;
    }
}
