// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A library of C functions. It is never unloaded: a driver that is unloaded while its threads run crashes the JVM. All
 * needed symbols are looked up at once, so a library that lacks one is reported before any call. Each is linked at its
 * first call, since linking is the expensive step.
 */
public final class ForeignLibrary {
    private final SymbolLookup symbols;
    private final List<String> missing = new ArrayList<>();

    private ForeignLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
    }

    /** Empty if the dynamic loader does not find it. */
    @SuppressWarnings("restricted")
    public static Optional<ForeignLibrary> open(String name) {
        try {
            return Optional.of(new ForeignLibrary(SymbolLookup.libraryLookup(name, Arena.global())));
        } catch (IllegalArgumentException _) {
            return Optional.empty(); // the message holds no more than that the library can't be opened
        }
    }

    /** The functions of the C library. */
    public static ForeignLibrary ofC() {
        return new ForeignLibrary(Linker.nativeLinker().defaultLookup());
    }

    /** A required function; {@link #missing()} names those that the library lacks. */
    public Function function(String name, FunctionDescriptor type) {
        return optional(name, type).orElseGet(() -> {
            missing.add(name);
            return new Function(name, MemorySegment.NULL, type);
        });
    }

    public Optional<Function> optional(String name, FunctionDescriptor type) {
        return symbols.find(name).map(address -> new Function(name, address, type));
    }

    public List<String> missing() {
        return List.copyOf(missing);
    }

    /** One function, linked at its first use. Two threads may link it twice, which does no harm. */
    public static final class Function {
        private final String name;
        private final MemorySegment address;
        private final FunctionDescriptor type;
        private volatile @Nullable MethodHandle handle;

        private Function(String name, MemorySegment address, FunctionDescriptor type) {
            this.name = name;
            this.address = address;
            this.type = type;
        }

        String name() {
            return name;
        }

        @SuppressWarnings("restricted")
        public MethodHandle handle() {
            MethodHandle linked = handle;
            if (linked == null) {
                linked = Linker.nativeLinker().downcallHandle(address, type);
                handle = linked;
            }
            return linked;
        }
    }

    /** A call through a method handle, whose signature allows any exception. */
    @FunctionalInterface
    public interface Call {
        int run() throws Throwable;
    }

    /** Makes the call. A downcall throws only for wrong arguments, which is a bug in this package. */
    public static int status(Call call) {
        try {
            return call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
