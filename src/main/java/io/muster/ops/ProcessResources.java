// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The resources that this process uses, to compare two moments (P-14). */
public final class ProcessResources {
    private static final int COLLECTIONS = 2;

    private ProcessResources() {}

    /**
     * pid, heapBytes, directBytes, descriptors, residentBytes (the last two are −1 where the system does not report
     * them), threads. Takes some milliseconds.
     *
     * @param collect runs a garbage collection first, so that heapBytes counts live objects only
     */
    public static JsonObject now(boolean collect) {
        for (int i = 0; collect && i < COLLECTIONS; i++) {
            System.gc();
        }
        return new JsonObject()
                .put("pid", ProcessHandle.current().pid())
                .put(
                        "heapBytes",
                        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed())
                .put(
                        "directBytes",
                        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                                .sum())
                .put("residentBytes", residentBytes())
                .put("descriptors", descriptors())
                .put("threads", ManagementFactory.getThreadMXBean().getThreadCount());
    }

    private static long descriptors() {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        } catch (IOException _) {
            return -1;
        }
    }

    private static long residentBytes() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024)
                    .findFirst()
                    .orElse(-1);
        } catch (IOException _) {
            return -1;
        }
    }
}
