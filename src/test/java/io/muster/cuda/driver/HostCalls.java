// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * The calls of the C library by which host memory simulates a GPU's: allocate, share by descriptors, reserve, map,
 * unmap.
 */
public final class HostCalls {
    private static final int PROT_NONE = 0;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;
    private static final int MAP_FIXED = 0x10;
    private static final int O_RDWR_CLOEXEC = 2 | 0x80000;

    private static final MethodHandle MEMFD = link("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle TRUNCATE = link("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MMAP =
            link("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MUNMAP = link("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle DUP = link("dup", JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = link("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle OPEN = link("open", JAVA_INT, ADDRESS, JAVA_INT);

    private HostCalls() {}

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, MemoryLayout result, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().find(name).orElseThrow(),
                        FunctionDescriptor.of(result, arguments));
    }

    private interface Call {
        long run() throws Throwable;
    }

    private static long check(String name, Call call) {
        try {
            long result = call.run();
            if (result < 0) {
                throw new AssertionError(name + " failed");
            }
            return result;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    public static int memory(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            var name = arena.allocateFrom("gpu");
            int descriptor = (int) check("memfd_create", () -> (int) MEMFD.invokeExact(name, 1));
            check("ftruncate", () -> (int) TRUNCATE.invokeExact(descriptor, bytes));
            return descriptor;
        }
    }

    public static int open(String path) {
        try (Arena arena = Arena.ofConfined()) {
            var name = arena.allocateFrom(path);
            return (int) check("open", () -> (int) OPEN.invokeExact(name, O_RDWR_CLOEXEC));
        }
    }

    static long reserve(long bytes) {
        return check(
                "mmap", () -> (long) MMAP.invokeExact(0L, bytes, PROT_NONE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0L));
    }

    static void map(long address, long bytes, int descriptor) {
        check("mmap", () ->
                (long) MMAP.invokeExact(address, bytes, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, descriptor, 0L));
    }

    /** As {@code cuMemUnmap}: the range stays reserved, and an access to it crashes the JVM. */
    static void unmap(long address, long bytes) {
        check("mmap", () -> (long)
                MMAP.invokeExact(address, bytes, PROT_NONE, MAP_PRIVATE_ANONYMOUS_NORESERVE | MAP_FIXED, -1, 0L));
    }

    static void free(long address, long bytes) {
        check("munmap", () -> (int) MUNMAP.invokeExact(address, bytes));
    }

    static int duplicate(int descriptor) {
        return (int) check("dup", () -> (int) DUP.invokeExact(descriptor));
    }

    public static void close(int descriptor) {
        check("close", () -> (int) CLOSE.invokeExact(descriptor));
    }
}
