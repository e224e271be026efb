// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.CudaMemoryDriver;
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
    @SuppressWarnings("try") // opened to be closed
    TrialOutcome export(int device, ShareKind kind) {
        var clock = new StepClock(nanoTime);
        try (GpuMemory memory = clock.time("create", () -> GpuMemory.smallest(driver, device, kind));
                SharedHandle exported = clock.time("export", () -> memory.export(kind))) {
            // that it can be exported is the answer
        } catch (CudaCallException e) {
            return new TrialOutcome.Failed(e.failure());
        }
        return new TrialOutcome.Exported(clock.steps());
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

    /** Runs an act with the device's primary context current, and a stream of its own. */
    @SuppressWarnings("try")
    public <T> T inContext(int device, StepClock clock, Act<T> act) throws CudaCallException {
        T result;
        PrimaryContext context = clock.time("context", () -> PrimaryContext.retain(driver, device));
        try (context;
                PrimaryContext.Current current = context.push();
                CopyStream stream = clock.time("stream", () -> CopyStream.open(driver, device))) {
            result = act.run(stream);
        }
        return result;
    }

    /**
     * Makes memory, exports it, imports it back, maps both and writes through one what it reads through the other, in
     * both directions.
     *
     * @return what was wrong with the bytes, if anything
     */
    @SuppressWarnings("try")
    public Optional<String> cycle(int device, ShareKind kind, CopyStream stream, StepClock clock)
            throws CudaCallException {
        try (GpuMemory own = clock.time("create", () -> GpuMemory.smallest(driver, device, kind));
                SharedHandle exported = clock.time("export", () -> own.export(kind));
                GpuMemory imported = clock.time(
                        "import", () -> GpuMemory.imported(driver, device, exported.shareable(), own.bytes()));
                ReservedRange ownRange = clock.time("reserve", () -> ReservedRange.of(driver, own));
                ReservedRange importedRange = ReservedRange.of(driver, imported);
                Mapping ownView = clock.time("map", () -> ownRange.map(own));
                Mapping importedView = importedRange.map(imported)) {
            clock.time("access", () -> {
                ownView.allowAccess();
                importedView.allowAccess();
                return device;
            });
            return clock.time("touch", () -> {
                Optional<String> wrong = carry(stream, importedView, ownView, "the imported");
                return wrong.isPresent() ? wrong : carry(stream, ownView, importedView, "the own");
            });
        }
    }

    /** Random bytes: memory that happens to hold the right ones from the last trial proves nothing. */
    private static Optional<String> carry(CopyStream stream, Mapping from, Mapping to, String through)
            throws CudaCallException {
        byte[] written = new byte[TOUCHED_BYTES];
        ThreadLocalRandom.current().nextBytes(written);
        stream.write(from, written);
        byte[] read = stream.read(to, TOUCHED_BYTES);
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
        T run(CopyStream stream) throws CudaCallException;
    }
}
