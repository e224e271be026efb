// SPDX-License-Identifier: Apache-2.0

package examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.StuckReport;
import io.muster.options.MusterOptions;
import io.muster.transfer.LossEvidence;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The documents show examples that are compiled, and name settings, addresses, events, commands and pages that exist.
 */
class DocumentsTest {
    private static final Path HOME =
            Path.of(System.getProperty("muster.home", ".")).toAbsolutePath().normalize();
    private static final Path PAGES = HOME.resolve("src/main/docs");
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- example: (\\S+) (\\S+) -->\n```java\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java");
    private static final Pattern BLOCK = Pattern.compile("```.*?```", Pattern.DOTALL);
    private static final Pattern COMMENT = Pattern.compile("<!--.*?-->", Pattern.DOTALL);
    private static final Pattern SETTING =
            Pattern.compile("`((?:endpoint|hazelcast|store|claim|liveness|peer|transport|gpu|security|warmup"
                    + "|barrier|status|flight|prime)(?:\\.[a-z][A-Za-z]*)+)`");
    /** The first cell of each row of a table; in the changelog it holds the old name. */
    private static final Pattern FIRST_CELL = Pattern.compile("(?m)^\\|[^|\n]+\\|");

    private static final Pattern LINK = Pattern.compile("\\[[^\\]]*]\\(([^)\\s]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.+)$");
    private static final Pattern EVENT_ROW = Pattern.compile("(?m)^\\| `([a-z]+[.-][a-z.-]+)` \\|");
    private static final Pattern LOG_LINE = Pattern.compile(
            "\\bLOG\\s*\\.(?:info|warn|error|debug|trace)\\(|\\.log\\(|\\bnew Complaints\\(", Pattern.CASE_INSENSITIVE);
    private static final Pattern LOG_EVENT = Pattern.compile("\\bLogEvents\\.([A-Z_]+)");
    private static final Pattern LOGGER_NAME = Pattern.compile("\\bLogger (\\w+)\\b(?! \\{)");
    /** A constant, one of two, or the field {@code event} of a class that is given a constant. */
    private static final Pattern BEGINS_WITH_EVENT = Pattern.compile(
            "LogEvents\\.[A-Z_]+(?:\\s*\\+|,|\\))"
                    + "|\\([^;]*? \\? LogEvents\\.[A-Z_]+ : LogEvents\\.[A-Z_]+\\)\\s*\\+"
                    + "|(?:LOG|LoggerFactory\\.getLogger\\(\\w+\\.class\\)), LogEvents\\.[A-Z_]+\\)"
                    + "|event \\+ \"",
            Pattern.CASE_INSENSITIVE);

    private static final Pattern PHASE_ROW = Pattern.compile("(?m)^\\| ([a-z][^|]+) \\| `([A-Z_]+)` \\|");
    private static final Pattern REASON_ROW = Pattern.compile("(?m)^\\| `([A-Z_]+)` \\|");
    private static final Pattern RULE = Pattern.compile("\\b[BGKLMNOPRSTW]-\\d+\\b");
    private static final Pattern RULE_ROW = Pattern.compile("(?m)^\\| ([A-Z]-\\d+) \\|");
    private static final Pattern VERSION_ROW = Pattern.compile("(?m)^\\| [^|]+ \\| `(\\w+)\\.VERSION` \\| (\\d+) \\|");
    /** Not a setting, but the group of three that are set together. */
    private static final Set<String> GROUPS_OF_SETTINGS = Set.of("security.tls");

    @Test
    void everyExampleIsTheOneThatIsCompiled() throws IOException {
        Set<String> shown = new TreeSet<>();
        for (Path page : pages()) {
            String text = Files.readString(page);
            List<MatchResult> examples = EXAMPLE.matcher(text).results().toList();
            for (MatchResult example : examples) {
                shown.add(example.group(2));
                assertThat(example.group(3))
                        .as("%s: %s %s", page, example.group(1), example.group(2))
                        .isEqualTo(region(HOME.resolve(example.group(1)), example.group(2)));
            }
            assertThat(JAVA_BLOCK.matcher(text).results())
                    .as("%s: Java without a source", page)
                    .hasSize(examples.size());
        }
        assertThat(shown).containsExactly("api", "hosts", "options", "verticle", "watcher");
    }

    @Test
    void theReadmeShowsAnExample() throws IOException {
        assertThat(EXAMPLE.matcher(readme()).results().map(example -> example.group(2)))
                .containsExactly("api");
    }

    @Test
    void theReadmeHas600To900Words() throws IOException {
        String prose = COMMENT.matcher(BLOCK.matcher(readme()).replaceAll(" ")).replaceAll(" ");
        assertThat(prose.strip().split("\\s+").length).isBetween(600, 900);
    }

    @Test
    void everySettingThatIsNamedExists() throws IOException {
        Set<String> settings = new TreeSet<>();
        for (Path page : pages()) {
            String text = Files.readString(page);
            String current =
                    page.endsWith("CHANGELOG.md") ? FIRST_CELL.matcher(text).replaceAll("") : text;
            SETTING.matcher(current).results().forEach(match -> settings.add(match.group(1)));
        }
        settings.removeAll(GROUPS_OF_SETTINGS);
        assertThat(settings).hasSizeGreaterThan(20).allSatisfy(path -> {
            Object at = setting(path);
            assertThat(at).as(path).isNotNull().isNotInstanceOf(JsonObject.class);
        });
    }

    @Test
    void theSettingsThatTheChangelogRemovesDoNotExist() throws IOException {
        String changelog = Files.readString(HOME.resolve("CHANGELOG.md"));
        List<String> removed = FIRST_CELL
                .matcher(changelog)
                .results()
                .flatMap(cell -> SETTING.matcher(cell.group()).results())
                .map(match -> match.group(1))
                .toList();
        assertThat(removed)
                .hasSizeGreaterThan(10)
                .allSatisfy(path -> assertThat(setting(path)).as(path).isNull());
    }

    /** The default of a setting, null if there is no such setting. */
    private static @Nullable Object setting(String path) {
        Object at = MusterOptions.defaults().toJson();
        for (String name : path.split("\\.")) {
            at = at instanceof JsonObject section ? section.getValue(name) : null;
        }
        return at;
    }

    @Test
    void everyRuleThatIsNamedIsDefinedAndTested() throws IOException {
        Set<String> defined = new TreeSet<>();
        RULE_ROW.matcher(Files.readString(PAGES.resolve("rules.md")))
                .results()
                .forEach(row -> defined.add(row.group(1)));
        assertThat(rulesIn("src/main/java")).as("named in the code").isSubsetOf(defined);
        assertThat(rulesIn("src/test/java")).as("named in tests").containsExactlyElementsOf(defined);
    }

    private static Set<String> rulesIn(String folder) throws IOException {
        Set<String> rules = new TreeSet<>();
        try (Stream<Path> files = Files.walk(HOME.resolve(folder))) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                RULE.matcher(Files.readString(file)).results().forEach(match -> rules.add(match.group()));
            }
        }
        return rules;
    }

    @Test
    void thePublicAddressesAreListed() throws IOException {
        var addresses = new Addresses(new GroupName("g"));
        String page = Files.readString(PAGES.resolve("event-bus.md"));
        for (String address : List.of(
                addresses.allConnected(),
                addresses.degraded(),
                addresses.peerState(),
                addresses.status(),
                addresses.report(),
                addresses.blame(),
                addresses.warmupPolicy(),
                addresses.flightRecord())) {
            assertThat(page).contains("| `" + address.replaceFirst("\\.g\\.", ".<g>.") + "` |");
        }
    }

    @Test
    void theEventBusPageListsEveryLossOfAConnection() throws IOException {
        assertThat(REASON_ROW
                        .matcher(Files.readString(PAGES.resolve("event-bus.md")))
                        .results()
                        .map(row -> row.group(1)))
                .containsAll(Arrays.stream(LossEvidence.Kind.values())
                        .map(Enum::name)
                        .toList());
    }

    @Test
    void operationsListsEveryLogEvent() throws IOException, IllegalAccessException {
        List<String> listed = EVENT_ROW
                .matcher(Files.readString(PAGES.resolve("operations.md")))
                .results()
                .map(row -> row.group(1))
                .toList();
        List<String> events = new ArrayList<>();
        for (Field field : LogEvents.class.getFields()) {
            events.add((String) field.get(null));
        }
        assertThat(events)
                .hasSizeGreaterThan(50)
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("muster\\.[a-z]+\\.[a-z]+(-[a-z]+)*"));
        assertThat(listed).containsExactlyInAnyOrderElementsOf(events);
    }

    @Test
    void everyLogLineBeginsWithALogEvent() throws IOException {
        List<String> wrong = new ArrayList<>();
        Set<String> used = new TreeSet<>();
        int lines = 0;
        for (Path source : sources()) {
            String text = Files.readString(source);
            LOG_EVENT.matcher(text).results().forEach(use -> used.add(use.group(1)));
            if (!text.contains("LoggerFactory") && !text.contains("org.slf4j.Logger")) {
                continue;
            }
            for (MatchResult line : LOG_LINE.matcher(text).results().toList()) {
                lines++;
                String begin = text.substring(line.end()).stripLeading();
                if (!BEGINS_WITH_EVENT.matcher(begin).lookingAt()) {
                    wrong.add(source.getFileName() + ": "
                            + begin.lines().findFirst().orElse(""));
                }
            }
            assertThat(LOGGER_NAME.matcher(text).results().map(name -> name.group(1)))
                    .as("%s: the names of loggers that the pattern of log lines knows", source)
                    .isSubsetOf("LOG", "log");
        }
        assertThat(wrong).isEmpty();
        assertThat(lines).isGreaterThan(50);
        assertThat(used)
                .containsExactlyInAnyOrderElementsOf(Stream.of(LogEvents.class.getFields())
                        .map(Field::getName)
                        .toList());
    }

    @Test
    void troubleshootingListsEveryPhaseWithItsCode() throws IOException {
        assertThat(PHASE_ROW
                        .matcher(Files.readString(PAGES.resolve("troubleshooting.md")))
                        .results()
                        .map(row -> row.group(1) + " " + row.group(2)))
                .containsExactlyElementsOf(Arrays.stream(StuckReport.Phase.values())
                        .map(phase -> phase.text() + " " + phase.name())
                        .toList());
    }

    @Test
    void theVersionsOfWireAndStoreAreThoseOfTheCode() throws IOException {
        List<MatchResult> rows = VERSION_ROW
                .matcher(Files.readString(PAGES.resolve("versioning.md")))
                .results()
                .toList();
        assertThat(rows).hasSizeGreaterThanOrEqualTo(3);
        for (MatchResult row : rows) {
            List<Path> files = sources().stream()
                    .filter(file -> file.endsWith(row.group(1) + ".java"))
                    .toList();
            assertThat(files).as(row.group(1)).hasSize(1);
            assertThat(Files.readString(files.getFirst())).containsPattern("\\bVERSION = " + row.group(2) + ";");
        }
    }

    @Test
    void continuousIntegrationRunsTheReadmesTestCommand() throws IOException {
        List<String> commands = Files.readAllLines(HOME.resolve(".ci/run"));
        assertThat(readme()).contains("## Test it\n\n```\nmvn -B verify\n```");
        assertThat(commands).contains("mvn -B verify");
    }

    @Test
    void theJvmFlagsOfTheDocumentsAreThoseOfTheLauncher() throws IOException {
        Set<String> launcher = new HashSet<>(Files.readAllLines(HOME.resolve("conf/jvm.options")));
        for (Path page : List.of(HOME.resolve("README.md"), PAGES.resolve("getting-started.md"))) {
            List<String> flags = Files.readAllLines(page).stream()
                    .filter(line ->
                            line.startsWith("--add-") || line.startsWith("--enable-") || line.startsWith("--sun-"))
                    .toList();
            assertThat(flags).as(page.toString()).hasSize(7);
            assertThat(launcher).containsAll(flags);
            assertThat(flags)
                    .containsAll(launcher.stream()
                            .filter(line -> line.startsWith("--"))
                            .toList());
        }
    }

    @Test
    void everyLinkLeadsToAFileAndAHeading() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Path page : pages()) {
            for (MatchResult link : LINK.matcher(
                            BLOCK.matcher(Files.readString(page)).replaceAll(""))
                    .results()
                    .toList()) {
                String target = link.group(1);
                if (target.contains("://")) {
                    continue;
                }
                String[] parts = target.split("#", 2);
                Path file = parts[0].isEmpty()
                        ? page
                        : page.resolveSibling(parts[0]).normalize();
                if (!Files.exists(file)) {
                    wrong.add(page + ": " + target);
                } else if (parts.length == 2 && !anchors(file).contains(parts[1])) {
                    wrong.add(page + ": no heading for " + target);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void theExampleForSeveralHostsFoundsOnOneAndJoinsOnTheOthers() {
        var founder = Quickstart.onHost("10.0.0.4", "10.0.0.4");
        var other = Quickstart.onHost("10.0.0.5", "10.0.0.4");
        var founding = founder.hazelcast().getAdvancedNetworkConfig().getJoin().getTcpIpConfig();
        var joining = other.hazelcast().getAdvancedNetworkConfig().getJoin().getTcpIpConfig();
        assertThat(founding.getMembers()).isEmpty();
        assertThat(founding.getRequiredMember()).isNull();
        assertThat(joining.getRequiredMember()).isEqualTo("10.0.0.4:5701");
        assertThat(joining.getMembers()).containsExactly("10.0.0.4:5701", "10.0.0.5:5701");
        assertThat(other.options().endpoint().bind()).isEqualTo("10.0.0.5");
    }

    private static String readme() throws IOException {
        return Files.readString(HOME.resolve("README.md"));
    }

    /** Every document but the decision records, which quote what was true when they were written. */
    private static List<Path> pages() throws IOException {
        try (Stream<Path> root = Files.list(HOME);
                Stream<Path> pages = Files.list(PAGES)) {
            return Stream.concat(root, pages)
                    .filter(file -> file.getFileName().toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(HOME.resolve("src/main/java"))) {
            return files.filter(file -> file.getFileName().toString().endsWith(".java"))
                    .toList();
        }
    }

    /** The headings of a page as links name them: lower case, without punctuation, spaces as hyphens. */
    private static Set<String> anchors(Path page) throws IOException {
        Set<String> anchors = new HashSet<>();
        HEADING.matcher(BLOCK.matcher(Files.readString(page)).replaceAll(""))
                .results()
                .forEach(heading -> anchors.add(heading.group(1)
                        .strip()
                        .toLowerCase(java.util.Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-')));
        return anchors;
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
