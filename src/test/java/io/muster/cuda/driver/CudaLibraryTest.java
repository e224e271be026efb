// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CudaLibraryTest {
    @TempDir
    Path folder;

    @Test
    void searchesTheFoldersOfTheLibraryPathFirst() throws IOException {
        Path library = Files.createFile(folder.resolve("libcuda.so.1"));
        assertThat(CudaLibrary.inUsualPlaces("/nowhere::" + folder)).contains(library.toString());
    }

    @Test
    void findsTheFullPathInTheLoadersCache() throws IOException {
        Path library = Files.createFile(folder.resolve("libcuda.so.1"));
        Path cache = folder.resolve("cache");
        Files.writeString(cache, "glibc-ld.so.cache1.1\0/x/libcuda.so\0" + "libcuda.so.1\0" + library + "\0/x/other\0");
        assertThat(CudaLibrary.inLoaderCache(cache)).contains(library.toString());
    }

    @Test
    void ignoresACacheEntryWhoseFileIsGone() throws IOException {
        Path cache = folder.resolve("cache");
        Files.writeString(cache, "\0/gone/libcuda.so.1\0");
        assertThat(CudaLibrary.inLoaderCache(cache)).isEmpty();
        assertThat(CudaLibrary.inLoaderCache(folder.resolve("none"))).isEmpty();
    }

    @Test
    void reportsAFileThatIsNotALibraryAsUnloadable() throws IOException {
        Files.writeString(folder.resolve("libcuda.so.1"), "no library");
        assertThat(CudaLibrary.find(folder.toString())).isNotInstanceOf(CudaLibrary.Search.Missing.class);
    }
}
