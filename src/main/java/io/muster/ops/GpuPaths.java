// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** The paths of a process to the GPU memory of others, as text. */
public final class GpuPaths {
    private GpuPaths() {}

    /**
     * The fields of {@code Diagnostics.GpuPaths} as text, one line for each pair of ranks and segment; empty if there
     * is no path.
     */
    public static String text(JsonObject paths) {
        JsonArray pairs = paths.getJsonArray("pairs", new JsonArray());
        if (pairs.isEmpty()) {
            return "";
        }
        var text = new StringBuilder("memory of GPUs of other processes: ")
                .append(paths.getInteger("mapped"))
                .append(" mapped by the asked process");
        pairs.forEach(one -> text.append("\n  ").append(line((JsonObject) one)));
        return text.toString();
    }

    private static String line(JsonObject pair) {
        String refused = String.join(
                "; ", pair.getJsonArray("refused").stream().map(String::valueOf).toList());
        String where = "group=" + pair.getString("group") + " rank " + pair.getInteger("rank") + " to rank "
                + pair.getInteger("peer") + " segment " + pair.getString("segment") + ": ";
        return where
                + (pair.getString("way").isEmpty()
                        ? "not mapped, over the connection if gpu.fallback allows it: " + refused
                        : pair.getString("way") + ", copied by GPU " + pair.getInteger("device")
                                + (refused.isEmpty() ? "" : " (not " + refused + ")"));
    }
}
