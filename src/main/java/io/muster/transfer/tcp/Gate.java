// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.LogEvents;
import io.muster.transfer.Complaints;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bounds what strangers can hold: accepted connections without a hello, of which one address may have half (the oldest
 * goes when one too many comes, so that an honest one, which speaks at once, gets through), and log lines. Its monitor
 * is where event loops meet.
 */
final class Gate {
    private static final Logger log = LoggerFactory.getLogger(Gate.class);
    private final int limit;
    private final int limitPerAddress;
    /** In the order of their coming. */
    private final Map<Admission, String> waiting = new LinkedHashMap<>();

    private final Map<String, Integer> perAddress = new HashMap<>();
    private final Complaints complaints = new Complaints(log, LogEvents.CONNECTION_DROPPED);

    Gate(int limit) {
        this.limit = limit;
        this.limitPerAddress = Math.max(1, limit / 2);
    }

    void enter(Admission admission, String address) {
        Admission oldest = null;
        String why = "";
        synchronized (this) {
            waiting.put(admission, address);
            if (perAddress.merge(address, 1, Integer::sum) > limitPerAddress) {
                why = "was the oldest of more than " + limitPerAddress
                        + " connections without a hello from its address";
                oldest = oldestOf(address);
            } else if (waiting.size() > limit) {
                why = "was the oldest of more than " + limit + " connections without a hello";
                oldest = waiting.keySet().iterator().next();
            }
            if (oldest != null) {
                leave(oldest);
            }
        }
        if (oldest != null) {
            oldest.drop(why);
        }
    }

    private @Nullable Admission oldestOf(String address) {
        for (Map.Entry<Admission, String> one : waiting.entrySet()) {
            if (one.getValue().equals(address)) {
                return one.getKey();
            }
        }
        return null;
    }

    synchronized void leave(Admission admission) {
        String address = waiting.remove(admission);
        if (address != null) {
            perAddress.computeIfPresent(address, (_, count) -> count > 1 ? count - 1 : null);
        }
    }

    synchronized int waiting() {
        return waiting.size();
    }

    /** Connections that were dropped or refused for what they sent, or did not send. */
    long complaints() {
        return complaints.count();
    }

    synchronized Set<Admission> close() {
        Set<Admission> all = Set.copyOf(waiting.keySet());
        waiting.clear();
        perAddress.clear();
        return all;
    }

    void complain(String address, String what) {
        complaints.note(address, what);
    }
}
