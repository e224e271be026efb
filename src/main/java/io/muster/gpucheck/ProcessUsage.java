// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The resources of this process, as Linux counts them.
 *
 * @param addressSpaceKiB {@code VmSize}: everything mapped or reserved, whether backed by memory or not
 */
public record ProcessUsage(long addressSpaceKiB, long mappings, long descriptors) {
    private static final Path SELF = Path.of("/proc/self");

    /** The current usage. Blocks shortly. */
    public static ProcessUsage now() throws IOException {
        return new ProcessUsage(vmSizeKiB(), mappingCount(), descriptorCount());
    }

    private static long mappingCount() throws IOException {
        try (Stream<String> lines = Files.lines(SELF.resolve("maps"))) {
            return lines.count();
        }
    }

    private static long descriptorCount() throws IOException {
        try (Stream<Path> open = Files.list(SELF.resolve("fd"))) {
            return open.count();
        }
    }

    private static long vmSizeKiB() throws IOException {
        try (Stream<String> lines = Files.lines(SELF.resolve("status"))) {
            return lines.filter(line -> line.startsWith("VmSize:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .sum();
        }
    }
}
