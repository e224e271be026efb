// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricIdentity;
import io.muster.group.SystemUser;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The folder that holds the memory files of one clique of one user, and the files of this process in it.
 *
 * <p>Each process holds a lock on its own {@code .lock} file, and the kernel releases the lock when the process dies.
 * So a {@code .lock} file that can be locked has no living owner, and it is deleted with the files of the same name. A
 * lock file is renamed to its final name after it was locked, so no process sees the file of a living owner unlocked. A
 * process never opens its own lock files when it sweeps: by POSIX, closing any descriptor of a file releases the
 * process's locks on it.
 */
final class CliqueFolder implements AutoCloseable {
    private static final String LOCK = ".lock";
    private static final String UNLOCKED = ".new";
    /** Far longer than the microseconds in which the temporary name is in use. */
    private static final Duration OLD = Duration.ofMinutes(1);

    private static final int ATTEMPTS = 10;

    private final Path folder;
    private final String processPart;
    private final String name;
    private final FileChannel lock;

    private CliqueFolder(Path folder, String processPart, String name, FileChannel lock) {
        this.folder = folder;
        this.processPart = processPart;
        this.name = name;
        this.lock = lock;
    }

    /** Creates missing folders, with permissions for the owner only, and deletes the files of dead processes. */
    static CliqueFolder open(Path base, FabricIdentity identity, RandomGenerator random) throws IOException {
        ProcessHandle self = ProcessHandle.current();
        String processPart = self.pid() + "-"
                + self.info().startInstant().map(start -> start.toEpochMilli()).orElse(0L) + "-";
        String name = processPart + HexFormat.of().toHexDigits(random.nextLong());
        String user = SystemUser.name().replaceAll("[^A-Za-z0-9._-]", "_");
        Path root = base.toAbsolutePath().resolve("muster-fabric-" + user);
        Path folder = root.resolve(identity.clusterUuid() + "-" + Integer.toUnsignedString(identity.clique()));
        for (int attempt = 1; ; attempt++) {
            try {
                Files.createDirectories(base);
                createOwnerOnly(root);
                createOwnerOnly(folder);
                CliqueFolder opened = new CliqueFolder(folder, processPart, name, lock(folder, name));
                opened.sweep();
                return opened;
            } catch (NoSuchFileException e) { // the last process in the folder has just removed it
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private static void createOwnerOnly(Path folder) throws IOException {
        try {
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException _) {
            String permissions =
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS));
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) || !permissions.endsWith("------")) {
                throw new IOException(
                        folder + " is not a folder that only its owner may enter (" + permissions + "); remove it");
            }
        }
    }

    private static FileChannel lock(Path folder, String name) throws IOException {
        Path unlocked = folder.resolve(name + UNLOCKED);
        FileChannel channel = createOwnerOnlyFile(unlocked);
        try {
            Object self = Files.getAttribute(unlocked, "unix:uid");
            for (Path each : List.of(folder, folder.getParent())) {
                if (!Files.getAttribute(each, "unix:uid").equals(self)) {
                    throw new IOException(each + " belongs to another user; remove it, or choose another folder");
                }
            }
            if (channel.tryLock() == null) {
                throw new IOException(unlocked + " can't be locked");
            }
            Files.move(unlocked, folder.resolve(name + LOCK), StandardCopyOption.ATOMIC_MOVE);
            return channel;
        } catch (IOException e) {
            channel.close();
            Files.deleteIfExists(unlocked);
            throw e;
        }
    }

    private static FileChannel createOwnerOnlyFile(Path file) throws IOException {
        return FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }

    Path path() {
        return folder;
    }

    /** The name of this owner's n-th file. */
    String fileName(int n) {
        return name + "." + n + ".mem";
    }

    FileChannel create(String fileName) throws IOException {
        return createOwnerOnlyFile(folder.resolve(fileName));
    }

    /** Opens a file of any process; does not follow links. */
    FileChannel open(String fileName) throws IOException {
        return FileChannel.open(
                folder.resolve(fileName),
                Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS));
    }

    void delete(String fileName) throws IOException {
        Files.deleteIfExists(folder.resolve(fileName));
    }

    private void sweep() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*{" + LOCK + "," + UNLOCKED + "}")) {
            for (Path file : files) {
                String other = file.getFileName().toString();
                if (other.endsWith(UNLOCKED)) {
                    sweepIfOld(file);
                } else if (!other.startsWith(processPart)) {
                    sweepIfDead(file);
                }
            }
        }
    }

    /** A lock file has its temporary name for some microseconds. An older one was left by a process that died then. */
    private static void sweepIfOld(Path file) throws IOException {
        try {
            if (Files.getLastModifiedTime(file)
                    .toInstant()
                    .isBefore(Instant.now().minus(OLD))) {
                Files.deleteIfExists(file);
            }
        } catch (NoSuchFileException _) {
            // it has been renamed
        }
    }

    private void sweepIfDead(Path lockFile) throws IOException {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                FileLock taken = channel.tryLock()) {
            if (taken == null) {
                return;
            }
            String dead = lockFile.getFileName().toString();
            String prefix = dead.substring(0, dead.length() - LOCK.length()) + ".";
            try (DirectoryStream<Path> files = Files.newDirectoryStream(
                    folder, file -> file.getFileName().toString().startsWith(prefix))) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (NoSuchFileException | OverlappingFileLockException _) {
            // another process deleted it, or this process locks it under another start time
        }
    }

    @Override
    public void close() throws IOException {
        try (lock) {
            Files.deleteIfExists(folder.resolve(name + LOCK));
        }
        deleteIfEmpty(folder);
        Path parent = folder.getParent();
        if (parent != null) {
            deleteIfEmpty(parent);
        }
    }

    private static void deleteIfEmpty(Path folder) {
        try {
            Files.delete(folder);
        } catch (IOException _) {
            // other processes use it, or have removed it
        }
    }
}
