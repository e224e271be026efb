// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

// O-4: an error says what to do, and the setting that it names exists
final class SettingsInMessagesTest {
    private static final Path HOME = Path.of(System.getProperty("muster.home", ""));
    private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\n]|\\\\.)*)\"");
    private static final Pattern COMMENT = Pattern.compile("(?s:/\\*.*?\\*/)|(?m:^\\s*//[^\n]*)");
    /** A section, then one or more names; not in the middle of a longer dotted name. */
    private static final Pattern SETTING = Pattern.compile(
            "(?<![\\w.])(endpoint|hazelcast|store|claim|liveness|peer|warmup|transport|gpu|barrier|status|flight"
                    + "|security|prime)\\.[a-zA-Z.]+");
    /** Properties of Hazelcast itself, and names of files. */
    private static final Pattern FOREIGN = Pattern.compile("hazelcast\\.[a-z]+(\\.[a-z]+)+|hazelcast\\.yaml");

    @Test
    void everySettingThatAMessageNamesExists() throws IOException {
        Set<String> settings = settings(Files.readAllLines(HOME.resolve("conf/muster.yaml")));
        Set<String> named = new TreeSet<>();
        Set<String> missing = new TreeSet<>();
        try (Stream<Path> files = Files.walk(HOME.resolve("src/main/java"))) {
            files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(file -> {
                Set<String> here = named(read(file));
                named.addAll(here);
                here.stream()
                        .filter(name -> !settings.contains(name))
                        .map(name -> file.getFileName() + " names " + name)
                        .forEach(missing::add);
            });
        }
        assertThat(missing).isEmpty();
        assertThat(named)
                .as("the scan sees literals")
                .contains(
                        "transport.helloTimeoutMs", "transport.writeTimeoutMs", "endpoint.port", "security.secretFile");
    }

    @Test
    void findsASettingThatDoesNotExist() {
        Set<String> settings = settings(
                List.of("transport:", "  # text", "  helloTimeoutMs: 3000", "peer:", "  open:", "    timeoutMs: 5000"));

        assertThat(settings)
                .containsExactlyInAnyOrder(
                        "transport", "transport.helloTimeoutMs", "peer", "peer.open", "peer.open.timeoutMs");
        assertThat(named("// \"store.comment\"\nf(\"raise transport.tcp.helloTimeoutMs.\", \"muster.store.key\","
                        + " \"hazelcast.merge.first.run\", \"see \\\"peer.open.timeoutMs\\\"\");"))
                .containsExactly("peer.open.timeoutMs", "transport.tcp.helloTimeoutMs");
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What looks like a setting in the string literals of a source text. */
    private static Set<String> named(String source) {
        Matcher literals = LITERAL.matcher(COMMENT.matcher(source).replaceAll(""));
        return literals.results()
                .flatMap(literal -> SETTING.matcher(literal.group(1)).results())
                .map(name -> name.group().replaceAll("\\.+$", ""))
                .filter(name -> name.contains(".") && !FOREIGN.matcher(name).matches())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The dotted names of all sections and settings, from the indentation. */
    private static Set<String> settings(List<String> yaml) {
        Set<String> names = new HashSet<>();
        ArrayDeque<String> path = new ArrayDeque<>();
        for (String line : yaml) {
            Matcher key = Pattern.compile("( *)([A-Za-z]+):.*").matcher(line);
            if (key.matches()) {
                while (path.size() > key.group(1).length() / 2) {
                    path.removeLast();
                }
                path.addLast(key.group(2));
                names.add(String.join(".", path));
            }
        }
        return names;
    }
}
