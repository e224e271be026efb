// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.store.SegmentStore;
import io.muster.wire.StoredBytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One half of the store's cluster, or all of it: one truth, and the processes that see it. */
final class Side {
    final TreeMap<String, StoredBytes> truth = new TreeMap<>();
    final Map<String, Long> changedUs = new HashMap<>();
    final List<SimProcess> members = new ArrayList<>();
    SegmentStore.PresentMembers present = new SegmentStore.PresentMembers(Set.of(), Set.of());
    /** Who owns the group's keys; null: a member that is no process of it. */
    @Nullable
    SimProcess owner;

    /** The members as the cluster has found out by now, and who of them owns the keys then. */
    void detect(boolean attributes, Chance chance) {
        Set<String> ids = new HashSet<>();
        Set<String> uuids = new HashSet<>();
        for (SimProcess member : members) {
            if (attributes) {
                ids.add(member.id.toString());
            }
            uuids.add(member.memberUuid);
        }
        present = new SegmentStore.PresentMembers(ids, uuids);
        if (owner == null || !members.contains(owner) || chance.with(0.3)) {
            owner = members.isEmpty() || chance.with(0.2) ? null : chance.oneOf(members);
        }
    }
}
