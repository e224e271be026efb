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
    private static final Set<String> SETTINGS = settings(lines(HOME.resolve("conf/muster.yaml")));
    /** A section, then one or more names; not in the middle of a longer dotted name. */
    private static final Pattern SETTING = Pattern.compile(SETTINGS.stream()
            .filter(name -> !name.contains("."))
            .sorted()
            .collect(Collectors.joining("|", "(?<![\\w.])(", "|claim)\\.[a-zA-Z.]+")));
    /** The section for which a class of options collects mistakes, and the names that it reports. */
    private static final Pattern SECTION = Pattern.compile("new Mistakes\\(\"([a-zA-Z.]+)\"\\)");

    private static final Pattern MISTAKE = Pattern.compile("mistakes\\.[a-zA-Z]+\\(\\s*\"([a-zA-Z]+)\"");
    private static final Pattern OPTION = Pattern.compile("(?<![-\\w])--[a-z][a-z-]+");
    private static final Pattern DECLARED = Pattern.compile("names\\s*=\\s*(?:\\{[^}]*}|\"[^\"]*\")");
    /** Properties of Hazelcast itself, and names of files. */
    private static final Pattern FOREIGN = Pattern.compile("hazelcast\\.[a-z]+(\\.[a-z]+)+|hazelcast\\.yaml");

    @Test
    void everySettingThatAMessageNamesExists() throws IOException {
        Set<String> named = new TreeSet<>();
        Set<String> missing = new TreeSet<>();
        for (Path file : sources()) {
            Set<String> here = named(read(file));
            named.addAll(here);
            here.stream()
                    .filter(name -> !SETTINGS.contains(name))
                    .map(name -> file.getFileName() + " names " + name)
                    .forEach(missing::add);
        }
        assertThat(missing).isEmpty();
        assertThat(named)
                .as("the scan sees literals")
                .contains(
                        "transport.helloTimeoutMs", "transport.writeTimeoutMs", "endpoint.port", "security.secretFile");
    }

    @Test
    void everyMistakeNamesASettingThatExists() throws IOException {
        Set<String> named = new TreeSet<>();
        for (Path file : sources()) {
            String section = "";
            for (String line : COMMENT.matcher(read(file)).replaceAll("").split("(?=mistakes\\.|new Mistakes)")) {
                Matcher begins = SECTION.matcher(line);
                section = begins.find() ? begins.group(1) : section;
                Matcher mistake = MISTAKE.matcher(line);
                if (!section.isEmpty() && mistake.lookingAt()) {
                    named.add(section + "." + mistake.group(1));
                }
            }
        }
        assertThat(named).hasSizeGreaterThan(30).isSubsetOf(SETTINGS);
    }

    @Test
    void everyOptionThatAMessageNamesExists() throws IOException {
        Set<String> declared = new TreeSet<>(Set.of("--help", "--version"));
        OPTION.matcher(read(HOME.resolve("conf/jvm.options"))).results().forEach(flag -> declared.add(flag.group()));
        Set<String> named = new TreeSet<>();
        for (Path file : sources()) {
            String source = read(file);
            DECLARED.matcher(source)
                    .results()
                    .flatMap(names -> OPTION.matcher(names.group()).results())
                    .forEach(option -> declared.add(option.group()));
            LITERAL.matcher(COMMENT.matcher(DECLARED.matcher(source).replaceAll(""))
                            .replaceAll(""))
                    .results()
                    .flatMap(literal -> OPTION.matcher(literal.group(1)).results())
                    .forEach(option -> named.add(option.group()));
        }
        assertThat(named).contains("--bind", "--members").isSubsetOf(declared);
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

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(HOME.resolve("src/main/java"))) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .sorted()
                    .toList();
        }
    }

    private static List<String> lines(Path file) {
        return read(file).lines().toList();
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
