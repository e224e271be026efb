// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.UUID;
import jcuda.CudaException;
import jcuda.LibUtils;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;

/** The driver through JCuda, with JCuda's exceptions off and each status checked here. */
public final class JCudaDriver implements CudaDriver {
    /** Part of the name under which JCuda looks for its library. */
    private static final String JCUDA_VERSION = "12.6.0";

    private static final int MAX_NAME_BYTES = 256;

    private JCudaDriver() {}

    /**
     * Loads JCuda with the driver library at this path. Throws nothing. To be called only if JCuda is on the class
     * path.
     */
    public static CudaDriver.Loading load(String libcuda) {
        String library =
                LibUtils.createLibraryFileName(LibUtils.createPlatformLibraryName("JCudaDriver-" + JCUDA_VERSION));
        try {
            JCudaNatives.place(
                    JCudaNatives.read("/lib/" + library), Path.of(System.getProperty("java.io.tmpdir"), library));
            jcuda.driver.JCudaDriver.setExceptionsEnabled(false);
            return new CudaDriver.Loading.Loaded(new JCudaDriver());
        } catch (NoSuchFileException e) {
            return new CudaDriver.Loading.Broken(
                    "JCuda has no native library for this machine (" + e.getMessage() + ")",
                    "put a jcuda-natives of version " + JCUDA_VERSION + " for " + System.getProperty("os.arch")
                            + " on the class path");
        } catch (IOException e) {
            return new CudaDriver.Loading.Broken(
                    "JCuda's native library can't be put into place: " + e.getMessage(),
                    "see that java.io.tmpdir is writable, and that no file of another user is in the way");
        } catch (LinkageError | CudaException e) {
            return new CudaDriver.Loading.Broken(
                    "JCuda can't be loaded over " + libcuda + ": " + cause(e),
                    "see that " + libcuda
                            + " is the library of the installed NVIDIA driver, and java.io.tmpdir is not "
                            + "mounted noexec");
        }
    }

    /** JCuda's message is a page with two stack traces; the cause is the last line of the form "…Error: …". */
    private static String cause(Throwable e) {
        String message = String.valueOf(e.getMessage());
        return message.lines()
                .filter(line -> line.contains("Error: "))
                .reduce((_, last) -> last)
                .orElseGet(() -> message.lines().findFirst().orElse(e.toString()))
                .strip();
    }

    @Override
    public void init() throws CudaCallException {
        check(jcuda.driver.JCudaDriver.cuInit(0), "cuInit");
    }

    @Override
    public int driverVersion() throws CudaCallException {
        int[] version = new int[1];
        check(jcuda.driver.JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
        return version[0];
    }

    @Override
    public int deviceCount() throws CudaCallException {
        int[] count = new int[1];
        check(jcuda.driver.JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
        return count[0];
    }

    @Override
    public String deviceName(int device) throws CudaCallException {
        byte[] name = new byte[MAX_NAME_BYTES];
        check(jcuda.driver.JCudaDriver.cuDeviceGetName(name, name.length, handle(device)), "cuDeviceGetName", device);
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return new String(name, 0, length, StandardCharsets.UTF_8);
    }

    @Override
    public UUID deviceUuid(int device) throws CudaCallException {
        CUuuid uuid = new CUuuid();
        check(jcuda.driver.JCudaDriver.cuDeviceGetUuid(uuid, handle(device)), "cuDeviceGetUuid", device);
        ByteBuffer bytes = ByteBuffer.wrap(uuid.bytes);
        return new UUID(bytes.getLong(), bytes.getLong());
    }

    @Override
    public int attribute(int device, int attribute) throws CudaCallException {
        int[] value = new int[1];
        check(
                jcuda.driver.JCudaDriver.cuDeviceGetAttribute(value, attribute, handle(device)),
                "cuDeviceGetAttribute(" + attribute + ")",
                device);
        return value[0];
    }

    private static CUdevice handle(int device) throws CudaCallException {
        CUdevice handle = new CUdevice();
        check(jcuda.driver.JCudaDriver.cuDeviceGet(handle, device), "cuDeviceGet", device);
        return handle;
    }

    private static void check(int status, String call) throws CudaCallException {
        check(status, call, OptionalInt.empty());
    }

    private static void check(int status, String call, int device) throws CudaCallException {
        check(status, call, OptionalInt.of(device));
    }

    private static void check(int status, String call, OptionalInt device) throws CudaCallException {
        if (status != CUresult.CUDA_SUCCESS) {
            throw new CudaCallException(new CudaFailure(call, device, status, CUresult.stringFor(status)));
        }
    }
}
