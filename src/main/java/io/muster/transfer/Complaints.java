// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;

/**
 * Counts rejected input, and logs it rate-limited: one line per source, the next one at the earliest after ten seconds,
 * and each further one after ten times as long, up to an hour. So no stranger can fill a disk with log lines. Event
 * loops meet here, guarded by this object's monitor.
 */
public final class Complaints {
    /** After a line of one source, further ones are only counted for this time; each next time is ten times longer. */
    private static final long QUIET_NANOS = 10_000_000_000L;
    /** At least one line an hour. */
    private static final long MAX_QUIET_NANOS = 3_600_000_000_000L;

    private static final int REMEMBERED = 1_024;

    /** The lines that were suppressed since the last one about this source. */
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

    /** Number of calls of {@link #note}, logged or not. */
    public synchronized long count() {
        return count;
    }

    /**
     * @param source the key of the rate limit: an address, for instance
     * @param what a clause that follows "it"
     */
    public void note(String source, String what) {
        int suppressed;
        synchronized (this) {
            count++;
            long now = System.nanoTime();
            Quiet quiet = quiets.get(source);
            if (quiet != null && now - quiet.untilNanos() < 0) {
                quiets.put(source, new Quiet(quiet.untilNanos(), quiet.lengthNanos(), quiet.suppressed() + 1));
                return;
            }
            suppressed = quiet == null ? 0 : quiet.suppressed();
            long length = quiet == null ? QUIET_NANOS : Math.min(MAX_QUIET_NANOS, 10 * quiet.lengthNanos());
            quiets.put(source, new Quiet(now + length, length, 0));
        }
        log.warn(event + " remote={} suppressed={}: it {}", source, suppressed, what);
    }
}
