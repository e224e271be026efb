// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.View;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEvent;
import io.muster.segment.RankEntry;
import io.vertx.core.Future;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;

/**
 * The other processes, as one group of this process reaches them. May be called from any context. Futures complete on
 * any context.
 */
public interface Network {
    /** Asks the incumbent's process, within the liveness limit, whether it holds the life that its entry names. */
    Future<SeatAnswer> askIncumbent(RankEntry incumbent);

    /** Asks up to two of these processes whether they reach the incumbent's. */
    Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others);

    /** The views of all processes that answer in time, the own one included. Never fails. */
    Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs);

    /** Whether and how the process of an entry can be reached from here. */
    LinkEvent.Reach reach(RankEntry entry);

    /** Whether this process has a living connection to that one. */
    boolean reaches(ProcessId process);

    /**
     * Dials the process of a life before the rank that will be linked to it is published, unless its address cannot be
     * valid from here. The outcome is not reported.
     */
    void dialAhead(RankEntry entry);

    /** Sends gossip to each connected process that the predicate accepts. */
    void broadcast(Gossip gossip, Predicate<ProcessId> to);

    /** The answer of the process that a rank's entry names. */
    record SeatAnswer(SeatEvent.IncumbentAnswered.Answer answer, String detail) {}

    /**
     * The answer of two witnesses, which have asked the incumbent themselves.
     *
     * @param answer the incumbent's answer to one of them, SILENT if it answered neither
     * @param detail the address of the witness that reaches it
     */
    record WitnessAnswer(SeatEvent.IncumbentAnswered.Answer answer, String detail) {
        public static final WitnessAnswer NONE = new WitnessAnswer(SeatEvent.IncumbentAnswered.Answer.SILENT, "");
    }
}
