// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds {@code libcuda.so.1}. With native access enabled it uses the dynamic loader. Without, that would print the
 * JVM's warning even on a host without a GPU, so it searches the loader's usual folders instead.
 */
public final class CudaLibrary {
    public static final String NAME = "libcuda.so.1";

    private static final Path LOADER_CACHE = Path.of("/etc/ld.so.cache");
    private static final List<String> USUAL_PLACES = List.of(
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/lib64",
            "/lib",
            "/usr/local/nvidia/lib64",
            "/usr/local/nvidia/lib",
            "/usr/lib/wsl/lib",
            "/run/opengl-driver/lib");

    private CudaLibrary() {}

    /** The result of the search. */
    public sealed interface Search {
        /** @param where its path, or the bare name if only the loader knows */
        record Found(String where) implements Search {}

        record Unloadable(String where) implements Search {}

        record Missing() implements Search {}
    }

    /** @param libraryPath the value of {@code LD_LIBRARY_PATH}, empty if unset */
    public static Search find(String libraryPath) {
        Optional<String> file = inUsualPlaces(libraryPath);
        if (!CudaLibrary.class.getModule().isNativeAccessEnabled()) {
            return file.<Search>map(Search.Found::new).orElseGet(Search.Missing::new);
        }
        if (loads()) {
            return new Search.Found(file.orElse(NAME));
        }
        return file.<Search>map(Search.Unloadable::new).orElseGet(Search.Missing::new);
    }

    @SuppressWarnings("restricted") // opens and closes the library, and calls nothing in it
    private static boolean loads() {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup.libraryLookup(NAME, arena);
            return true;
        } catch (IllegalArgumentException e) {
            return false; // the message holds no more than that the library can't be opened
        }
    }

    static Optional<String> inUsualPlaces(String libraryPath) {
        List<String> folders = new ArrayList<>(List.of(libraryPath.split(":")));
        folders.removeIf(String::isEmpty);
        folders.addAll(USUAL_PLACES);
        for (String folder : folders) {
            Path file = Path.of(folder, NAME);
            if (Files.exists(file)) {
                return Optional.of(file.toString());
            }
        }
        return inLoaderCache(LOADER_CACHE);
    }

    /** The cache holds the paths as zero-terminated strings. */
    static Optional<String> inLoaderCache(Path cache) {
        String text;
        try {
            text = new String(Files.readAllBytes(cache), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return Optional.empty(); // no cache file, as with musl
        }
        int end = text.indexOf("/" + NAME + "\0");
        if (end < 0) {
            return Optional.empty();
        }
        int start = text.lastIndexOf('\0', end) + 1;
        String path = text.substring(start, end + 1 + NAME.length());
        return Files.exists(Path.of(path)) ? Optional.of(path) : Optional.empty();
    }
}
