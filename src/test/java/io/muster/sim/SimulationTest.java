// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Member;
import io.muster.segment.EpochRecord;
import io.muster.segment.ProofCounts;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.store.StoreKeys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole groups on a virtual clock. {@code -Dmuster.sim.seed=N} replays one seed with its trace,
 * {@code -Dmuster.sim.seeds=N} sets how many small ones are run.
 */
@ExtendWith(WithoutRejections.class)
class SimulationTest {
    private static final int SMALL = 4_000;
    private static final int TRIALS = 400;
    private static final int SECURED = 300;

    @Test
    @Timeout(3_600)
    void allAreConnectedAgainOnceFaultsEnd() throws IOException {
        Long replayed = Long.getLong("muster.sim.seed");
        if (replayed != null) {
            replay(replayed);
            return;
        }
        int small = Integer.getInteger("muster.sim.seeds", SMALL);
        long first = Long.getLong("muster.sim.first", 1);
        long began = System.nanoTime();
        long secured = Integer.getInteger("muster.sim.secured", SECURED);
        long trials = Integer.getInteger("muster.sim.trials", TRIALS);
        List<Outcome> outcomes = run(Stream.of(
                        LongStream.range(first, first + small),
                        large(),
                        LongStream.range(Scenario.TRIALS, Scenario.TRIALS + trials),
                        LongStream.range(Scenario.SECURED, Scenario.SECURED + secured))
                .flatMapToLong(seeds -> seeds)
                .toArray());
        Map<Fault, Long> fired = new EnumMap<>(Fault.class);
        outcomes.forEach(outcome -> outcome.fired().forEach((fault, count) -> fired.merge(fault, count, Long::sum)));
        List<Long> recovery =
                new ArrayList<>(outcomes.stream().map(Outcome::recoveryMs).toList());
        Collections.sort(recovery);
        System.out.printf(
                "simulation: %d seeds, %d steps, %d ms; recovery median %d ms, p99 %d ms, max %d ms%nfaults: %s%n",
                outcomes.size(),
                outcomes.stream().mapToLong(Outcome::steps).sum(),
                (System.nanoTime() - began) / 1_000_000,
                recovery.get(recovery.size() / 2),
                recovery.get(recovery.size() * 99 / 100),
                recovery.getLast(),
                fired);
        assertThat(fired.keySet())
                .as("kinds of faults that struck at least once")
                .contains(Fault.values());
    }

    /** Seeds that once failed and are not among those that every build runs. */
    @ParameterizedTest
    @ValueSource(
            longs = {
                6_107_590, // a claim was answered a second after the claim of another process had succeeded it
                6_110_180, // the process had seen that other life, and took the seat all the same
                7_015_525, // two ranks of one process left at once, and one stayed connected to the other while its own
                // LEFT
                // was not in the store yet
                7_030_751, // the same
                6_103_682, // the process had seen a newer life, which the store lost, and claimed below it with a clock
                // that was behind
            })
    void aSeedThatOnceFailedKeepsTheInvariants(long seed) {
        assertThat(Outcome.of(seed).failure()).isNull();
    }

    // B-4, P-10, P-11: reported by every process, in its blame and its report, and no other process is named at any
    // time
    @ParameterizedTest
    @EnumSource(value = Fault.class, mode = EnumSource.Mode.MATCH_ALL, names = "ONLY_.*")
    void allOfFiveProcessesNameTheInjectedFault(Fault deed) {
        var world = new World(Scenario.calm(3, 5, 5), true);
        world.run(deed);
        assertThat(world.faults.count(deed)).isEqualTo(1);
    }

    //
    @Test
    void storeOperationsOfARankDoNotGrowWithTheGroup() {
        long few = operationsOfAProcess(4);
        long many = operationsOfAProcess(48);
        System.out.printf("store operations of a process until all-connected: %d of 4 ranks, %d of 48%n", few, many);
        assertThat(many).as("operations of a process, by the size of the group").isLessThanOrEqualTo(few + 8);
    }

    private static long operationsOfAProcess(int ranks) {
        var world = new World(Scenario.calm(7, ranks, ranks), false);
        assertThat(world.run())
                .as("ms until all-connected without a fault: nothing waits for a reconcile")
                .isLessThanOrEqualTo(400);
        return world.processes.stream()
                .mapToLong(process -> process.operationsUntilTold)
                .max()
                .orElseThrow();
    }

    //
    @Test
    void marksADeadRankGoneIfTheMemberEventWasLost() {
        var world = new World(Scenario.calm(8, 3, 3), false);
        world.run();
        world.attended = false;
        world.faults.rate(Fault.MEMBERS_MISSED, 1);
        world.faults.start();
        SimProcess victim = world.processes.getLast();
        Side side = victim.side;
        victim.crash(true);
        side.members.remove(victim);
        world.detect(side, 0);
        String key = new io.muster.store.StoreKeys(World.GROUP).rank(victim.ranks.getFirst());
        assertThat(Texts.of(side.truth.get(key))).contains("LIVE");
        world.clock.runUntilMs(world.clock.nowMs() + 5_500);
        assertThat(Texts.of(side.truth.get(key))).contains("GONE");
    }

    //
    @Test
    void claimsAboveALifeOfWhichOnlyTheMarkIsLeft() {
        var world = new World(Scenario.calm(9, 2, 2), false);
        world.run();
        world.attended = false;
        Side side = world.sides.getFirst();
        for (SimProcess process : List.copyOf(world.processes)) {
            process.crash(true);
            side.members.remove(process);
        }
        EpochRecord record =
                Objects.requireNonNull(world.processes.getFirst().core.barrier().epoch());
        side.truth.clear();
        record.vector()
                .forEach(member -> world.put(
                        side,
                        new StoreKeys(World.GROUP).ready(member.rank()),
                        Schema.encode(
                                new ReadyMark(World.GROUP, member, record.number(), record.digest(), List.of()))));
        world.invariants.lineageBroken = true;
        for (int rank = 0; rank < 2; rank++) {
            world.start(List.of(rank), null, 0).clockOffsetMs = -3_600_000;
        }
        world.clock.runUntilMs(world.clock.nowMs() + 20_000);
        assertThat(world.whatIsMissing())
                .as("what is missing, with clocks an hour behind")
                .isNull();
    }

    // PROTOCOL 1: a life that is older than the vector's stops, and its successor claims above it
    @Test
    void aLifeOlderThanARestoredRecordGivesWay() {
        var world = new World(Scenario.calm(10, 2, 2), false);
        world.run();
        Side side = world.sides.getFirst();
        String key = new StoreKeys(World.GROUP).epoch();
        EpochRecord record =
                Objects.requireNonNull(world.processes.getFirst().core.barrier().epoch());
        List<Member> newer = record.vector().stream()
                .map(member -> new Member(member.rank(), member.incarnation() + 3_600_000, member.life()))
                .toList();
        world.put(
                side,
                key,
                Schema.encode(new EpochRecord(
                        World.GROUP, 9, newer, EpochRecord.State.OPEN, 1, List.of(), ProofCounts.NONE)));
        world.clock.runUntilMs(world.clock.nowMs() + 20_000);
        assertThat(world.whatIsMissing()).as("what is missing").isNull();
        assertThat(world.living())
                .allSatisfy(process -> assertThat(
                                Objects.requireNonNull(process.core.barrier().epoch())
                                        .number())
                        .isEqualTo(10));
    }

    private static LongStream large() {
        int factor = Integer.getInteger("muster.sim.large", 2);
        return LongStream.concat(
                LongStream.concat(sized(16, 16 * factor), sized(32, 6 * factor)), sized(64, 3 * factor));
    }

    private static LongStream sized(int worldSize, int count) {
        return LongStream.range(0, count).map(index -> worldSize * Scenario.SIZED + index);
    }

    private static List<Outcome> run(long[] seeds) throws IOException {
        List<Outcome> outcomes =
                LongStream.of(seeds).parallel().mapToObj(Outcome::of).toList();
        List<Long> failed = outcomes.stream()
                .filter(outcome -> !outcome.isWell())
                .map(Outcome::seed)
                .sorted()
                .toList();
        if (!failed.isEmpty()) {
            System.out.println(failed.size() + " of " + seeds.length + " seeds failed: "
                    + failed.subList(0, Math.min(20, failed.size())));
            replay(failed.getFirst());
        }
        return outcomes;
    }

    /** Runs a seed again, and keeps the end of its trace. */
    private static void replay(long seed) throws IOException {
        var world = new World(seed, true);
        try {
            long recoveryMs = world.run();
            System.out.println("seed " + seed + " is well: recovered after " + recoveryMs + " ms");
            write(seed, world.traced());
        } catch (Throwable e) {
            world.traceStates();
            Path trace = write(seed, world.traced());
            throw new AssertionError(
                    "seed " + seed + " (" + world.scenario + ") at " + world.clock.nowMs() + " ms: " + e
                            + "\nreplay: mvn -B test -Dtest=SimulationTest -Dmuster.sim.seed=" + seed + "\ntrace: "
                            + trace,
                    e);
        }
    }

    private static Path write(long seed, List<String> lines) throws IOException {
        Path trace = Path.of("target", "sim-" + seed + ".trace");
        Files.createDirectories(trace.getParent());
        return Files.write(trace, lines);
    }
}
