// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.GpuDrivers;
import io.muster.cuda.driver.HostGpuDriver;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

/** GPUs simulated by host memory, for tests in other packages. */
public final class HostGpus {
    private final HostGpuDriver driver = new HostGpuDriver();
    private final Gpus gpus;

    /** @param first number of the first device among those of the host: processes may each see another one */
    public HostGpus(int devices, int first) {
        List<Device> all = IntStream.range(0, devices)
                .mapToObj(
                        index -> new Device(index, "simulated by the host", uuid(first + index), FabricAttribute.CLEAR))
                .toList();
        gpus = Gpus.of(all, new GpuDrivers(driver, driver, driver));
    }

    public static UUID uuid(int number) {
        return new UUID(0x6d75_7374_6572L, number);
    }

    public Gpus gpus() {
        return gpus;
    }

    /** As after a kernel that failed. */
    public void poison(int status) {
        driver.poison(status);
    }

    /** As where there is an IMEX channel. */
    public HostGpus inFabric() {
        driver.inFabric();
        return this;
    }

    /** Ends the injected failures. */
    public void healed() {
        driver.healed();
    }

    public void failing(String call, int status) {
        driver.failing(call, status);
    }

    public void hold() {
        driver.hold();
    }

    public void letGo() {
        driver.letGo();
    }

    /** How often the driver was called by this name; copies are {@code copy}. */
    public int calls(String name) {
        return driver.count(name);
    }

    /** Native objects that are open. */
    public Set<String> open() {
        synchronized (driver) {
            return Set.copyOf(driver.open);
        }
    }

    public List<String> wrongOrder() {
        synchronized (driver) {
            return List.copyOf(driver.wrongOrder);
        }
    }

    /** Allocates as an application would. */
    public long allocate(long bytes) throws CudaCallException {
        return driver.allocate(0, bytes);
    }

    public void free(long address) throws CudaCallException {
        driver.free(0, address);
    }

    /** Forgets the open objects, as if their process had died. */
    public void forget() {
        synchronized (driver) {
            driver.open.clear();
        }
    }

    /** The byte that a kernel would read. */
    public static byte byteAt(long address) {
        return HostGpuDriver.byteAt(address);
    }
}
