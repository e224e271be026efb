// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import io.muster.cuda.driver.CudaDriver;
import io.muster.cuda.driver.CudaLibrary;
import io.muster.cuda.driver.CudaLibrary.Search;
import io.muster.cuda.driver.JCudaDriver;
import java.util.Optional;

/**
 * Looks for the driver and for JCuda before it loads the class {@link JCudaDriver}, which needs JCuda. JCuda is an
 * optional dependency: without it Muster sees no GPU.
 */
final class JCudaLoader {
    private JCudaLoader() {}

    /** Throws nothing. */
    static CudaDriver.Loading load() {
        return load(CudaLibrary.find(
                Optional.ofNullable(System.getenv("LD_LIBRARY_PATH")).orElse("")));
    }

    static CudaDriver.Loading load(Search driver) {
        return switch (driver) {
            case Search.Missing() ->
                new CudaDriver.Loading.Absent(CudaLibrary.NAME + " is not found by the dynamic loader");
            case Search.Unloadable(String where) ->
                new CudaDriver.Loading.Broken(
                        where + " exists, but the dynamic loader can't load it",
                        "check with ldd that it is a library for this machine and that its dependencies are installed");
            case Search.Found(String where) ->
                isJCudaHere()
                        ? JCudaDriver.load(where)
                        : new CudaDriver.Loading.Absent(
                                "JCuda is not on the class path; to use GPUs add org.jcuda:jcuda and "
                                        + "org.jcuda:jcuda-natives");
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
