// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The resources of each process of a group at one moment (P-14), and their growth between two moments. */
record Holdings(Map<Integer, JsonObject> byProcess) {
    /** Includes a full garbage collection on a busy host. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final long MIB = 1 << 20;

    /**
     * The increase that does not count as growth, such as a pool that is filled once, or a short-lived thread.
     *
     * @param part share of the earlier value
     * @param absolute further increase in the unit of the field
     */
    private record Tolerance(String field, double part, long absolute) {
        boolean exceeded(long before, long after) {
            return after > before * (1 + part) + absolute;
        }
    }

    private static final List<Tolerance> OF_PROCESS = List.of(
            new Tolerance("heapBytes", 0.25, 8 * MIB),
            new Tolerance("directBytes", 0.25, 16 * MIB),
            new Tolerance("descriptors", 0, 16),
            new Tolerance("threads", 0, 16),
            new Tolerance("regions", 0, 0),
            new Tolerance("channels", 0, 0),
            new Tolerance("deployments", 0, 0));
    private static final List<Tolerance> OF_CLUSTER =
            List.of(new Tolerance("storeEntries", 0, 0), new Tolerance("busRegistrations", 0, 0));

    /** Asks every process; a process that does not answer is left out. */
    static Holdings of(List<ControlAddress> controls) {
        Map<Integer, JsonObject> all = new TreeMap<>();
        JsonObject request = new JsonObject().put("ask", "resources").put("collect", true);
        for (int process = 0; process < controls.size(); process++) {
            if (ControlClient.ask(controls.get(process), request, PATIENCE)
                            instanceof ControlClient.Reply.Answered(JsonObject body)
                    && body.getString("error") == null) {
                all.put(process, body);
            }
        }
        return new Holdings(all);
    }

    /**
     * One sentence for each resource that has grown. A process that was replaced meanwhile is not compared; the
     * resources of the cluster are compared in any case.
     */
    List<String> grown(Holdings later) {
        List<String> grown = new ArrayList<>();
        byProcess.forEach((process, before) -> {
            JsonObject after = later.byProcess.get(process);
            if (after != null && after.getLong("pid").equals(before.getLong("pid"))) {
                OF_PROCESS.forEach(tolerance -> note("process " + process, tolerance, before, after, grown));
            }
        });
        OF_CLUSTER.forEach(tolerance -> note("the cluster", tolerance, any(byProcess), any(later.byProcess), grown));
        return grown;
    }

    private static void note(
            String owner,
            Tolerance tolerance,
            @Nullable JsonObject before,
            @Nullable JsonObject after,
            List<String> grown) {
        Long was = before == null ? null : before.getLong(tolerance.field());
        Long is = after == null ? null : after.getLong(tolerance.field());
        if (was != null && is != null && tolerance.exceeded(was, is)) {
            grown.add(tolerance.field() + " of " + owner + ": " + was + ", then " + is);
        }
    }

    private static @Nullable JsonObject any(Map<Integer, JsonObject> all) {
        return all.values().stream().findFirst().orElse(null);
    }

    /** One line per process: the fields before and after if it is the same process, else the fields after. */
    List<String> lines(Holdings later) {
        List<String> lines = new ArrayList<>();
        later.byProcess.forEach((process, after) -> {
            JsonObject known = byProcess.get(process);
            boolean same = known != null && known.getLong("pid").equals(after.getLong("pid"));
            JsonObject before = same ? known : null;
            lines.add("process " + process + " (pid " + after.getLong("pid")
                    + (same ? ", the same all the time): " : ", started later): ")
                    + after.stream()
                            .filter(field -> !field.getKey().equals("pid"))
                            .map(field -> field.getKey() + " "
                                    + (before != null
                                            ? text(field.getKey(), before.getLong(field.getKey())) + " → "
                                            : "")
                                    + text(field.getKey(), ((Number) field.getValue()).longValue()))
                            .collect(Collectors.joining(", ")));
        });
        return lines;
    }

    private static String text(String field, @Nullable Long value) {
        return value == null
                ? "?"
                : field.endsWith("Bytes") ? "%.1f MiB".formatted(value / (double) MIB) : value.toString();
    }

    JsonArray toJson() {
        var all = new JsonArray();
        byProcess.forEach((process, holds) -> all.add(holds.copy().put("process", process)));
        return all;
    }
}
