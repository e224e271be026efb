// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A driver whose GPU memory is byte arrays. It records its calls, fails the n-th, and checks that objects are closed
 * once and in reverse order. A close counts as done even if it fails.
 */
public final class RecordingMemoryDriver implements CudaMemoryDriver {
    static final long GRANULARITY = 2 << 20;
    private static final int FIRST_DESCRIPTOR = 40;

    public final List<String> calls = new ArrayList<>();
    public final List<String> wrongOrder = new ArrayList<>();
    public final Deque<String> open = new ArrayDeque<>();
    public int failed;
    private final Map<Long, byte[]> memories = new HashMap<>();
    private final Map<Long, Long> mapped = new HashMap<>();
    private final Set<Long> accessible = new HashSet<>();
    private final Map<Integer, Long> exported = new HashMap<>();
    private int failingCall;
    private String failingName = "";
    private int status;
    private boolean importsOtherMemory;
    private long next = 100;

    /** The n-th call, from 1, returns this status. */
    public RecordingMemoryDriver failing(int call, int withStatus) {
        failingCall = call;
        status = withStatus;
        return this;
    }

    /** Every call of this text returns this status, such as {@code cuMemCreate(fabric) 0}. */
    public RecordingMemoryDriver failing(String call, int withStatus) {
        failingName = call;
        status = withStatus;
        return this;
    }

    /** An import maps other memory than was exported. */
    public RecordingMemoryDriver importingOtherMemory() {
        importsOtherMemory = true;
        return this;
    }

    private void record(String call, int device) throws CudaCallException {
        String text = call + " " + device;
        calls.add(text);
        if (calls.size() == failingCall || text.equals(failingName)) {
            failed++;
            throw failure(call, device, status);
        }
    }

    private static CudaCallException failure(String call, int device, int status) {
        return new CudaCallException(new CudaFailure(call, OptionalInt.of(device), status, "MEANING_OF_" + status));
    }

    private void closing(String object) {
        if (!object.equals(open.peek())) {
            wrongOrder.add("closed " + object + " while open are " + open);
        }
        open.remove(object);
    }

    @Override
    public long granularity(int device, ShareKind kind) throws CudaCallException {
        record("cuMemGetAllocationGranularity(" + kind + ")", device);
        return GRANULARITY;
    }

    @Override
    public long create(int device, ShareKind kind, long bytes) throws CudaCallException {
        record("cuMemCreate(" + kind + ")", device);
        return memory(new byte[(int) bytes]);
    }

    private long memory(byte[] bytes) {
        long handle = next++;
        memories.put(handle, bytes);
        open.push("memory " + handle);
        return handle;
    }

    @Override
    public void release(int device, long handle) throws CudaCallException {
        closing("memory " + handle);
        record("cuMemRelease", device);
    }

    @Override
    public GpuExport.Shared exportHandle(int device, long handle, ShareKind kind) throws CudaCallException {
        record("cuMemExportToShareableHandle(" + kind + ")", device);
        int number = FIRST_DESCRIPTOR + exported.size();
        exported.put(number, handle);
        return switch (kind) {
            case FABRIC -> {
                byte[] bytes = new byte[CudaPointerDriver.IPC_HANDLE_BYTES];
                bytes[0] = (byte) number;
                yield new GpuExport.Fabric(bytes);
            }
            case POSIX -> {
                open.push("descriptor " + number);
                yield new GpuExport.Posix(number);
            }
        };
    }

    @Override
    public long importHandle(int device, GpuExport.Shared shared) throws CudaCallException {
        record("cuMemImportFromShareableHandle(" + shared.kind() + ")", device);
        int number = switch (shared) {
            case GpuExport.Fabric fabric -> fabric.handle()[0];
            case GpuExport.Posix(int descriptor) -> descriptor;
        };
        byte[] bytes = memories.get(exported.get(number));
        return memory(importsOtherMemory ? bytes.clone() : bytes);
    }

    @Override
    public void closeDescriptor(int device, int descriptor) throws CudaCallException {
        closing("descriptor " + descriptor);
        record("close", device);
    }

    @Override
    public long reserve(int device, long bytes) throws CudaCallException {
        record("cuMemAddressReserve", device);
        long address = next++ << 32;
        open.push("range " + address);
        return address;
    }

    @Override
    public void freeAddress(int device, long address, long bytes) throws CudaCallException {
        closing("range " + address);
        record("cuMemAddressFree", device);
    }

    @Override
    public void map(int device, long address, long bytes, long handle) throws CudaCallException {
        record("cuMemMap", device);
        mapped.put(address, handle);
        open.push("mapping " + address);
    }

    @Override
    public void unmap(int device, long address, long bytes) throws CudaCallException {
        closing("mapping " + address);
        record("cuMemUnmap", device);
        mapped.remove(address);
        accessible.remove(address);
    }

    @Override
    public void setAccess(int device, long address, long bytes) throws CudaCallException {
        record("cuMemSetAccess", device);
        accessible.add(address);
    }

    @Override
    public long retainContext(int device) throws CudaCallException {
        record("cuDevicePrimaryCtxRetain", device);
        open.push("context " + device);
        return device;
    }

    @Override
    public void releaseContext(int device) throws CudaCallException {
        closing("context " + device);
        record("cuDevicePrimaryCtxRelease_v2", device);
    }

    @Override
    public void pushContext(int device, long context) throws CudaCallException {
        record("cuCtxPushCurrent_v2", device);
        open.push("current " + device);
    }

    @Override
    public void popContext(int device) throws CudaCallException {
        closing("current " + device);
        record("cuCtxPopCurrent_v2", device);
    }

    @Override
    public long createStream(int device) throws CudaCallException {
        record("cuStreamCreate", device);
        open.push("stream " + device);
        return device;
    }

    @Override
    public void destroyStream(int device, long stream) throws CudaCallException {
        closing("stream " + device);
        record("cuStreamDestroy_v2", device);
    }

    @Override
    public void write(CopyTarget target, byte[] bytes) throws CudaCallException {
        record("cuMemcpyHtoDAsync_v2", target.device());
        System.arraycopy(bytes, 0, at(target), 0, bytes.length);
    }

    @Override
    public byte[] read(CopyTarget target, int bytes) throws CudaCallException {
        record("cuMemcpyDtoHAsync_v2", target.device());
        return Arrays.copyOf(at(target), bytes);
    }

    /** As in the driver, only mapped memory with access can be copied. */
    private byte[] at(CopyTarget target) throws CudaCallException {
        if (!accessible.contains(target.address()) || !open.contains("current " + target.device())) {
            throw failure("copy without access or context", target.device(), 700);
        }
        return memories.get(mapped.get(target.address()));
    }

    @Override
    public long freeBytes(int device) throws CudaCallException {
        record("cuMemGetInfo_v2", device);
        return 1L << 36;
    }
}
