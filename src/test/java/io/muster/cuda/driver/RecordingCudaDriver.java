// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;

/** A driver with the given attribute on each device. It records its calls and fails the n-th. */
public final class RecordingCudaDriver implements CudaDriver {
    public final List<String> calls = new ArrayList<>();
    private final List<Integer> attributes;
    private int failingCall;
    private int status;
    public int failed;

    public RecordingCudaDriver(Integer... attributes) {
        this.attributes = List.of(attributes);
    }

    /** The n-th call, from 1, returns this status. */
    public RecordingCudaDriver failing(int call, int withStatus) {
        failingCall = call;
        status = withStatus;
        return this;
    }

    private void record(String call, OptionalInt device) throws CudaCallException {
        calls.add(device.isPresent() ? call + " " + device.getAsInt() : call);
        if (calls.size() == failingCall) {
            failed++;
            throw new CudaCallException(new CudaFailure(call, device, status, "MEANING_OF_" + status));
        }
    }

    @Override
    public void init() throws CudaCallException {
        record("cuInit", OptionalInt.empty());
    }

    @Override
    public int driverVersion() throws CudaCallException {
        record("cuDriverGetVersion", OptionalInt.empty());
        return 12_060;
    }

    @Override
    public int deviceCount() throws CudaCallException {
        record("cuDeviceGetCount", OptionalInt.empty());
        return attributes.size();
    }

    @Override
    public String deviceName(int device) throws CudaCallException {
        record("cuDeviceGetName", OptionalInt.of(device));
        return "GPU " + device;
    }

    @Override
    public UUID deviceUuid(int device) throws CudaCallException {
        record("cuDeviceGetUuid", OptionalInt.of(device));
        return new UUID(7, device);
    }

    @Override
    public int attribute(int device, int attribute) throws CudaCallException {
        record("cuDeviceGetAttribute(" + attribute + ")", OptionalInt.of(device));
        return attributes.get(device);
    }
}
