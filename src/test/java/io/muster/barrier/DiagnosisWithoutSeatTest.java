// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.peer.LinkTable;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

/** The report of a process whose rank has no seat yet, such as one that prepares it. */
class DiagnosisWithoutSeatTest {
    private static final BarrierSetup SETUP =
            new BarrierSetup(new GroupName("g"), 3, new ProcessId(0, 1), 30, 200, 0, 250, 100);

    @Test // B-3
    void aProcessWithoutASeatAccusesNoRank() {
        var ports = (GroupPorts) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {GroupPorts.class}, (_, method, _) -> {
                    throw new AssertionError(method.getName());
                });

        StuckReport report = new Diagnosis(3, new GroupCore(SETUP, ports), new LinkTable(() -> 0), 0, 1_000_000)
                .report(SETUP.group(), "the store does not answer", "", Blame.NONE);

        assertThat(report.missing()).as(report::text).isEmpty();
        assertThat(report.text()).contains("the store does not answer");
    }
}
