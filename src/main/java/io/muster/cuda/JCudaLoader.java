// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaLibrary;
import io.muster.cuda.driver.CudaLibrary.Search;
import io.muster.cuda.driver.CudaLoading;
import io.muster.cuda.driver.JCudaDriver;
import java.util.Optional;

/**
 * Looks for the driver and for JCuda before {@link JCudaDriver} is touched, whose class can't be loaded without JCuda.
 * JCuda is an optional dependency: an application that uses no GPUs does not have it, and then there is no GPU for
 * Muster.
 */
final class JCudaLoader {
    private JCudaLoader() {}

    /** Throws nothing. */
    static CudaLoading load() {
        return load(CudaLibrary.find(
                Optional.ofNullable(System.getenv("LD_LIBRARY_PATH")).orElse("")));
    }

    static CudaLoading load(Search driver) {
        return switch (driver) {
            case Search.Missing() -> new CudaLoading.Absent(CudaLibrary.NAME + " is not found by the dynamic loader");
            case Search.Unloadable(String where) ->
                new CudaLoading.Broken(
                        where + " is there, but the dynamic loader does not load it",
                        "see with ldd whether it is a library for this machine, and has what it needs");
            case Search.Found(String where) ->
                isJCudaHere()
                        ? JCudaDriver.load(where)
                        : new CudaLoading.Absent(
                                "JCuda is not on the class path; to use GPUs add org.jcuda:jcuda and org.jcuda:jcuda-natives");
        };
    }

    private static boolean isJCudaHere() {
        try {
            Class.forName("jcuda.CudaException", false, JCudaLoader.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException _) {
            return false;
        }
    }
}
