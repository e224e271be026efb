// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FlightRecordWhenItFailsTest {
    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void theRecordOfEveryRunningProcessIsPrinted() {
        InMemoryCluster.Process process = cluster.start();
        InMemoryCluster.Process closed = cluster.start();
        cluster.close(closed);

        String printed = print();

        assertThat(printed)
                .contains("hard limit")
                .contains(process.muster().processId().toString())
                .doesNotContain(closed.muster().processId().toString());
    }

    private static String print() {
        PrintStream before = System.out;
        var bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            FlightRecordWhenItFails.print("hard limit");
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
