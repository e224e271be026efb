// SPDX-License-Identifier: Apache-2.0

package io.muster.blame;

import io.muster.group.Clause;
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
    private static final How[] HOWS = How.values();
    private static final int MAX_PROCESSES = 65_536;
    private static final int MAX_EVIDENCE_CHARS = 200;
    private static final int MAX_EVIDENCE_BYTES = 4 * MAX_EVIDENCE_CHARS;

    /**
     * A process that is not reached.
     *
     * @param evidence one clause with numbers, cut between two words if it is long
     */
    public record Missed(How how, String evidence) {
        public Missed {
            evidence = Clause.atMost(MAX_EVIDENCE_CHARS, evidence);
        }
    }

    /** How the observer knows. The order is the wire's: append only. */
    public enum How {
        /** Positive evidence, such as a closed socket. */
        SEEN,
        /** Nothing arrives from the process. */
        SILENT,
        /** The observer itself has too little direct memory for the connection. */
        OUT_OF_MEMORY,
        /** The process says that it has too little direct memory for the connection. */
        PEER_OUT_OF_MEMORY
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
                .forEach((one, why) -> out.i64(one.high())
                        .i64(one.low())
                        .i32(why.how().ordinal())
                        .text(why.evidence()));
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
            missed.put(
                    process(in),
                    new Missed(HOWS[in.bounded("how", HOWS.length - 1)], in.text("evidence", MAX_EVIDENCE_BYTES)));
        }
        return new View(observer, reached, missed);
    }

    private static ProcessId process(CanonicalReader in) throws MalformedException {
        return new ProcessId(in.i64("process"), in.i64("process"));
    }
}
