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
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * NVML through {@code java.lang.foreign}; signatures and structs are those of {@code nvml.h} of CUDA 12.4 and later.
 */
public final class ForeignNvml implements Nvml {
    static final String NAME = "libnvidia-ml.so.1";

    /**
     * {@code nvmlGpuFabricInfo_v2_t}: unsigned version, 16 bytes of cluster UUID, int status, unsigned clique, one byte
     * of state and three of padding, unsigned health mask: 36 bytes. {@code nvmlGpuFabricInfo_t} is the same without
     * the first and the last: 28 bytes.
     */
    static final int INFO_V2_BYTES = 36;

    private static final int INFO_V1_BYTES = 28;
    /** {@code NVML_STRUCT_VERSION(GpuFabricInfo, 2)}. */
    private static final int INFO_V2 = INFO_V2_BYTES | 2 << 24;

    private static final int V2_HEADER_BYTES = 4;
    private static final int HEALTH_MASK_OFFSET = 32;
    private static final int UUID_BYTES = 16;

    private static final int FUNCTION_NOT_FOUND = 13;
    private static final int ARGUMENT_VERSION_MISMATCH = 25;
    private static final int MAX_TEXT_BYTES = 256;

    private final Function init;
    private final Function shutdown;
    private final Function errorString;
    private final Function deviceByUuid;
    private final Optional<Function> fabricInfo;
    private final Optional<Function> fabricInfoV;

    private ForeignNvml(ForeignLibrary library) {
        init = library.function("nvmlInit_v2", FunctionDescriptor.of(JAVA_INT));
        shutdown = library.function("nvmlShutdown", FunctionDescriptor.of(JAVA_INT));
        errorString = library.function("nvmlErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
        deviceByUuid = library.function("nvmlDeviceGetHandleByUUID", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        fabricInfo =
                library.optional("nvmlDeviceGetGpuFabricInfo", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
        fabricInfoV =
                library.optional("nvmlDeviceGetGpuFabricInfoV", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    }

    /** Never throws. */
    public static ForeignLoading<Nvml> load() {
        Optional<ForeignLibrary> library = ForeignLibrary.open(NAME);
        if (library.isEmpty()) {
            return new ForeignLoading.Absent<>(NAME + " is not found by the dynamic loader");
        }
        var nvml = new ForeignNvml(library.get());
        return library.get().missing().isEmpty()
                ? new ForeignLoading.Loaded<>(nvml)
                : new ForeignLoading.Absent<>(NAME + " is too old: it lacks "
                        + String.join(", ", library.get().missing()));
    }

    @Override
    public void init() throws CudaCallException {
        check(init, OptionalInt.empty(), () -> (int) init.handle().invokeExact());
    }

    @Override
    public void shutdown() throws CudaCallException {
        check(shutdown, OptionalInt.empty(), () -> (int) shutdown.handle().invokeExact());
    }

    @Override
    public long deviceByUuid(int device, UUID uuid) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            MemorySegment text = arena.allocateFrom("GPU-" + uuid);
            check(deviceByUuid, OptionalInt.of(device), () ->
                    (int) deviceByUuid.handle().invokeExact(text, handle));
            return handle.get(JAVA_LONG, 0);
        }
    }

    @Override
    public FabricInfo.Known fabricInfo(int device, long handle) throws CudaCallException {
        if (fabricInfoV.isPresent()) {
            try {
                return fabricInfoV(fabricInfoV.get(), device, handle);
            } catch (CudaCallException e) {
                int status = e.failure().status();
                if (fabricInfo.isEmpty() || (status != FUNCTION_NOT_FOUND && status != ARGUMENT_VERSION_MISMATCH)) {
                    throw e;
                }
            }
        }
        if (fabricInfo.isPresent()) {
            return fabricInfo(fabricInfo.get(), device, handle);
        }
        throw new CudaCallException(new CudaFailure(
                "nvmlDeviceGetGpuFabricInfoV",
                OptionalInt.of(device),
                FUNCTION_NOT_FOUND,
                "this driver's NVML knows no fabric"));
    }

    private FabricInfo.Known fabricInfoV(Function function, int device, long handle) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(INFO_V2_BYTES, Integer.BYTES);
            info.set(JAVA_INT, 0, INFO_V2);
            check(function, OptionalInt.of(device), () ->
                    (int) function.handle().invokeExact(handle, info));
            return known(info.asSlice(V2_HEADER_BYTES), OptionalInt.of(info.get(JAVA_INT, HEALTH_MASK_OFFSET)));
        }
    }

    private FabricInfo.Known fabricInfo(Function function, int device, long handle) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(INFO_V1_BYTES, Integer.BYTES);
            check(function, OptionalInt.of(device), () ->
                    (int) function.handle().invokeExact(handle, info));
            return known(info, OptionalInt.empty());
        }
    }

    /** @param info from the cluster UUID on */
    static FabricInfo.Known known(MemorySegment info, OptionalInt healthMask) {
        ByteBuffer uuid = ByteBuffer.wrap(info.asSlice(0, UUID_BYTES).toArray(JAVA_BYTE));
        return new FabricInfo.Known(
                new UUID(uuid.getLong(), uuid.getLong()),
                info.get(JAVA_INT, 20),
                info.get(JAVA_BYTE, 24),
                info.get(JAVA_INT, 16),
                healthMask);
    }

    private void check(Function function, OptionalInt device, Call call) throws CudaCallException {
        int status = ForeignLibrary.status(call);
        if (status != 0) {
            throw new CudaCallException(new CudaFailure(function.name(), device, status, meaning(status)));
        }
    }

    @SuppressWarnings("restricted") // the text is NVML's, constant and zero-terminated
    private String meaning(int status) {
        try {
            MemorySegment text = (MemorySegment) errorString.handle().invokeExact(status);
            return text.reinterpret(MAX_TEXT_BYTES).getString(0);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
