// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.cuda.Gpu;
import io.muster.cuda.GpuView;
import io.muster.cuda.Gpus;
import io.muster.cuda.driver.CudaCallException;
import io.muster.cuda.driver.GpuCopy;
import io.muster.cuda.driver.GpuExport;
import io.muster.cuda.driver.GpuTrouble;
import io.muster.cuda.driver.ShareKind;
import io.muster.fabric.FabricImport.Cause;
import io.muster.fabric.FabricImport.Refused;
import io.muster.group.FabricVerdict;
import io.muster.group.Member;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A fabric of real GPUs: memory of the first GPU of this process is exported with a fabric handle, and peers import it.
 * It exists only if the probe has proven a fabric. An import maps the peer's memory, compares the token in it with the
 * handle's, and writes and reads back a place that belongs to the importing rank.
 */
public final class GpuMemoryFabric implements Fabric {
    private static final long BYTES = 2 << 20;
    private static final long PLACES_AT = 4096;
    private static final long PLACE_BYTES = 64;

    private final FabricVerdict.Proven verdict;
    private final Gpus gpus;
    private final SecureRandom random = new SecureRandom();
    /** Exports that are not closed yet. Guarded by its monitor, since several worker threads export and close. */
    private final Set<Export> held = new HashSet<>();

    private boolean closed;

    public GpuMemoryFabric(FabricVerdict.Proven verdict, Gpus gpus) {
        this.verdict = verdict;
        this.gpus = gpus;
    }

    @Override
    public FabricVerdict verdict() {
        return verdict;
    }

    @Override
    public FabricExport export(Member owner) {
        try {
            Gpu gpu = gpu();
            GpuView view = gpu.allocate(ShareKind.FABRIC, BYTES).join();
            byte[] token = new byte[GpuMemoryHandle.TOKEN_BYTES];
            random.nextBytes(token);
            write(gpu, view.address(), token);
            if (!(view.export() instanceof GpuExport.Fabric exported)) {
                gpu.close(view).join();
                return new FabricExport.NotExported("the memory has no fabric handle");
            }
            var handle =
                    new GpuMemoryHandle(verdict.identity(), owner, token, view.allocationBytes(), exported.handle());
            var export = new Export(gpu, view, handle);
            if (!hold(export)) {
                export.close();
                return new FabricExport.NotExported("the fabric is closed");
            }
            return new FabricExport.Exported(export);
        } catch (CompletionException failure) {
            return new FabricExport.NotExported("fabric memory can't be exported: " + text(failure));
        }
    }

    @Override
    public FabricImport importPeer(Member local, Member peer, byte[] exported) {
        Optional<GpuMemoryHandle> decoded = GpuMemoryHandle.decode(exported);
        if (decoded.isEmpty()) {
            return new Refused(
                    Cause.MALFORMED,
                    exported.length + " bytes of rank " + peer.rank() + " are not a handle of fabric memory");
        }
        GpuMemoryHandle handle = decoded.get();
        if (!handle.identity().equals(verdict.identity())) {
            return new Refused(
                    Cause.OTHER_CLIQUE,
                    "rank " + peer.rank() + " is in fabric " + handle.identity() + ", this process in "
                            + verdict.identity());
        }
        if (!handle.owner().equals(peer)) {
            return new Refused(Cause.OTHER_MEMBER, "the handle is of member " + handle.owner() + ", expected " + peer);
        }
        synchronized (held) {
            if (closed) {
                return new Refused(Cause.NO_FABRIC, "the fabric is closed");
            }
        }
        return imported(local, handle);
    }

    private FabricImport imported(Member local, GpuMemoryHandle handle) {
        Gpu gpu;
        GpuView view;
        try {
            gpu = gpu();
            view = gpu.importing(new GpuExport.Fabric(handle.handle()), handle.allocationBytes())
                    .join();
        } catch (CompletionException failure) {
            return new Refused(
                    Cause.MISSING,
                    "the memory of rank " + handle.owner().rank() + " can't be imported: " + text(failure));
        }
        String unusable = "the memory of rank " + handle.owner().rank() + " can't be used: ";
        long place = PLACES_AT + PLACE_BYTES * (local.rank() % ((view.bytes() - PLACES_AT) / PLACE_BYTES));
        try {
            if (!Arrays.equals(read(gpu, view.address(), GpuMemoryHandle.TOKEN_BYTES), handle.token())) {
                return new Refused(Cause.TOKEN_MISMATCH, unusable + "token of the handle not found in it");
            }
            byte[] written = new byte[GpuMemoryHandle.TOKEN_BYTES];
            random.nextBytes(written);
            write(gpu, view.address() + place, written);
            return Arrays.equals(read(gpu, view.address() + place, written.length), written)
                    ? new FabricImport.Imported()
                    : new Refused(Cause.UNREADABLE, unusable + "read other bytes than were written");
        } catch (CompletionException failure) {
            return new Refused(Cause.UNREADABLE, unusable + text(failure));
        } finally {
            close(gpu, view);
        }
    }

    private static void close(Gpu gpu, GpuView view) {
        gpu.close(view).exceptionally(_ -> null).join();
    }

    private Gpu gpu() {
        Gpu gpu = gpus.gpu(0)
                .orElseThrow(() -> new CompletionException(new IllegalStateException("no GPU: " + gpus.whyNone())));
        gpu.ready().join();
        return gpu;
    }

    private static String text(Throwable failure) {
        return switch (failure) {
            case CompletionException wrapped when wrapped.getCause() != null -> text(wrapped.getCause());
            case CudaCallException call -> GpuTrouble.sentence(call.failure());
            default -> String.valueOf(failure.getMessage());
        };
    }

    private boolean hold(Export one) {
        synchronized (held) {
            return !closed && held.add(one);
        }
    }

    @Override
    public void close() {
        Set<Export> all;
        synchronized (held) {
            closed = true;
            all = Set.copyOf(held);
        }
        all.forEach(Export::close);
    }

    private static void write(Gpu gpu, long to, byte[] bytes) {
        try (Arena arena = Arena.ofShared()) {
            ended(gpu, new GpuCopy.ToDevice(to, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes)));
        }
    }

    private static byte[] read(Gpu gpu, long from, int bytes) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment into = arena.allocate(bytes);
            ended(gpu, new GpuCopy.ToHost(into, from));
            return into.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static void ended(Gpu gpu, GpuCopy copy) {
        var done = new CompletableFuture<Void>();
        gpu.copy(0, copy, failure -> {
            if (failure == null) {
                done.complete(null);
            } else {
                done.completeExceptionally(new CudaCallException(failure));
            }
        });
        done.join();
    }

    private final class Export implements ExportedHandle {
        private final Gpu gpu;
        private final GpuView view;
        private final GpuMemoryHandle handle;
        private final AtomicBoolean open = new AtomicBoolean(true);

        Export(Gpu gpu, GpuView view, GpuMemoryHandle handle) {
            this.gpu = gpu;
            this.view = view;
            this.handle = handle;
        }

        @Override
        public byte[] bytes() {
            return handle.encode();
        }

        @Override
        public void close() {
            if (open.getAndSet(false)) {
                synchronized (held) {
                    held.remove(this);
                }
                GpuMemoryFabric.close(gpu, view);
            }
        }
    }
}
