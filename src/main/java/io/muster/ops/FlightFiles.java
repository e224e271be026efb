// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.group.LogEvents;
import io.muster.group.SystemUser;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes flight records into a folder. The folder is created with the first record; a file gets its final name when it
 * is complete. Blocks. If the folder cannot be written, one line is logged.
 */
public final class FlightFiles {
    private static final Logger LOG = LoggerFactory.getLogger(FlightFiles.class);
    private static final String PREFIX = "flight-";
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS");

    private final Path folder;
    private final int keep;

    /**
     * @param folder empty: {@code muster-flight-USER} in the temporary folder
     * @param keep number of files to keep, 0: none is written
     */
    public FlightFiles(String folder, int keep) {
        this.folder = folder.isEmpty()
                ? Path.of(System.getProperty("java.io.tmpdir"), "muster-flight-" + SystemUser.name())
                : Path.of(folder);
        this.keep = keep;
    }

    /**
     * Writes a record, and removes the oldest files beyond the limit.
     *
     * @param why one word for the name of the file
     * @return the file, empty if none is wanted or it could not be written
     */
    public Optional<Path> write(JsonObject record, String why) {
        if (keep == 0) {
            return Optional.empty();
        }
        String name = PREFIX + STAMP.format(ZonedDateTime.now(ZoneOffset.UTC)) + "Z-"
                + ProcessHandle.current().pid() + "-" + why + ".json";
        Path part = folder.resolve(name + ".part");
        try {
            makeFolder();
            Path file = folder.resolve(name);
            Files.write(part, record.encodePrettily().getBytes(StandardCharsets.UTF_8));
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            prune();
            LOG.warn(LogEvents.FLIGHT_DUMPED + " why={} file={}", why, file.toAbsolutePath());
            return Optional.of(file.toAbsolutePath());
        } catch (IOException | RuntimeException e) {
            LOG.warn(
                    LogEvents.FLIGHT_NOT_DUMPED
                            + " why={} folder={} reason={}: make the folder writable, free space on its disk,"
                            + " or set flight.folder to another folder",
                    why,
                    folder,
                    e.toString());
            remove(part);
            return Optional.empty();
        }
    }

    /** Creates the folder with access for its owner only: records contain messages between processes. */
    private void makeFolder() throws IOException {
        if (!Files.isDirectory(folder)) {
            Path parent = folder.toAbsolutePath().getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                Files.createDirectories(
                        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            } else {
                Files.createDirectories(folder);
            }
        }
    }

    private void prune() throws IOException {
        List<Path> dumps;
        try (Stream<Path> files = Files.list(folder)) {
            dumps = files.filter(file -> file.getFileName().toString().startsWith(PREFIX)
                            && file.toString().endsWith(".json"))
                    .sorted()
                    .toList();
        }
        dumps.stream().limit(Math.max(0, dumps.size() - keep)).forEach(FlightFiles::remove);
    }

    private static void remove(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // another process has removed it, or it cannot be removed
        }
    }
}
