// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.fabric.FabricImport.Cause;
import io.muster.fabric.FabricImport.Refused;
import io.muster.fabric.SimulatedHandle.Token;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.MusterException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A fabric for machines without GPUs: its memory is a file that only processes of the same user, host and clique can
 * import. An import really opens the file, compares its identity, member and token with the handle's, maps a slot,
 * writes to it, and reads it back through the file. No other memory, such as the heap of a process, can be reached
 * through it.
 */
public final class SimulatedFabric implements Fabric {
    private final FabricIdentity identity;
    private final ImportFault fault;
    private final CliqueFolder folder;
    private final SecureRandom random;
    private final AtomicInteger exports = new AtomicInteger();
    private final AtomicInteger injected = new AtomicInteger();
    /** Guarded by its own monitor, as is {@link #closed}: workers export while the owner may close. */
    private final Set<Export> open = new HashSet<>();

    private boolean closed;

    private SimulatedFabric(FabricIdentity identity, ImportFault fault, CliqueFolder folder, SecureRandom random) {
        this.identity = identity;
        this.fault = fault;
        this.folder = folder;
        this.random = random;
    }

    /** The default folder. All processes of a clique must use the same. */
    public static Path defaultBase() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    /**
     * Opens the fabric, deletes the files of dead processes, and proves it by an import from itself. Blocks.
     *
     * @throws MusterException of kind CONFIG if that is not possible in this folder
     */
    public static SimulatedFabric open(FabricIdentity identity, Path base, ImportFault fault) {
        SecureRandom random = new SecureRandom();
        CliqueFolder folder;
        try {
            folder = CliqueFolder.open(base, identity, random);
        } catch (IOException | UnsupportedOperationException e) {
            throw unusable(identity, base, e.toString());
        }
        SimulatedFabric fabric = new SimulatedFabric(identity, fault, folder, random);
        Optional<String> failure = fabric.tryOut();
        if (failure.isPresent()) {
            fabric.close();
            throw unusable(identity, base, failure.get());
        }
        return fabric;
    }

    private static MusterException unusable(FabricIdentity identity, Path base, String why) {
        return MusterException.config("simulated fabric " + identity + " can't be used in " + base + ": " + why);
    }

    private Optional<String> tryOut() {
        Member self = new Member(0, 1, LifeId.random(random));
        return switch (export(self)) {
            case FabricExport.NotExported(String reason) -> Optional.of(reason);
            case FabricExport.Exported(ExportedHandle handle) -> {
                try (handle) {
                    yield importFile(self, self, handle.bytes()) instanceof Refused refused
                            ? Optional.of(refused.reason())
                            : Optional.empty();
                }
            }
        };
    }

    @Override
    public FabricVerdict verdict() {
        return new FabricVerdict.Proven(identity, true, "simulated by files in " + folder.path());
    }

    @Override
    public FabricExport export(Member owner) {
        String fileName = folder.fileName(exports.incrementAndGet());
        byte[] token = new byte[Token.BYTES];
        random.nextBytes(token);
        SimulatedHandle handle = new SimulatedHandle(identity, owner, new Token(token), fileName);
        Export export = new Export(handle);
        if (!register(export)) {
            return new FabricExport.NotExported("the simulated fabric is closed");
        }
        try (FileChannel file = folder.create(fileName)) {
            SimulatedMemory.fill(file, handle);
            if (!isRegistered(export)) { // closed in the meantime, perhaps before the file existed
                folder.delete(fileName);
                return new FabricExport.NotExported("the simulated fabric is closed");
            }
            return new FabricExport.Exported(export);
        } catch (IOException e) {
            export.close();
            return new FabricExport.NotExported("simulated fabric memory can't be allocated: " + e);
        }
    }

    @Override
    public FabricImport importPeer(Member local, Member peer, byte[] exported) {
        if (fault.hits(local)) {
            injected.incrementAndGet();
            return new Refused(
                    Cause.INJECTED,
                    "injected failure of an import on rank " + local.rank() + " by " + ImportFault.PROPERTY);
        }
        return importFile(local, peer, exported);
    }

    /** Number of failures injected so far. */
    public int injectedFailures() {
        return injected.get();
    }

    private FabricImport importFile(Member local, Member peer, byte[] exported) {
        Optional<SimulatedHandle> decoded = SimulatedHandle.decode(exported);
        if (decoded.isEmpty()) {
            return new Refused(
                    Cause.MALFORMED,
                    exported.length + " bytes of rank " + peer.rank() + " are not a handle of a simulated fabric");
        }
        if (isClosed()) {
            return new Refused(Cause.NO_FABRIC, "the simulated fabric is closed");
        }
        SimulatedHandle handle = decoded.get();
        if (!handle.identity().equals(identity)) {
            return new Refused(
                    Cause.OTHER_CLIQUE,
                    "rank " + peer.rank() + " is in fabric " + handle.identity() + ", this process in " + identity);
        }
        if (!handle.owner().equals(peer)) {
            return new Refused(Cause.OTHER_MEMBER, "the handle is of member " + handle.owner() + ", expected " + peer);
        }
        try (FileChannel file = folder.open(handle.fileName())) {
            if (!SimulatedMemory.carries(file, handle)) {
                return new Refused(
                        Cause.TOKEN_MISMATCH,
                        "the memory of rank " + peer.rank() + " does not carry the handle's token");
            }
            return touch(file, local, peer);
        } catch (NoSuchFileException e) {
            return new Refused(
                    Cause.MISSING,
                    "the memory of rank " + peer.rank() + " is not in " + folder.path()
                            + ": it was freed, or that process uses another folder, user or host");
        } catch (IOException e) {
            return new Refused(Cause.UNREADABLE, "the memory of rank " + peer.rank() + " can't be used: " + e);
        }
    }

    /** Writes through the mapping and reads through the file. */
    private FabricImport touch(FileChannel file, Member local, Member peer) throws IOException {
        long word = random.nextLong();
        try (SimulatedMemory memory = SimulatedMemory.map(file, local)) {
            memory.write(word);
            long back = memory.readThrough(file);
            return back == word
                    ? new FabricImport.Imported()
                    : new Refused(
                            Cause.UNREADABLE,
                            "wrote " + word + " to the memory of rank " + peer.rank() + " and read " + back);
        }
    }

    private boolean isClosed() {
        synchronized (open) {
            return closed;
        }
    }

    private boolean register(Export export) {
        synchronized (open) {
            return !closed && open.add(export);
        }
    }

    private boolean isRegistered(Export export) {
        synchronized (open) {
            return !closed && open.contains(export);
        }
    }

    private boolean unregister(Export export) {
        synchronized (open) {
            return open.remove(export);
        }
    }

    @Override
    public void close() {
        Set<Export> left;
        synchronized (open) {
            if (closed) {
                return;
            }
            closed = true;
            left = Set.copyOf(open);
        }
        @Nullable Exception first = null;
        for (AutoCloseable handle : left) {
            first = tryClose(handle, first);
        }
        first = tryClose(folder, first);
        if (first != null) {
            throw new MusterException(
                    MusterException.Kind.FATAL,
                    "simulated fabric left files in " + folder.path() + ": " + first,
                    first);
        }
    }

    private static @Nullable Exception tryClose(AutoCloseable handle, @Nullable Exception first) {
        try {
            handle.close();
            return first;
        } catch (Exception e) {
            return first == null ? e : first;
        }
    }

    private final class Export implements ExportedHandle {
        private final SimulatedHandle handle;

        Export(SimulatedHandle handle) {
            this.handle = handle;
        }

        @Override
        public byte[] bytes() {
            return handle.encode();
        }

        @Override
        public void close() {
            if (unregister(this)) {
                try {
                    folder.delete(handle.fileName());
                } catch (IOException e) {
                    throw new MusterException(
                            MusterException.Kind.FATAL, "simulated fabric memory can't be deleted: " + e, e);
                }
            }
        }
    }
}
