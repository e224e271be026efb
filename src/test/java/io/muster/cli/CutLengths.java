// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * By hand, not part of the build: many cuts of a host whose lengths are close to the heartbeat limit of the store:
 * {@code mvn -B verify -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=CutLengths
 * -Dmuster.cuts.minutes=12} (a fork of the build ends after 15 minutes). Near the limit some members suspect one that
 * the others still count, and messages are lost although nobody leaves.
 *
 * <p>Each cut prints a line on standard output. If not all are connected within the limit, the threads of every process
 * are written to {@code target/cuts} twice, and the processes are started again.
 */
final class CutLengths {
    private static final List<String> RANKS = List.of("0-1", "2-3", "4-5", "6", "7");
    private static final int SHORTEST_MS = Integer.getInteger("muster.cuts.shortest", 4_000);
    private static final int LONGEST_MS = Integer.getInteger("muster.cuts.longest", 7_000);

    @TempDir
    private static Path temp;

    @Test
    @Timeout(value = 1, unit = TimeUnit.DAYS) // the property decides the duration
    void allAreConnectedAfterACutOfAnyLength() throws Exception {
        long seed = Long.getLong("muster.cuts.seed", System.nanoTime());
        var random = new Random(seed);
        System.out.println("cuts: seed " + seed);
        Hosts.Made made = Hosts.up("mustercuts", RANKS.size());
        assumeTrue(made.trouble().isEmpty(), made.trouble());
        long endNanos = System.nanoTime() + TimeUnit.MINUTES.toNanos(Long.getLong("muster.cuts.minutes", 10));
        int cuts = 0;
        int failed = 0;
        try {
            MusterCommand.recordTheStart();
            while (System.nanoTime() - endNanos < 0) {
                try (Fleet fleet = new Fleet(temp, Fleet.on(made.hosts()), RANKS)) {
                    fleet.startAll();
                    fleet.awaitAllConnectedAgain();
                    for (boolean well = true; well && System.nanoTime() - endNanos < 0; ) {
                        well = cut(made.hosts(), fleet, ++cuts, random);
                        failed += well ? 0 : 1;
                    }
                }
            }
        } finally {
            made.hosts().down();
            System.out.println("cuts: " + cuts + ", not connected again in time: " + failed);
        }
        if (failed > 0) {
            throw new AssertionError(failed + " of " + cuts + " cuts, seed " + seed + ": see target/cuts");
        }
    }

    private static boolean cut(Hosts hosts, Fleet fleet, int number, Random random) throws Exception {
        int host = random.nextInt(3) == 0 ? 1 + random.nextInt(RANKS.size()) : RANKS.size();
        int lengthMs = random.nextInt(SHORTEST_MS, LONGEST_MS + 1);
        fleet.noteEpoch();
        fleet.forgetEvents();
        hosts.isolate(host);
        Thread.sleep(lengthMs);
        long healedNanos = System.nanoTime();
        hosts.heal();
        try {
            fleet.awaitAllConnectedAgain();
            System.out.println("cut " + number + ": host " + host + " for " + lengthMs + " ms, connected again after "
                    + (System.nanoTime() - healedNanos) / 1_000_000 + " ms");
            Thread.sleep(random.nextInt(4_000)); // the next cut may overlap with the rest of the merge
            return true;
        } catch (AssertionError late) {
            System.out.println("cut " + number + ": host " + host + " for " + lengthMs + " ms, NOT connected again: "
                    + late.getMessage().lines().findFirst().orElse(""));
            Path at = Files.createDirectories(Path.of("target", "cuts"));
            Files.writeString(
                    at.resolve(ProcessHandle.current().pid() + "-" + number + "-threads-1.txt"), fleet.threads());
            Files.writeString(at.resolve(ProcessHandle.current().pid() + "-" + number + "-said.txt"), fleet.toString());
            Thread.sleep(10_000);
            Files.writeString(
                    at.resolve(ProcessHandle.current().pid() + "-" + number + "-threads-2.txt"), fleet.threads());
            return false;
        }
    }
}
