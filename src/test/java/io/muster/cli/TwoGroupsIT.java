// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.JvmProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two groups of different size in the same two processes. */
final class TwoGroupsIT {
    private final List<JvmProcess> owned = new ArrayList<>();
    private String members = "";

    @AfterEach
    void killAll() {
        owned.forEach(JvmProcess::close);
    }

    @Test // G-1, P-12
    @Timeout(90)
    void twoGroupsConnectLoseAndReconnectByThemselves() throws Exception {
        members = MusterCommand.freePorts(2).stream()
                .map(port -> "127.0.0.1:" + port)
                .collect(Collectors.joining(","));
        JvmProcess first = start(0);
        JvmProcess second = start(1);
        long small = connected(first, "small", "2 {warmup=2}");
        long large = connected(first, "large", "3 {");
        assertThat(connected(second, "small", "2 {")).isEqualTo(small);
        assertThat(connected(second, "large", "3 {")).isEqualTo(large);

        // leaves one group and joins it again; the other group is not affected
        second.send("leave-and-join");
        long again = connected(second, "small", "2 {");
        assertThat(again).isGreaterThan(small);
        assertThat(first.await("degraded-small", MusterCommand.PATIENCE_MS)).isEqualTo(String.valueOf(small));

        // the loss of a process is a loss for both groups
        second.kill();
        first.await("degraded-small", MusterCommand.PATIENCE_MS);
        assertThat(first.await("degraded-large", MusterCommand.PATIENCE_MS)).isEqualTo(String.valueOf(large));
        JvmProcess back = start(1);
        assertThat(connected(back, "small", "2 {")).isGreaterThan(again);
        assertThat(connected(back, "large", "3 {")).isGreaterThan(large);
        first.send("wait");
        assertThat(connected(first, "small", "2 {")).isGreaterThan(again);
        assertThat(connected(first, "large", "3 {")).isGreaterThan(large);
    }

    private static long connected(JvmProcess node, String group, String how) throws InterruptedException {
        String[] said =
                node.await("connected-" + group, MusterCommand.PATIENCE_MS).split(" ", 2);
        assertThat(said[1]).startsWith(how);
        return Long.parseLong(said[0]);
    }

    private JvmProcess start(int index) throws Exception {
        JvmProcess node = JvmProcess.start(
                "node " + index,
                System.getProperty("java.class.path"),
                List.of("-Dmuster.log.level=WARN"),
                TwoGroupsNode.class,
                String.valueOf(index),
                members);
        owned.add(node);
        return node;
    }
}
