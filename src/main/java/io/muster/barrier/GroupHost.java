// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.vertx.core.json.JsonObject;

/** What the process offers to each of its groups. May be called from any context. */
public interface GroupHost {
    SegmentStore store();

    /** Where every link of the group stands. */
    LinkTable linkTable();

    Links links();

    Network network();

    /** The rank's entry has been published, or published anew. */
    void entryPublished(RankEntry own);

    /** An event for the whole cluster, signed if the group has a secret. */
    default JsonObject sign(JsonObject event) {
        return event;
    }

    /** Whether an event from the cluster's bus is one of the group's own. */
    default boolean isAuthentic(JsonObject event) {
        return true;
    }
}
