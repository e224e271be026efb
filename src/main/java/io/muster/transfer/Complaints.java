// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;

/**
 * Counts what is refused to strangers, and logs it sparsely: one line for each who, the next one after ten seconds at
 * the earliest, and after ten times as long each time, so that no stranger fills a disk. Its monitor is where event
 * loops meet.
 */
public final class Complaints {
    private static final long QUIET_NANOS = 10_000_000_000L;
    private static final long MAX_QUIET_NANOS = 3_600_000_000_000L;
    private static final int REMEMBERED = 1_024;

    /** What was kept from the log since its last line about somebody. */
    private record Quiet(long untilNanos, long lengthNanos, int suppressed) {}

    private final Logger log;
    private final String event;
    private final Map<String, Quiet> quiets = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Quiet> eldest) {
            return size() > REMEMBERED;
        }
    };
    private long count;

    /** @param event one of {@link io.muster.group.LogEvents} */
    public Complaints(Logger log, String event) {
        this.log = log;
        this.event = event;
    }

    /** All, logged or not. */
    public synchronized long count() {
        return count;
    }

    /**
     * @param who an address, or what else is to be logged once
     * @param what a clause that follows "it"
     */
    public void note(String who, String what) {
        int suppressed;
        synchronized (this) {
            count++;
            long now = System.nanoTime();
            Quiet quiet = quiets.get(who);
            if (quiet != null && now - quiet.untilNanos() < 0) {
                quiets.put(who, new Quiet(quiet.untilNanos(), quiet.lengthNanos(), quiet.suppressed() + 1));
                return;
            }
            suppressed = quiet == null ? 0 : quiet.suppressed();
            long length = quiet == null ? QUIET_NANOS : Math.min(MAX_QUIET_NANOS, 10 * quiet.lengthNanos());
            quiets.put(who, new Quiet(now + length, length, 0));
        }
        log.warn(event + " remote={} suppressed={}: it {}", who, suppressed, what);
    }
}
