// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.View;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;

/** What the process offers to each of its groups. May be called from any context. */
public interface GroupHost {
    SegmentStore store();

    LinkTable links();

    Future<GroupPorts.SeatAnswer> askIncumbent(RankEntry incumbent);

    Future<GroupPorts.WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others);

    LinkEvent.Reach reach(RankEntry entry);

    /** Whether this process has a living connection to that one. */
    boolean reaches(ProcessId process);

    /** The views of all processes that were heard in time, the own one included. Never fails. */
    Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs);

    /**
     * Dials the process of a life that a rank, still to be published, will be linked to, unless its address can't be
     * valid from here.
     */
    void dialAhead(RankEntry entry);

    /** Deploys the links of a rank; events told to them before they are up are kept for them. */
    void openLinks(Member self);

    void closeLinks(Member self, String reason);

    void tellLink(int rank, int peer, LinkEvent event);

    /** The rank's entry has been published, or published anew. */
    void entryPublished(RankEntry own);

    void spread(Gossip gossip, Predicate<ProcessId> to);

    /** An event for the whole cluster, signed if the group has a secret. */
    default JsonObject sign(JsonObject event) {
        return event;
    }

    /** Whether an event from the cluster's bus is one of the group's own. */
    default boolean isAuthentic(JsonObject event) {
        return true;
    }
}
