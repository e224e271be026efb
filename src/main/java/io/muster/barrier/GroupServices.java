// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.vertx.core.Context;
import io.vertx.core.json.JsonObject;

/** The services of a process for each of its groups. May be called from any context. */
public interface GroupServices {
    SegmentStore store();

    /** The state of every link of the group. */
    LinkTable linkTable();

    Links links();

    Network network();

    /** The rank's entry has been published, for the first time or again. */
    void entryPublished(RankEntry own);

    /** Which event loop of this process stands still; empty if none does. */
    default String loopTrouble() {
        return "";
    }

    /** The same for the event loop of one context only. */
    default String loopTrouble(Context context) {
        return "";
    }

    /** Signs an event for the whole cluster if the group has a secret. */
    default JsonObject sign(JsonObject event) {
        return event;
    }

    /** Whether an event from the cluster's bus was sent by the group itself. */
    default boolean isAuthentic(JsonObject event) {
        return true;
    }
}
