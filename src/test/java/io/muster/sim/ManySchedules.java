// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Very many schedules, by hand; no part of the build: {@code mvn -B test -Dtest=ManySchedules
 * -Dmuster.sim.ranges=1-999999}.
 *
 * <p>Ranges of seeds, comma between them, run in blocks on all cores. Each block that is done becomes a line of a
 * journal, with what it injected and which of its seeds failed; a run that is started again with the same journal
 * leaves out the blocks that are in it. A journal belongs to one state of the code: {@code -Dmuster.sim.journal=FILE}
 * names it, {@code -Dmuster.sim.state=COMMIT} is written into it, and a journal of another state is refused.
 */
@ExtendWith(WithoutRejections.class)
class ManySchedules {
    private static final long BLOCK = 1_000;
    private static final long TELL_EVERY_MS = 30_000;

    /** Seeds from {@code first} to {@code last}, both included. */
    private record Range(long first, long last) {
        static Range of(String text) {
            String[] ends = text.split("-");
            return new Range(Long.parseLong(ends[0].trim()), Long.parseLong(ends[ends.length - 1].trim()));
        }

        List<Range> blocks() {
            List<Range> all = new ArrayList<>();
            for (long at = first; at <= last; at += BLOCK) {
                all.add(new Range(at, Math.min(last, at + BLOCK - 1)));
            }
            return all;
        }

        @Override
        public String toString() {
            return first + "-" + last;
        }
    }

    @Test
    @Timeout(value = 3, unit = TimeUnit.DAYS) // as many as are asked for
    void everyScheduleKeepsTheInvariants() throws IOException {
        var journal = new Journal(
                Path.of(System.getProperty("muster.sim.journal", "target/schedules.journal")),
                System.getProperty("muster.sim.state", "unnamed"));
        List<Range> open = Arrays.stream(
                        System.getProperty("muster.sim.ranges", "1-999999").split(","))
                .map(Range::of)
                .flatMap(range -> range.blocks().stream())
                .filter(block -> !journal.has(block))
                .toList();
        System.out.printf("schedules: %d are in %s, %d blocks to go%n", journal.schedules, journal.file, open.size());
        long told = System.nanoTime();
        for (Range block : open) {
            journal.add(
                    block,
                    LongStream.rangeClosed(block.first(), block.last())
                            .parallel()
                            .mapToObj(Outcome::of)
                            .toList());
            if (System.nanoTime() - told > TELL_EVERY_MS * 1_000_000) {
                told = System.nanoTime();
                journal.tell();
            }
        }
        journal.tell();
        assertThat(journal.failed)
                .as("seeds that failed; replay one with mvn -B test -Dtest=SimulationTest -Dmuster.sim.seed=N")
                .isEmpty();
        assertThat(journal.fired.keySet())
                .as("kinds of faults that struck at least once")
                .contains(Fault.values());
    }

    /** What has been run, in a file: a line for each block, {@code first-last steps FAULT=n … failed=seed,…}. */
    private static final class Journal {
        private static final String STATE = "state ";

        private final Path file;
        private final Set<String> blocks = new HashSet<>();
        private final Map<Fault, Long> fired = new EnumMap<>(Fault.class);
        private final List<String> failed = new ArrayList<>();
        private long schedules;
        private long steps;

        Journal(Path file, String state) throws IOException {
            this.file = file;
            if (!Files.exists(file)) {
                Files.createDirectories(file.toAbsolutePath().getParent());
                Files.writeString(file, STATE + state + System.lineSeparator());
            }
            List<String> lines = Files.readAllLines(file);
            if (!lines.getFirst().equals(STATE + state)) {
                throw new IllegalStateException(file + " belongs to " + lines.getFirst() + ", and this is " + STATE
                        + state + ": name another journal");
            }
            lines.stream().skip(1).forEach(this::learn);
        }

        boolean has(Range block) {
            return blocks.contains(block.toString());
        }

        void add(Range block, List<Outcome> outcomes) throws IOException {
            var line = new StringBuilder(block.toString())
                    .append(' ')
                    .append(outcomes.stream().mapToLong(Outcome::steps).sum());
            Map<Fault, Long> sums = new EnumMap<>(Fault.class);
            outcomes.forEach(outcome -> outcome.fired().forEach((fault, count) -> sums.merge(fault, count, Long::sum)));
            sums.forEach(
                    (fault, count) -> line.append(' ').append(fault).append('=').append(count));
            outcomes.stream().filter(outcome -> !outcome.isWell()).forEach(outcome -> {
                line.append(" failed=").append(outcome.seed());
                System.out.printf(
                        "FAILED seed %d: %s%n  replay: mvn -B test -Dtest=SimulationTest -Dmuster.sim.seed=%d%n",
                        outcome.seed(), outcome.failure(), outcome.seed());
            });
            Files.writeString(file, line + System.lineSeparator(), StandardOpenOption.APPEND);
            learn(line.toString());
        }

        private void learn(String line) {
            String[] words = line.split(" ");
            Range block = Range.of(words[0]);
            blocks.add(words[0]);
            schedules += block.last() - block.first() + 1;
            steps += Long.parseLong(words[1]);
            for (String word : words) {
                String[] pair = word.split("=");
                if (pair.length == 2 && pair[0].equals("failed")) {
                    failed.add(pair[1]);
                } else if (pair.length == 2) {
                    fired.merge(Fault.valueOf(pair[0]), Long.parseLong(pair[1]), Long::sum);
                }
            }
        }

        void tell() {
            System.out.printf(
                    "%s schedules: %d, steps: %d, failed: %d %s%nfaults: %s%n",
                    Instant.now(), schedules, steps, failed.size(), failed, fired);
        }
    }
}
