// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.muster.cuda.driver.ForeignLibrary.Function;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * Device pointers through {@code java.lang.foreign}: JCuda can't make its pointers from an address of the application.
 */
public final class ForeignPointerDriver implements CudaPointerDriver {
    /** {@code struct CUipcMemHandle}: 64 bytes, passed by value. */
    static final StructLayout IPC_HANDLE = MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(IPC_HANDLE_BYTES, JAVA_BYTE).withName("reserved"));

    private static final int LAZY_ENABLE_PEER_ACCESS = 1;
    private static final int NO_FLAGS = 0;
    private static final int PEER_ACCESS_ALREADY_ENABLED = 704;

    private final Function allocate;
    private final Function free;
    private final Function range;
    private final Function getHandle;
    private final Function openHandle;
    private final Function closeHandle;
    private final Function enablePeer;

    public ForeignPointerDriver(ForeignLibrary cuda) {
        allocate = cuda.function("cuMemAlloc_v2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        free = cuda.function("cuMemFree_v2", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
        range = cuda.function("cuMemGetAddressRange_v2", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG));
        getHandle = cuda.function("cuIpcGetMemHandle", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        openHandle =
                cuda.function("cuIpcOpenMemHandle_v2", FunctionDescriptor.of(JAVA_INT, ADDRESS, IPC_HANDLE, JAVA_INT));
        closeHandle = cuda.function("cuIpcCloseMemHandle", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
        enablePeer = cuda.function("cuCtxEnablePeerAccess", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    }

    @Override
    public long allocate(int device, long bytes) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(JAVA_LONG);
            ForeignMemoryDriver.check(
                    allocate, device, () -> (int) allocate.handle().invokeExact(address, bytes));
            return address.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void free(int device, long address) throws CudaCallException {
        ForeignMemoryDriver.check(free, device, () -> (int) free.handle().invokeExact(address));
    }

    @Override
    public Range range(int device, long address) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment base = arena.allocate(JAVA_LONG);
            MemorySegment bytes = arena.allocate(JAVA_LONG);
            ForeignMemoryDriver.check(range, device, () -> (int) range.handle().invokeExact(base, bytes, address));
            return new Range(base.get(JAVA_LONG, 0), bytes.get(JAVA_LONG, 0));
        }
    }

    @Override
    public byte[] ipcHandle(int device, long address) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(IPC_HANDLE);
            ForeignMemoryDriver.check(
                    getHandle, device, () -> (int) getHandle.handle().invokeExact(handle, address));
            return handle.toArray(JAVA_BYTE);
        }
    }

    @Override
    public long ipcOpen(int device, byte[] handle) throws CudaCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(JAVA_LONG);
            MemorySegment struct = arena.allocate(IPC_HANDLE);
            MemorySegment.copy(handle, 0, struct, JAVA_BYTE, 0, IPC_HANDLE_BYTES);
            ForeignMemoryDriver.check(openHandle, device, () ->
                    (int) openHandle.handle().invokeExact(address, struct, LAZY_ENABLE_PEER_ACCESS));
            return address.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void enablePeerAccess(int device, long otherContext) throws CudaCallException {
        int status = ForeignLibrary.status(() -> (int) enablePeer.handle().invokeExact(otherContext, NO_FLAGS));
        if (status != PEER_ACCESS_ALREADY_ENABLED) {
            ForeignMemoryDriver.check(enablePeer, device, () -> status);
        }
    }

    @Override
    public void ipcClose(int device, long address) throws CudaCallException {
        ForeignMemoryDriver.check(
                closeHandle, device, () -> (int) closeHandle.handle().invokeExact(address));
    }
}
