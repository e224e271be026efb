// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.driver.ForeignLibrary.Call;
import io.muster.cuda.driver.ForeignLibrary.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.Optional;
import java.util.OptionalInt;
import jcuda.driver.CUresult;

/**
 * The driver's memory calls through {@code java.lang.foreign}, since JCuda 12.6 marshals {@code CUmemAllocationProp}
 * wrongly. Signatures, constants and structs are those of {@code cuda.h} of CUDA 13.0 for 64-bit Linux ({@code size_t},
 * {@code CUdeviceptr} and {@code CUmemGenericAllocationHandle} have 8 bytes); where that header defines a name as its
 * {@code _v2}, the {@code _v2} is called.
 */
public final class ForeignMemoryDriver implements CudaMemoryDriver {
    /** {@code struct CUmemLocation}: 8 bytes. */
    private static final StructLayout LOCATION =
            MemoryLayout.structLayout(JAVA_INT.withName("type"), JAVA_INT.withName("id"));

    /**
     * {@code struct CUmemAllocationProp}: 32 bytes. The pointer is for Windows only and {@code allocFlags} are hints,
     * so both stay zero.
     */
    static final StructLayout ALLOCATION_PROP = MemoryLayout.structLayout(
            JAVA_INT.withName("type"),
            JAVA_INT.withName("requestedHandleTypes"),
            LOCATION.withName("location"),
            ADDRESS.withName("win32HandleMetaData"),
            MemoryLayout.sequenceLayout(8, JAVA_BYTE).withName("allocFlags"));

    /** {@code struct CUmemAccessDesc}: 12 bytes. */
    static final StructLayout ACCESS_DESC =
            MemoryLayout.structLayout(LOCATION.withName("location"), JAVA_INT.withName("flags"));

    private static final int ALLOCATION_TYPE_PINNED = 1;
    private static final int LOCATION_TYPE_DEVICE = 1;
    private static final int ACCESS_READ_WRITE = 3;
    private static final int GRANULARITY_MINIMUM = 0;
    private static final int STREAM_NON_BLOCKING = 1;
    private static final long NO_FLAGS = 0;

    private final Function granularity;
    private final Function create;
    private final Function release;
    private final Function exportHandle;
    private final Function importHandle;
    private final Function reserve;
    private final Function freeAddress;
    private final Function map;
    private final Function unmap;
    private final Function setAccess;
    private final Function deviceGet;
    private final Function retainContext;
    private final Function releaseContext;
    private final Function pushContext;
    private final Function popContext;
    private final Function createStream;
    private final Function destroyStream;
    private final Function synchronize;
    private final Function copyToDevice;
    private final Function copyToHost;
    private final Function memoryInfo;
    private final Function closeDescriptor;

    private ForeignMemoryDriver(ForeignLibrary cuda, ForeignLibrary c) {
        granularity = cuda.function("cuMemGetAllocationGranularity", returnsStatus(ADDRESS, ADDRESS, JAVA_INT));
        create = cuda.function("cuMemCreate", returnsStatus(ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG));
        release = cuda.function("cuMemRelease", returnsStatus(JAVA_LONG));
        exportHandle =
                cuda.function("cuMemExportToShareableHandle", returnsStatus(ADDRESS, JAVA_LONG, JAVA_INT, JAVA_LONG));
        importHandle = cuda.function("cuMemImportFromShareableHandle", returnsStatus(ADDRESS, ADDRESS, JAVA_INT));
        reserve = cuda.function(
                "cuMemAddressReserve", returnsStatus(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        freeAddress = cuda.function("cuMemAddressFree", returnsStatus(JAVA_LONG, JAVA_LONG));
        map = cuda.function("cuMemMap", returnsStatus(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        unmap = cuda.function("cuMemUnmap", returnsStatus(JAVA_LONG, JAVA_LONG));
        setAccess = cuda.function("cuMemSetAccess", returnsStatus(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG));
        deviceGet = cuda.function("cuDeviceGet", returnsStatus(ADDRESS, JAVA_INT));
        retainContext = cuda.function("cuDevicePrimaryCtxRetain", returnsStatus(ADDRESS, JAVA_INT));
        releaseContext = cuda.function("cuDevicePrimaryCtxRelease_v2", returnsStatus(JAVA_INT));
        pushContext = cuda.function("cuCtxPushCurrent_v2", returnsStatus(JAVA_LONG));
        popContext = cuda.function("cuCtxPopCurrent_v2", returnsStatus(ADDRESS));
        createStream = cuda.function("cuStreamCreate", returnsStatus(ADDRESS, JAVA_INT));
        destroyStream = cuda.function("cuStreamDestroy_v2", returnsStatus(JAVA_LONG));
        synchronize = cuda.function("cuStreamSynchronize", returnsStatus(JAVA_LONG));
        copyToDevice = cuda.function("cuMemcpyHtoDAsync_v2", returnsStatus(JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG));
        copyToHost = cuda.function("cuMemcpyDtoHAsync_v2", returnsStatus(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG));
        memoryInfo = cuda.function("cuMemGetInfo_v2", returnsStatus(ADDRESS, ADDRESS));
        closeDescriptor = c.function("close", returnsStatus(JAVA_INT));
    }

    /** Never throws. */
    public static ForeignLoading<CudaMemoryDriver> load() {
        Optional<ForeignLibrary> cuda = ForeignLibrary.open(CudaLibrary.NAME);
        if (cuda.isEmpty()) {
            return new ForeignLoading.Absent<>(CudaLibrary.NAME + " is not found by the dynamic loader");
        }
        var driver = new ForeignMemoryDriver(cuda.get(), ForeignLibrary.ofC());
        return cuda.get().missing().isEmpty()
                ? new ForeignLoading.Loaded<>(driver)
                : new ForeignLoading.Absent<>(CudaLibrary.NAME + " is too old: it lacks "
                        + String.join(", ", cuda.get().missing()));
    }

    @Override
    public long granularity(int device, ShareKind kind) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(JAVA_LONG);
            MemorySegment prop = prop(arena, device, kind);
            check(granularity, kind, device, () ->
                    (int) granularity.handle().invokeExact(bytes, prop, GRANULARITY_MINIMUM));
            return bytes.get(JAVA_LONG, 0);
        }
    }

    @Override
    public long create(int device, ShareKind kind, long bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            MemorySegment prop = prop(arena, device, kind);
            check(create, kind, device, () -> (int) create.handle().invokeExact(handle, bytes, prop, NO_FLAGS));
            return handle.get(JAVA_LONG, 0);
        }
    }

    /** Memory of the arena is zero, so every field that is not set here is zero. */
    static MemorySegment prop(Arena arena, int device, ShareKind kind) {
        MemorySegment prop = arena.allocate(ALLOCATION_PROP);
        prop.set(JAVA_INT, 0, ALLOCATION_TYPE_PINNED);
        prop.set(JAVA_INT, 4, kind.handleType());
        prop.set(JAVA_INT, 8, LOCATION_TYPE_DEVICE);
        prop.set(JAVA_INT, 12, device);
        return prop;
    }

    @Override
    public void release(int device, long handle) throws CudaCallException {
        check(release, device, () -> (int) release.handle().invokeExact(handle));
    }

    @Override
    public GpuExport.Shared exportHandle(int device, long handle, ShareKind kind) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(
                    CudaPointerDriver.IPC_HANDLE_BYTES, Long.BYTES); // a descriptor uses the first 4 bytes
            check(exportHandle, kind, device, () ->
                    (int) exportHandle.handle().invokeExact(out, handle, kind.handleType(), NO_FLAGS));
            return switch (kind) {
                case FABRIC -> new GpuExport.Fabric(out.toArray(JAVA_BYTE));
                case POSIX -> new GpuExport.Posix(out.get(JAVA_INT, 0));
            };
        }
    }

    @Override
    public long importHandle(int device, GpuExport.Shared exported) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            MemorySegment shared = switch (exported) {
                case GpuExport.Fabric fabric -> arena.allocateFrom(JAVA_BYTE, fabric.handle());
                case GpuExport.Posix(int descriptor) ->
                    MemorySegment.ofAddress(descriptor); // the number itself, as a pointer
            };
            check(importHandle, exported.kind(), device, () -> (int) importHandle
                    .handle()
                    .invokeExact(handle, shared, exported.kind().handleType()));
            return handle.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void closeDescriptor(int device, int descriptor) throws CudaCallException {
        int result = ForeignLibrary.status(() -> (int) closeDescriptor.handle().invokeExact(descriptor));
        if (result != 0) {
            throw new CudaCallException(new CudaFailure(
                    "close(" + descriptor + ")", OptionalInt.of(device), result, "the descriptor is not open"));
        }
    }

    @Override
    public long reserve(int device, long bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(JAVA_LONG);
            check(reserve, device, () -> (int) reserve.handle().invokeExact(address, bytes, 0L, 0L, NO_FLAGS));
            return address.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void freeAddress(int device, long address, long bytes) throws CudaCallException {
        check(freeAddress, device, () -> (int) freeAddress.handle().invokeExact(address, bytes));
    }

    @Override
    public void map(int device, long address, long bytes, long handle) throws CudaCallException {
        check(map, device, () -> (int) map.handle().invokeExact(address, bytes, 0L, handle, NO_FLAGS));
    }

    @Override
    public void unmap(int device, long address, long bytes) throws CudaCallException {
        check(unmap, device, () -> (int) unmap.handle().invokeExact(address, bytes));
    }

    @Override
    public void setAccess(int device, long address, long bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment access = arena.allocate(ACCESS_DESC);
            access.set(JAVA_INT, 0, LOCATION_TYPE_DEVICE);
            access.set(JAVA_INT, 4, device);
            access.set(JAVA_INT, 8, ACCESS_READ_WRITE);
            check(setAccess, device, () -> (int) setAccess.handle().invokeExact(address, bytes, access, 1L));
        }
    }

    @Override
    public long retainContext(int device) throws CudaCallException {
        int handle = deviceHandle(device);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(JAVA_LONG);
            check(retainContext, device, () -> (int) retainContext.handle().invokeExact(context, handle));
            return context.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void releaseContext(int device) throws CudaCallException {
        int handle = deviceHandle(device);
        check(releaseContext, device, () -> (int) releaseContext.handle().invokeExact(handle));
    }

    private int deviceHandle(int device) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_INT);
            check(deviceGet, device, () -> (int) deviceGet.handle().invokeExact(handle, device));
            return handle.get(JAVA_INT, 0);
        }
    }

    @Override
    public void pushContext(int device, long context) throws CudaCallException {
        check(pushContext, device, () -> (int) pushContext.handle().invokeExact(context));
    }

    @Override
    public void popContext(int device) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment popped = arena.allocate(JAVA_LONG);
            check(popContext, device, () -> (int) popContext.handle().invokeExact(popped));
        }
    }

    @Override
    public long createStream(int device) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stream = arena.allocate(JAVA_LONG);
            check(createStream, device, () -> (int) createStream.handle().invokeExact(stream, STREAM_NON_BLOCKING));
            return stream.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void destroyStream(int device, long stream) throws CudaCallException {
        check(destroyStream, device, () -> (int) destroyStream.handle().invokeExact(stream));
    }

    @Override
    public void write(CopyTarget target, byte[] bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocateFrom(JAVA_BYTE, bytes);
            long length = bytes.length;
            check(copyToDevice, target.device(), () ->
                    (int) copyToDevice.handle().invokeExact(target.address(), source, length, target.stream()));
            synchronize(target); // before the source is freed
        }
    }

    @Override
    public byte[] read(CopyTarget target, int bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment destination = arena.allocate(bytes);
            long length = bytes;
            check(copyToHost, target.device(), () ->
                    (int) copyToHost.handle().invokeExact(destination, target.address(), length, target.stream()));
            synchronize(target);
            return destination.toArray(JAVA_BYTE);
        }
    }

    private void synchronize(CopyTarget target) throws CudaCallException {
        check(synchronize, target.device(), () -> (int) synchronize.handle().invokeExact(target.stream()));
    }

    @Override
    public long freeBytes(int device) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(JAVA_LONG);
            MemorySegment total = arena.allocate(JAVA_LONG);
            check(memoryInfo, device, () -> (int) memoryInfo.handle().invokeExact(free, total));
            return free.get(JAVA_LONG, 0);
        }
    }

    private static FunctionDescriptor returnsStatus(MemoryLayout... arguments) {
        return FunctionDescriptor.of(JAVA_INT, arguments);
    }

    public static void check(Function function, int device, Call call) throws CudaCallException {
        check(function.name(), device, ForeignLibrary.status(call));
    }

    private static void check(Function function, ShareKind kind, int device, Call call) throws CudaCallException {
        check(function.name() + "(" + kind + ")", device, ForeignLibrary.status(call));
    }

    private static void check(String call, int device, int status) throws CudaCallException {
        if (status != CUresult.CUDA_SUCCESS) {
            throw new CudaCallException(
                    new CudaFailure(call, OptionalInt.of(device), status, CUresult.stringFor(status)));
        }
    }
}
