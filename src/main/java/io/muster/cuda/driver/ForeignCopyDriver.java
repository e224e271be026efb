// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.driver.ForeignLibrary.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Copies through {@code java.lang.foreign}: JCuda accepts no raw addresses, and imported memory has only an address.
 */
final class ForeignCopyDriver implements CudaCopyDriver {
    private static final int NOT_READY = 600;
    private static final int NO_FLAGS = 0;
    /** {@code CU_EVENT_DISABLE_TIMING}. */
    private static final int DISABLE_TIMING = 2;

    /** {@code void (*CUstreamCallback)(CUstream, CUresult, void *)}. */
    private static final FunctionDescriptor CALLBACK = FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_INT, JAVA_LONG);

    private final Function toDevice;
    private final Function toHost;
    private final Function onDevice;
    private final Function betweenDevices;
    private final Function fill;
    private final Function createEvent;
    private final Function destroyEvent;
    private final Function recordEvent;
    private final Function queryEvent;
    private final Function addCallback;
    private final Function synchronize;

    ForeignCopyDriver(ForeignLibrary cuda) {
        toDevice = cuda.function("cuMemcpyHtoDAsync_v2", returnsStatus(JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));
        toHost = cuda.function("cuMemcpyDtoHAsync_v2", returnsStatus(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        onDevice = cuda.function("cuMemcpyDtoDAsync_v2", returnsStatus(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        betweenDevices = cuda.function(
                "cuMemcpyPeerAsync", returnsStatus(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        fill = cuda.function("cuMemsetD8Async", returnsStatus(JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG));
        createEvent = cuda.function("cuEventCreate", returnsStatus(ADDRESS, JAVA_INT));
        destroyEvent = cuda.function("cuEventDestroy_v2", returnsStatus(JAVA_LONG));
        recordEvent = cuda.function("cuEventRecord", returnsStatus(JAVA_LONG, JAVA_LONG));
        queryEvent = cuda.function("cuEventQuery", returnsStatus(JAVA_LONG));
        addCallback = cuda.function("cuStreamAddCallback", returnsStatus(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));
        synchronize = cuda.function("cuStreamSynchronize", returnsStatus(JAVA_LONG));
    }

    private static FunctionDescriptor returnsStatus(java.lang.foreign.MemoryLayout... arguments) {
        return FunctionDescriptor.of(JAVA_INT, arguments);
    }

    @Override
    public void start(int device, long stream, GpuCopy copy) throws CudaCallException {
        switch (copy) {
            case GpuCopy.ToDevice(long to, MemorySegment from) -> {
                long bytes = from.byteSize();
                ForeignMemoryDriver.check(
                        toDevice, device, () -> (int) toDevice.handle().invokeExact(to, from, bytes, stream));
            }
            case GpuCopy.ToHost(MemorySegment to, long from) -> {
                long bytes = to.byteSize();
                ForeignMemoryDriver.check(
                        toHost, device, () -> (int) toHost.handle().invokeExact(to, from, bytes, stream));
            }
            case GpuCopy.OnDevice(long to, long from, long bytes) ->
                ForeignMemoryDriver.check(
                        onDevice, device, () -> (int) onDevice.handle().invokeExact(to, from, bytes, stream));
            case GpuCopy.Peer(long to, long toContext, long from, long fromContext, long bytes) ->
                ForeignMemoryDriver.check(betweenDevices, device, () ->
                        (int) betweenDevices.handle().invokeExact(to, toContext, from, fromContext, bytes, stream));
            case GpuCopy.Zero(long to, long bytes) ->
                ForeignMemoryDriver.check(
                        fill, device, () -> (int) fill.handle().invokeExact(to, (byte) 0, bytes, stream));
        }
    }

    @Override
    public long createEvent(int device) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(JAVA_LONG);
            ForeignMemoryDriver.check(
                    createEvent, device, () -> (int) createEvent.handle().invokeExact(event, DISABLE_TIMING));
            return event.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void destroyEvent(int device, long event) throws CudaCallException {
        ForeignMemoryDriver.check(
                destroyEvent, device, () -> (int) destroyEvent.handle().invokeExact(event));
    }

    @Override
    public void recordEvent(int device, long event, long stream) throws CudaCallException {
        ForeignMemoryDriver.check(
                recordEvent, device, () -> (int) recordEvent.handle().invokeExact(event, stream));
    }

    @Override
    public boolean isDone(int device, long event) throws CudaCallException {
        int status = ForeignLibrary.status(() -> (int) queryEvent.handle().invokeExact(event));
        if (status == NOT_READY) {
            return false;
        }
        ForeignMemoryDriver.check(queryEvent, device, () -> status);
        return true;
    }

    @Override
    @SuppressWarnings("restricted")
    public long wakeUp(Arena arena, Runnable action) {
        try {
            MethodHandle run = MethodHandles.lookup()
                    .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
                    .bindTo(action);
            MethodHandle called = MethodHandles.dropArguments(run, 0, long.class, int.class, long.class);
            return Linker.nativeLinker().upcallStub(called, CALLBACK, arena).address();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("Runnable.run is public", e);
        }
    }

    @Override
    public void addCallback(int device, long stream, long function) throws CudaCallException {
        ForeignMemoryDriver.check(
                addCallback, device, () -> (int) addCallback.handle().invokeExact(stream, function, 0L, NO_FLAGS));
    }

    @Override
    public void synchronize(int device, long stream) throws CudaCallException {
        ForeignMemoryDriver.check(
                synchronize, device, () -> (int) synchronize.handle().invokeExact(stream));
    }
}
