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
 * Bounds the accepted connections without a hello, and the log lines about them. One address may hold half of the
 * connections. When one too many arrives, the oldest is dropped: an honest peer sends its hello at once and is never
 * the oldest for long. Event loops meet here, guarded by this object's monitor.
 */
final class Gate {
    private static final Logger log = LoggerFactory.getLogger(Gate.class);

    /** An accepted connection without a hello. */
    interface Guest {
        /**
         * Closes the connection. May be called from any thread.
         *
         * @param why a clause that follows "it"
         */
        void drop(String why);
    }

    private final int limit;
    private final int limitPerAddress;
    /** In order of arrival. */
    private final Map<Guest, String> waiting = new LinkedHashMap<>();

    private final Map<String, Integer> perAddress = new HashMap<>();
    private final Complaints complaints = new Complaints(log, LogEvents.CONNECTION_DROPPED);

    Gate(int limit) {
        this.limit = limit;
        this.limitPerAddress = Math.max(1, limit / 2);
    }

    void enter(Guest guest, String address) {
        Guest oldest = null;
        String why = "";
        synchronized (this) {
            waiting.put(guest, address);
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

    private @Nullable Guest oldestOf(String address) {
        for (Map.Entry<Guest, String> one : waiting.entrySet()) {
            if (one.getValue().equals(address)) {
                return one.getKey();
            }
        }
        return null;
    }

    synchronized void leave(Guest guest) {
        String address = waiting.remove(guest);
        if (address != null) {
            perAddress.computeIfPresent(address, (_, count) -> count > 1 ? count - 1 : null);
        }
    }

    synchronized int waiting() {
        return waiting.size();
    }

    /** Number of connections that were dropped or refused before they belonged to a channel. */
    long complaints() {
        return complaints.count();
    }

    synchronized Set<Guest> close() {
        Set<Guest> all = Set.copyOf(waiting.keySet());
        waiting.clear();
        perAddress.clear();
        return all;
    }

    void complain(String address, String what) {
        complaints.note(address, what);
    }
}
