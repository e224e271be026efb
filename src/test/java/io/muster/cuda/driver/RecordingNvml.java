// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;

/** An NVML that finds each device by the low bits of its UUID. It records its calls and fails the n-th. */
public final class RecordingNvml implements Nvml {
    public final List<String> calls = new ArrayList<>();
    private final List<FabricInfo.Known> places;
    private int failingCall;

    public RecordingNvml(FabricInfo.Known... places) {
        this.places = List.of(places);
    }

    public RecordingNvml failing(int call) {
        failingCall = call;
        return this;
    }

    private void record(String call, OptionalInt device) throws CudaCallException {
        calls.add(call);
        if (calls.size() == failingCall) {
            throw new CudaCallException(new CudaFailure(call, device, 3, "Not Supported"));
        }
    }

    @Override
    public void init() throws CudaCallException {
        record("nvmlInit_v2", OptionalInt.empty());
    }

    @Override
    public long deviceByUuid(int device, UUID uuid) throws CudaCallException {
        record("nvmlDeviceGetHandleByUUID", OptionalInt.of(device));
        return uuid.getLeastSignificantBits();
    }

    @Override
    public FabricInfo.Known fabricInfo(int device, long handle) throws CudaCallException {
        record("nvmlDeviceGetGpuFabricInfoV", OptionalInt.of(device));
        return places.get((int) handle);
    }

    @Override
    public void shutdown() throws CudaCallException {
        record("nvmlShutdown", OptionalInt.empty());
    }
}
