// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

// O-1
final class ConfigFileTest {
    private static final Path REFERENCE =
            Path.of(System.getProperty("muster.home", "")).resolve("conf/muster.yaml");

    @TempDir
    private Path folder;

    @Test
    void theReferenceHasEverySettingWithItsDefault() {
        assertThat(ConfigFile.read(REFERENCE))
                .isEqualTo(MusterOptions.defaults().toJson());
        assertThat(ConfigFile.options(REFERENCE)).isEqualTo(MusterOptions.defaults());
    }

    @Test
    void theReferenceExplainsEverySetting() throws IOException {
        List<String> unexplained = new ArrayList<>();
        StringBuilder comment = new StringBuilder();
        int settings = 0;
        for (String line : Files.readAllLines(REFERENCE)) {
            if (line.strip().startsWith("#")) {
                comment.append(line.strip());
            } else {
                if (line.matches(" +[A-Za-z]+: .+")) {
                    settings++;
                    if (!comment.toString().matches(".+Unit: .+Trade-off: .+")) {
                        unexplained.add(line.strip());
                    }
                }
                comment.setLength(0);
            }
        }
        assertThat(unexplained).isEmpty();
        assertThat(settings).isGreaterThan(35);
    }

    @Test
    void aMistakeNamesTheFile() throws IOException {
        Path file = Files.writeString(folder.resolve("my.yaml"), "liveness:\n  misses: none\n");

        assertConfig(file, file + ": wrong setting: liveness.misses must be a whole number, got the text 'none'");
    }

    @Test
    void anEmptyFileMeansDefaults() throws IOException {
        assertThat(ConfigFile.options(Files.writeString(folder.resolve("empty.yaml"), "# nothing\n")))
                .isEqualTo(MusterOptions.defaults());
    }

    @Test
    void aFileThatIsNotAMappingIsRefused() throws IOException {
        Path list = Files.writeString(folder.resolve("list.yaml"), "- a\n- b\n");
        Path broken = Files.writeString(folder.resolve("broken.yaml"), "a: [1,\nb: }\n");

        assertConfig(list, list + " must hold settings as 'name: value', see conf/muster.yaml");
        assertThatThrownBy(() -> ConfigFile.options(broken))
                .hasMessageStartingWith(broken + " is not valid YAML: ")
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> ConfigFile.options(folder.resolve("none.yaml")))
                .hasMessageEndingWith("none.yaml does not exist");
    }

    private static void assertConfig(Path file, String message) {
        assertThatThrownBy(() -> ConfigFile.options(file))
                .isInstanceOf(MusterException.class)
                .hasMessage(message)
                .extracting(wrong -> ((MusterException) wrong).kind())
                .isEqualTo(MusterException.Kind.CONFIG);
    }
}
