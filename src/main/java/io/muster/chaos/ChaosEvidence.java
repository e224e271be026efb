// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.ops.FlightFiles;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;

/** Flight records of the processes, for when something takes long or goes wrong. A stopped process does not answer. */
final class ChaosEvidence {
    /** A process that runs answers in milliseconds. A stopped one is left out. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final int KEPT_FILES = 64;

    private final List<ControlAddress> controls;
    private final FlightFiles files = new FlightFiles("", KEPT_FILES);

    ChaosEvidence(List<ControlAddress> controls) {
        this.controls = controls;
    }

    /** Writes the flight record of every process into the folder for flight records; the log names it. */
    void keep(String why) {
        for (ControlAddress control : controls) {
            if (ControlClient.ask(control, new JsonObject().put("ask", "dump"), PATIENCE)
                            instanceof ControlClient.Reply.Answered(JsonObject record)
                    && record.getString("error") == null) {
                files.write(record, why + "-" + control.port());
            }
        }
    }
}
