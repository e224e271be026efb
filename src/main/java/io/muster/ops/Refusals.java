// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The values and messages that a group has rejected in this process, for the status picture: the total number, and the
 * latest per sender. Event loops and readers meet in its monitor.
 */
public final class Refusals {
    private static final int KEPT = 8;

    /** The latest rejection of one sender. */
    private record Refused(String what, long times) {}

    private final Map<String, Refused> latest = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Refused> eldest) {
            return size() > KEPT;
        }
    };
    private long count;

    /**
     * @param who an address, or the key of a value in the store
     * @param what a clause that follows "it"
     */
    public synchronized void note(String who, String what) {
        count++;
        latest.merge(who, new Refused(what, 1), (before, now) -> new Refused(what, before.times() + 1));
    }

    public synchronized long count() {
        return count;
    }

    /** {@code [{who, what, times}]}, the newest last. */
    public synchronized JsonArray latest() {
        var all = new JsonArray();
        latest.forEach((who, refused) -> all.add(
                new JsonObject().put("who", who).put("what", refused.what()).put("times", refused.times())));
        return all;
    }
}
