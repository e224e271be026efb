// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * A driver whose GPU memory is anonymous files of the host. The memory is really shared by descriptors and mapped, also
 * between processes, and an access to unmapped memory crashes the JVM. The driver records its calls, fails the n-th,
 * can fail all copies as after a failed kernel, and can hold copies back. A close counts as done even if it fails.
 */
public final class HostGpuDriver implements CudaMemoryDriver, CudaCopyDriver, CudaPointerDriver {
    static final long GRANULARITY = 4096;

    public final List<String> calls = new ArrayList<>();
    public final Set<String> open = new TreeSet<>();
    public final List<String> wrongOrder = new ArrayList<>();
    public int failed;
    /** Number of event queries. They are not among the calls, since a polling thread makes as many as it can. */
    public int queries;

    private final Map<Long, Integer> memories = new HashMap<>();
    private final Map<Long, Long> sizes = new HashMap<>();
    private final Map<Long, Stream> streams = new HashMap<>();
    private final Map<Long, long[]> events = new HashMap<>();
    private final Map<Long, Runnable> functions = new HashMap<>();
    private final Set<String> failingNames = new HashSet<>();
    private int failingCall;
    private int status;
    private int poison;
    private boolean held;
    private boolean inFabric;
    private long next = 1000;

    /** The work that waits in a stream, and how much of it is done. */
    private static final class Stream {
        final Deque<Runnable> waiting = new ArrayDeque<>();
        long begun;
        long done;
    }

    /** The n-th call, from 1, returns this status. */
    public synchronized HostGpuDriver failing(int call, int withStatus) {
        failingCall = call;
        status = withStatus;
        return this;
    }

    /** Every call of this name returns this status. */
    public synchronized HostGpuDriver failing(String call, int withStatus) {
        failingNames.add(call);
        status = withStatus;
        return this;
    }

    /** Its memory can have fabric handles, as where there is an IMEX channel. */
    public synchronized HostGpuDriver inFabric() {
        inFabric = true;
        return this;
    }

    public synchronized void healed() {
        failingNames.clear();
    }

    /** From now on copies and their events fail with this status, as after a kernel that failed. */
    public synchronized void poison(int withStatus) {
        poison = withStatus;
        held = false;
        streams.values().forEach(stream -> {
            stream.done += stream.waiting.size();
            stream.waiting.clear();
        });
        functions.values().forEach(function -> Thread.ofVirtual().start(function));
    }

    /** Copies that are started from now on do not run. */
    public synchronized void hold() {
        held = true;
    }

    public synchronized void letGo() {
        held = false;
        streams.values().forEach(HostGpuDriver::run);
    }

    private static void run(Stream stream) {
        for (Runnable one = stream.waiting.poll(); one != null; one = stream.waiting.poll()) {
            one.run();
            stream.done++;
        }
    }

    public synchronized int count(String call) {
        return (int) calls.stream().filter(call::equals).count();
    }

    private void record(String call, int device) throws CudaCallException {
        calls.add(call);
        if (calls.size() == failingCall || failingNames.contains(call)) {
            failed++;
            throw failure(call, device, status);
        }
    }

    private static CudaCallException failure(String call, int device, int status) {
        return new CudaCallException(new CudaFailure(call, OptionalInt.of(device), status, "MEANING_OF_" + status));
    }

    private void closing(String object, String... mustBeGone) {
        if (!open.remove(object)) {
            wrongOrder.add("closed twice, or never opened: " + object);
        }
        for (String other : mustBeGone) {
            if (open.contains(other)) {
                wrongOrder.add("closed " + object + " before " + other);
            }
        }
    }

    // ---- memory

    @Override
    public synchronized long granularity(int device, ShareKind kind) throws CudaCallException {
        record("cuMemGetAllocationGranularity", device);
        return GRANULARITY;
    }

    @Override
    public synchronized long create(int device, ShareKind kind, long bytes) throws CudaCallException {
        record("cuMemCreate", device);
        if (kind == ShareKind.FABRIC && !inFabric) {
            throw failure("cuMemCreate", device, CudaFailure.NOT_PERMITTED);
        }
        return memory(HostCalls.memory(bytes));
    }

    private long memory(int descriptor) {
        long handle = next++;
        memories.put(handle, descriptor);
        open.add("memory " + handle);
        return handle;
    }

    @Override
    public synchronized void release(int device, long handle) throws CudaCallException {
        closing("memory " + handle);
        HostCalls.close(memories.remove(handle));
        record("cuMemRelease", device);
    }

    @Override
    public synchronized GpuExport.Shared exportHandle(int device, long handle, ShareKind kind)
            throws CudaCallException {
        record("cuMemExportToShareableHandle", device);
        if (kind == ShareKind.FABRIC) {
            return new GpuExport.Fabric(ByteBuffer.allocate(CudaPointerDriver.IPC_HANDLE_BYTES)
                    .putLong(ProcessHandle.current().pid())
                    .putInt(memories.get(handle))
                    .array());
        }
        int descriptor = HostCalls.duplicate(memories.get(handle));
        open.add("descriptor " + descriptor);
        return new GpuExport.Posix(descriptor);
    }

    @Override
    public synchronized long importHandle(int device, GpuExport.Shared exported) throws CudaCallException {
        record("cuMemImportFromShareableHandle", device);
        return memory(
                switch (exported) {
                    case GpuExport.Posix(int descriptor) -> HostCalls.duplicate(descriptor);
                    case GpuExport.Fabric fabric -> {
                        ByteBuffer in = ByteBuffer.wrap(fabric.handle());
                        yield HostCalls.open("/proc/" + in.getLong() + "/fd/" + in.getInt());
                    }
                });
    }

    @Override
    public synchronized void closeDescriptor(int device, int descriptor) throws CudaCallException {
        closing("descriptor " + descriptor);
        HostCalls.close(descriptor);
        record("close", device);
    }

    @Override
    public synchronized long reserve(int device, long bytes) throws CudaCallException {
        record("cuMemAddressReserve", device);
        long address = HostCalls.reserve(bytes);
        open.add("range " + address);
        return address;
    }

    @Override
    public synchronized void freeAddress(int device, long address, long bytes) throws CudaCallException {
        closing("range " + address, "mapping " + address);
        HostCalls.free(address, bytes);
        record("cuMemAddressFree", device);
    }

    @Override
    public synchronized void map(int device, long address, long bytes, long handle) throws CudaCallException {
        record("cuMemMap", device);
        HostCalls.map(address, bytes, memories.get(handle));
        open.add("mapping " + address);
    }

    @Override
    public synchronized void unmap(int device, long address, long bytes) throws CudaCallException {
        closing("mapping " + address);
        HostCalls.unmap(address, bytes);
        record("cuMemUnmap", device);
    }

    @Override
    public synchronized void setAccess(int device, long address, long bytes) throws CudaCallException {
        record("cuMemSetAccess", device);
    }

    @Override
    public synchronized long retainContext(int device) throws CudaCallException {
        record("cuDevicePrimaryCtxRetain", device);
        open.add("context " + device);
        return 7000 + device;
    }

    @Override
    public synchronized void releaseContext(int device) throws CudaCallException {
        closing("context " + device, "current " + device);
        record("cuDevicePrimaryCtxRelease_v2", device);
    }

    @Override
    public synchronized void pushContext(int device, long context) throws CudaCallException {
        record("cuCtxPushCurrent_v2", device);
        open.add("current " + device);
    }

    @Override
    public synchronized void popContext(int device) throws CudaCallException {
        closing("current " + device);
        record("cuCtxPopCurrent_v2", device);
    }

    @Override
    public synchronized long createStream(int device) throws CudaCallException {
        record("cuStreamCreate", device);
        long stream = next++;
        streams.put(stream, new Stream());
        open.add("stream " + stream);
        return stream;
    }

    @Override
    public synchronized void destroyStream(int device, long stream) throws CudaCallException {
        closing("stream " + stream);
        streams.remove(stream);
        record("cuStreamDestroy_v2", device);
    }

    @Override
    public void write(CopyTarget target, byte[] bytes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public byte[] read(CopyTarget target, int bytes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public synchronized long freeBytes(int device) throws CudaCallException {
        record("cuMemGetInfo_v2", device);
        return 1L << 36;
    }

    // ---- copies

    @Override
    public synchronized void start(int device, long stream, GpuCopy copy) throws CudaCallException {
        record("copy", device);
        if (poison != 0) {
            throw failure("copy", device, poison);
        }
        Stream in = streams.get(stream);
        in.begun++;
        in.waiting.add(() -> move(copy));
        if (!held) {
            run(in);
        }
    }

    private static void move(GpuCopy copy) {
        switch (copy) {
            case GpuCopy.ToDevice(long to, MemorySegment from) ->
                at(to, from.byteSize()).copyFrom(from);
            case GpuCopy.ToHost(MemorySegment to, long from) -> to.copyFrom(at(from, to.byteSize()));
            case GpuCopy.OnDevice(long to, long from, long bytes) ->
                at(to, bytes).copyFrom(at(from, bytes));
            case GpuCopy.Peer(long to, long _, long from, long _, long bytes) ->
                at(to, bytes).copyFrom(at(from, bytes));
            case GpuCopy.Zero(long to, long bytes) -> at(to, bytes).fill((byte) 0);
        }
    }

    @SuppressWarnings("restricted")
    static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public synchronized long createEvent(int device) throws CudaCallException {
        record("cuEventCreate", device);
        long event = next++;
        open.add("event " + event);
        return event;
    }

    @Override
    public synchronized void destroyEvent(int device, long event) throws CudaCallException {
        closing("event " + event);
        record("cuEventDestroy_v2", device);
    }

    @Override
    public synchronized void recordEvent(int device, long event, long stream) throws CudaCallException {
        record("cuEventRecord", device);
        events.put(event, new long[] {stream, streams.get(stream).begun});
    }

    @Override
    public synchronized boolean isDone(int device, long event) throws CudaCallException {
        queries++;
        if (poison != 0) {
            throw failure("cuEventQuery", device, poison);
        }
        long[] recorded = events.get(event);
        return streams.get(recorded[0]).done >= recorded[1];
    }

    @Override
    public synchronized long wakeUp(Arena arena, Runnable action) {
        functions.put(next, action);
        return next++;
    }

    @Override
    public synchronized void addCallback(int device, long stream, long function) throws CudaCallException {
        record("cuStreamAddCallback", device);
        Stream in = streams.get(stream);
        in.begun++;
        in.waiting.add(() -> Thread.ofVirtual().start(functions.get(function)));
        if (!held) {
            run(in);
        }
    }

    @Override
    public synchronized void synchronize(int device, long stream) throws CudaCallException {
        record("cuStreamSynchronize", device);
        if (poison != 0) {
            throw failure("cuStreamSynchronize", device, poison);
        }
        run(streams.get(stream));
    }

    // ---- pointers

    @Override
    public synchronized long allocate(int device, long bytes) throws CudaCallException {
        record("cuMemAlloc_v2", device);
        long address = HostCalls.reserve(bytes);
        int descriptor = HostCalls.memory(bytes);
        HostCalls.map(address, bytes, descriptor);
        memories.put(address, descriptor);
        sizes.put(address, bytes);
        open.add("pointer " + address);
        return address;
    }

    @Override
    public synchronized void free(int device, long address) throws CudaCallException {
        closing("pointer " + address);
        HostCalls.free(address, sizes.remove(address));
        HostCalls.close(memories.remove(address));
        record("cuMemFree_v2", device);
    }

    @Override
    public synchronized Range range(int device, long address) throws CudaCallException {
        record("cuMemGetAddressRange_v2", device);
        for (Map.Entry<Long, Long> one : sizes.entrySet()) {
            if (address >= one.getKey() && address < one.getKey() + one.getValue()) {
                return new Range(one.getKey(), one.getValue());
            }
        }
        throw failure("cuMemGetAddressRange_v2", device, CudaFailure.INVALID_VALUE);
    }

    @Override
    public synchronized byte[] ipcHandle(int device, long address) throws CudaCallException {
        record("cuIpcGetMemHandle", device);
        return ByteBuffer.allocate(IPC_HANDLE_BYTES)
                .putLong(ProcessHandle.current().pid())
                .putInt(memories.get(address))
                .putLong(sizes.get(address))
                .array();
    }

    @Override
    public synchronized long ipcOpen(int device, byte[] handle) throws CudaCallException {
        record("cuIpcOpenMemHandle_v2", device);
        ByteBuffer in = ByteBuffer.wrap(handle);
        int descriptor = HostCalls.open("/proc/" + in.getLong() + "/fd/" + in.getInt());
        long bytes = in.getLong();
        long address = HostCalls.reserve(bytes);
        HostCalls.map(address, bytes, descriptor);
        HostCalls.close(descriptor);
        sizes.put(address, bytes);
        open.add("ipc " + address);
        return address;
    }

    @Override
    public synchronized void ipcClose(int device, long address) throws CudaCallException {
        closing("ipc " + address);
        HostCalls.free(address, sizes.remove(address));
        record("cuIpcCloseMemHandle", device);
    }

    @Override
    public synchronized void enablePeerAccess(int device, long otherContext) throws CudaCallException {
        record("cuCtxEnablePeerAccess", device);
    }

    /** A byte of its memory, as a kernel would read it. */
    public static byte byteAt(long address) {
        return at(address, 1).get(ValueLayout.JAVA_BYTE, 0);
    }
}
