// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.AllConnected;
import io.muster.group.Proof;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Standard output of a command: either lines for people, or one JSON object a line and nothing else. */
public final class EventWriter {
    private final PrintStream out;
    private final boolean json;

    public EventWriter(PrintStream out, boolean json) {
        this.out = out;
        this.json = json;
    }

    public boolean isJson() {
        return json;
    }

    /** Prints an event in JSON mode only. */
    public void event(String name, JsonObject body) {
        if (json) {
            line(new JsonObject().put("event", name).mergeIn(body).encode());
        }
    }

    /** Prints a line for people; prints nothing in JSON mode. */
    public void text(String line) {
        if (!json) {
            line(line);
        }
    }

    private synchronized void line(String line) {
        out.println(line);
        out.flush();
    }

    /** {@code all-connected group=demo epoch=1 ranks=4 links=12 paths=6 proofs=warmup:12 elapsedMs=31}. */
    public static String text(AllConnected connected) {
        String proofs = Arrays.stream(Proof.values())
                .filter(connected.links()::containsKey)
                .map(proof -> proof.text() + ":" + connected.links().get(proof))
                .collect(Collectors.joining(","));
        return "all-connected group=" + connected.group() + " epoch=" + connected.epoch() + " ranks="
                + connected.worldSize() + " links="
                + connected.linkCount() + " paths=" + connected.pathCount() + " proofs="
                + (proofs.isEmpty() ? "local" : proofs) + " elapsedMs="
                + connected.elapsedMs();
    }

    /** One line with the content of a {@code degraded} event. */
    public static String degradedText(JsonObject body) {
        JsonArray lost = body.getJsonArray("lost");
        String who = lost.stream()
                .map(JsonObject.class::cast)
                .map(one -> "rank " + one.getInteger("rank") + " (" + evidence(one) + ", seen by rank "
                        + one.getInteger("reportedBy") + ")")
                .collect(Collectors.joining(", "));
        return "degraded group=" + body.getString("group") + " epoch=" + body.getLong("epoch") + " lost=" + who;
    }

    private static String evidence(JsonObject lost) {
        String reason = lost.getString("reason");
        String evidence = lost.getString("evidence");
        return evidence.startsWith(reason) ? evidence : reason + ": " + evidence;
    }
}
