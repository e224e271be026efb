// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Direct memory is used up: whatever needs some fails with a reason, nothing hangs, and it works again when there is
 * some.
 */
@Timeout(240)
final class DirectMemoryIT {
    @Test
    void callsFailWithoutDirectMemoryAndWorkOnceThereIsSome() throws Exception {
        try (JvmProcess node = JvmProcess.start(
                "node",
                System.getProperty("java.class.path"),
                List.of(
                        "-XX:MaxDirectMemorySize=48m",
                        "-Dio.netty.maxDirectMemory=33554432",
                        "-Dio.netty.allocator.numDirectArenas=2"),
                DirectMemoryNode.class)) {
            node.await("connected", 90_000);
            assertThat(Integer.parseInt(node.await("exhausted", 60_000))).isPositive();
            for (int i = 0; i < 5; i++) {
                String outcome = node.await("write", 60_000);
                System.out.println("write: " + outcome);
                assertThat(outcome).isNotEqualTo("HANGS");
            }
            assertThat(Long.parseLong(node.await("recovered", 120_000))).isPositive();
            assertThat(node.awaitExit(20_000)).isZero();
        }
    }
}
