package io.muster.sim;

import io.muster.segment.SegmentStore;
import io.muster.segment.StoredBytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** One half of the store's cluster, or all of it: one truth, and the processes that see it. */
final class Side {
  final TreeMap<String, StoredBytes> truth = new TreeMap<>();
  final Map<String, Long> changedUs = new HashMap<>();
  final List<SimProcess> members = new ArrayList<>();
  SegmentStore.PresentMembers present = new SegmentStore.PresentMembers(Set.of(), Set.of());

  /** The members as the cluster has found out by now. */
  void detect(boolean attributes) {
    Set<String> ids = new HashSet<>();
    Set<String> uuids = new HashSet<>();
    for (SimProcess member : members) {
      if (attributes) {
        ids.add(member.id.toString());
      }
      uuids.add(member.memberUuid);
    }
    present = new SegmentStore.PresentMembers(ids, uuids);
  }
}
