// SPDX-License-Identifier: Apache-2.0

package io.muster.blame;

import io.muster.group.ProcessId;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The other processes that one process reaches and misses. A process that it has not tried to reach is in neither set.
 *
 * @param missed the processes that it does not reach, with the evidence
 */
public record View(ProcessId observer, Set<ProcessId> reached, Map<ProcessId, Missed> missed) {
    private static final int MAX_PROCESSES = 65_536;
    private static final int MAX_EVIDENCE_CHARS = 200;
    private static final int MAX_EVIDENCE_BYTES = 4 * MAX_EVIDENCE_CHARS;

    /**
     * A process that is not reached.
     *
     * @param silent true: nothing arrives from it; false: there is positive evidence, such as a closed socket
     * @param evidence one clause with numbers
     */
    public record Missed(boolean silent, String evidence) {
        public Missed {
            evidence = evidence.length() > MAX_EVIDENCE_CHARS ? evidence.substring(0, MAX_EVIDENCE_CHARS) : evidence;
        }
    }

    public View {
        reached = Set.copyOf(reached);
        missed = Map.copyOf(missed);
    }

    public boolean misses(ProcessId other) {
        return missed.containsKey(other);
    }

    public void writeTo(CanonicalWriter out) {
        out.i64(observer.high()).i64(observer.low()).i32(reached.size());
        new TreeSet<>(reached).forEach(one -> out.i64(one.high()).i64(one.low()));
        out.i32(missed.size());
        new TreeMap<>(missed)
                .forEach((one, why) ->
                        out.i64(one.high()).i64(one.low()).flag(why.silent()).text(why.evidence()));
    }

    /** @throws MalformedException if these bytes are no view */
    public static View readFrom(CanonicalReader in) throws MalformedException {
        ProcessId observer = process(in);
        Set<ProcessId> reached = new TreeSet<>();
        for (int left = in.bounded("reached", MAX_PROCESSES); left > 0; left--) {
            reached.add(process(in));
        }
        Map<ProcessId, Missed> missed = new TreeMap<>();
        for (int left = in.bounded("missed", MAX_PROCESSES); left > 0; left--) {
            missed.put(process(in), new Missed(in.flag("silent"), in.text("evidence", MAX_EVIDENCE_BYTES)));
        }
        return new View(observer, reached, missed);
    }

    private static ProcessId process(CanonicalReader in) throws MalformedException {
        return new ProcessId(in.i64("process"), in.i64("process"));
    }
}
