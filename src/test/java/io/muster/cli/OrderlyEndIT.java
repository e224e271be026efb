// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.Eventually;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** SIGTERM ends a process in order within its budget, whatever the cluster does, and shows no stack trace. */
// K-4
@Timeout(240)
final class OrderlyEndIT {
    /** The default of {@code shutdown.timeoutMs}, and what a busy machine adds; below a container's 10 s. */
    private static final long BUDGET_MS = 8_000 + 1_800;

    @TempDir
    private Path temp;

    @BeforeAll
    @Timeout(240)
    static void record() throws Exception {
        MusterCommand.recordTheStart();
    }

    @Test
    void aProcessEndsWhileAnotherMemberIsFrozen() throws Exception {
        try (var fleet = new Fleet(temp, Fleet.onLoopback(3), List.of("0", "1", "2"))) {
            fleet.startAll();
            fleet.awaitAllConnectedAgain();
            fleet.at(2).signal("STOP");
            ends(fleet.at(1));
            ends(fleet.at(3));
        }
    }

    @Test
    void aProcessEndsRightAfterASplitHasHealed() throws Exception {
        Hosts.Made made = Hosts.up("musterend", 3);
        assumeTrue(made.trouble().isEmpty(), made.trouble());
        try (var fleet = new Fleet(temp, Fleet.on(made.hosts()), List.of("0", "1", "2"))) {
            fleet.startAll();
            fleet.awaitAllConnectedAgain();
            fleet.forgetEvents();
            made.hosts().isolate(3);
            fleet.at(3).await("degraded", _ -> true); // it may name either of the two others
            fleet.awaitDegraded(1, 2);
            Eventually.holds(
                    "the cluster has split too", () -> fleet.at(3).err().contains("is suspected to be dead"));
            made.hosts().heal();
            fleet.awaitAllConnectedAgain();
            ends(fleet.at(3));
            ends(fleet.at(1));
            ends(fleet.at(2));
        } finally {
            made.hosts().down();
        }
    }

    private static void ends(MusterCommand process) throws Exception {
        long startNanos = System.nanoTime();
        process.signal("TERM");
        process.awaitExit();
        long tookMs = (System.nanoTime() - startNanos) / 1_000_000;
        System.out.println("ended after " + tookMs + " ms\n" + process.err());
        assertThat(tookMs).as(process::toString).isLessThan(BUDGET_MS);
        assertThat(process.err()).as("no stack trace").doesNotContain("\tat ");
    }
}
