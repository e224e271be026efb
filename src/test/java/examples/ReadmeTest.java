// SPDX-License-Identifier: Apache-2.0

package examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README shows what is compiled and run, and names settings and addresses that exist. */
class ReadmeTest {
    private static final Path HOME = Path.of(System.getProperty("muster.home", "."));
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- example: (\\S+) (\\S+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern SETTING =
            Pattern.compile("`((?:endpoint|hazelcast|store|claim|liveness|peer|transport|warmup|barrier|status|flight)"
                    + "(?:\\.[a-z][A-Za-z]*)+)`");

    @Test
    void itsExamplesAreTheOnesThatAreRun() throws IOException {
        List<MatchResult> examples = EXAMPLE.matcher(readme()).results().toList();
        assertThat(examples).hasSize(3);
        for (MatchResult example : examples) {
            assertThat(example.group(3))
                    .as(example.group(1) + " " + example.group(2))
                    .isEqualTo(region(HOME.resolve(example.group(1)), example.group(2)));
        }
        assertThat(Pattern.compile("```java").matcher(readme()).results())
                .as("none without a source")
                .hasSize(examples.size());
    }

    @Test
    void everySettingThatItNamesExists() throws IOException {
        List<String> settings = SETTING.matcher(readme())
                .results()
                .map(match -> match.group(1))
                .distinct()
                .toList();
        assertThat(settings).hasSizeGreaterThan(5).allSatisfy(path -> {
            Object at = MusterOptions.defaults().toJson();
            for (String name : path.split("\\.")) {
                assertThat(at).as(path).isInstanceOf(JsonObject.class);
                at = ((JsonObject) at).getValue(name);
            }
            assertThat(at).as(path).isNotNull().isNotInstanceOf(JsonObject.class);
        });
    }

    @Test
    void itListsThePublicAddresses() throws IOException {
        var addresses = new Addresses(new GroupName("g"));
        String readme = readme();
        for (String address : List.of(
                addresses.allConnected(),
                addresses.degraded(),
                addresses.peerState(),
                addresses.status(),
                addresses.report(),
                addresses.blame(),
                addresses.warmupPolicy(),
                addresses.flightRecord())) {
            assertThat(readme).contains("| `" + address.replaceFirst("\\.g\\.", ".<g>.") + "` |");
        }
    }

    private static String readme() throws IOException {
        return Files.readString(HOME.resolve("README.md"));
    }

    /** What lies between the marks of that name, without the indentation that all its lines share. */
    private static String region(Path file, String name) throws IOException {
        List<String> lines = new ArrayList<>(Files.readAllLines(file));
        int from = indexOf(lines, "// [" + name + "]");
        int to = indexOf(lines, "// [/" + name + "]");
        return String.join("\n", lines.subList(from + 1, to)).stripIndent() + "\n";
    }

    private static int indexOf(List<String> lines, String mark) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).strip().equals(mark)) {
                found.add(i);
            }
        }
        assertThat(found).as(mark).hasSize(1);
        return found.getFirst();
    }
}
