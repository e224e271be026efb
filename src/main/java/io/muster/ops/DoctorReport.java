// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.ops.Finding.Level;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Locale;

/** The findings as text, as JSON, and as an exit code. */
public final class DoctorReport {
    private static final String INDENT = " ".repeat(20);

    private DoctorReport() {}

    /** One line per finding, and a second line if there is something to do. */
    public static String text(List<Finding> findings) {
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            text.append(
                    String.format(Locale.ROOT, "%-4s %-14s %s%n", finding.level(), finding.topic(), finding.what()));
            if (!finding.whatToDo().isEmpty()) {
                text.append(INDENT).append("-> ").append(finding.whatToDo()).append(System.lineSeparator());
            }
        }
        return text.toString();
    }

    /**
     * {@code {"doctor":"OK","findings":[{"topic","level","what","whatToDo"}]}}, where {@code doctor} is the worst
     * level.
     */
    public static JsonObject json(List<Finding> findings) {
        JsonArray list = new JsonArray();
        for (Finding finding : findings) {
            list.add(new JsonObject()
                    .put("topic", finding.topic())
                    .put("level", finding.level().name())
                    .put("what", finding.what())
                    .put("whatToDo", finding.whatToDo()));
        }
        return new JsonObject().put("doctor", worst(findings).name()).put("findings", list);
    }

    /** 2 if something that was asked for cannot work here, otherwise 0. A host without a GPU is healthy. */
    public static int exitCode(List<Finding> findings) {
        return worst(findings) == Level.FAIL ? 2 : 0;
    }

    private static Level worst(List<Finding> findings) {
        return findings.stream().map(Finding::level).max(Level::compareTo).orElse(Level.OK);
    }
}
