// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

// O-2
class FlightFilesTest {
    @TempDir
    private Path temp;

    @Test
    void writesWholeFilesAndKeepsTheNewest() throws Exception {
        Path folder = temp.resolve("made/when/needed");
        var files = new FlightFiles(folder.toString(), 3);
        assertThat(folder).doesNotExist();
        List<Path> written = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            written.add(
                    files.write(new JsonObject().put("number", i), "asked-" + i).orElseThrow());
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactlyInAnyOrderElementsOf(written.subList(2, 5));
        }
        assertThat(new JsonObject(Files.readString(written.getLast())).getInteger("number"))
                .isEqualTo(4);
        assertThat(written.getLast().getFileName().toString())
                .contains("-" + ProcessHandle.current().pid() + "-")
                .endsWith("asked-4.json");
    }

    @Test
    void aFolderThatCannotBeMadeCausesNoFailure() throws Exception {
        Path file = Files.writeString(temp.resolve("a-file"), "in the way");
        assertThat(new FlightFiles(file.resolve("below").toString(), 3).write(new JsonObject(), "asked"))
                .isEqualTo(Optional.empty());
        assertThat(file).hasContent("in the way");
    }

    /** As on a full or read-only disk: the folder exists, but the file cannot be created. */
    @Test
    void aFolderThatCannotBeWrittenCausesNoFailure() {
        assertThat(new FlightFiles("/proc", 3).write(new JsonObject(), "asked")).isEqualTo(Optional.empty());
    }

    @Test
    void writesNothingWhereNoneIsKept() {
        Path folder = temp.resolve("none");
        assertThat(new FlightFiles(folder.toString(), 0).write(new JsonObject(), "asked"))
                .isEqualTo(Optional.empty());
        assertThat(folder).doesNotExist();
    }
}
