// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** An application without GPUs may have no JCuda on its class path. */
class WithoutJCudaTest {
    @Test
    void theProbeReportsNoDriver() throws Exception {
        try (URLClassLoader loader = without("jcuda")) {
            Object facts = loader.loadClass("io.muster.cuda.CudaProbe")
                    .getMethod("probe")
                    .invoke(null);
            assertThat(facts.getClass().getName()).isEqualTo("io.muster.cuda.CudaFacts$NoDriver");
        }
    }

    @Test
    void withoutJCudaTheReasonNamesTheMissingDependency() throws Exception {
        try (URLClassLoader loader = without("jcuda")) {
            Constructor<?> found = loader.loadClass("io.muster.cuda.driver.CudaLibrary$Search$Found")
                    .getDeclaredConstructor(String.class);
            found.setAccessible(true);
            Method load = loader.loadClass("io.muster.cuda.JCudaLoader")
                    .getDeclaredMethod("load", loader.loadClass("io.muster.cuda.driver.CudaLibrary$Search"));
            load.setAccessible(true);
            Object loading = load.invoke(null, found.newInstance("/usr/lib/libcuda.so.1"));
            assertThat(loading.getClass().getName()).isEqualTo("io.muster.cuda.driver.CudaDriver$Loading$Absent");
            assertThat(loading.toString()).contains("JCuda is not on the class path", "org.jcuda:jcuda-natives");
        }
    }

    @Test
    void withoutTheNativesTheReasonNamesThem() throws Exception {
        try (URLClassLoader loader = without("jcuda-natives")) {
            Object loading = loader.loadClass("io.muster.cuda.driver.JCudaDriver")
                    .getMethod("load", String.class)
                    .invoke(null, "/usr/lib/libcuda.so.1");
            assertThat(loading.getClass().getName()).isEqualTo("io.muster.cuda.driver.CudaDriver$Loading$Broken");
            assertThat(loading.toString()).contains("no native library for this machine", "put a jcuda-natives");
        }
    }

    private static URLClassLoader without(String library) throws IOException {
        URL[] rest = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !Path.of(entry).getFileName().toString().startsWith(library))
                .map(WithoutJCudaTest::url)
                .toArray(URL[]::new);
        return new URLClassLoader(rest, ClassLoader.getPlatformClassLoader());
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(entry, e);
        }
    }
}
