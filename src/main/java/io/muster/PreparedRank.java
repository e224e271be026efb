// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.runtime.LocalGroup;
import io.muster.segment.SegmentHandle;
import io.vertx.core.Future;

/** A rank with its memory and its links, not published yet. */
public final class PreparedRank {
    private final LocalGroup group;
    private final int rank;
    private final SegmentHandle handle;

    PreparedRank(LocalGroup group, int rank, SegmentHandle handle) {
        this.group = group;
        this.rank = rank;
        this.handle = handle;
    }

    /**
     * Claims the rank and publishes its handle, in one compare-and-set.
     *
     * @return completes when it is published; fails with CONFIG if a live process holds the rank (its memory is
     *     released then), with FATAL if the group is closed first
     */
    public Future<JoinedRank> publish() {
        return group.process()
                .own()
                .run(
                        "publish rank " + rank + " of group " + group.name(),
                        group::whatIsMissing,
                        () -> group.publish(rank, handle).map(entry -> new JoinedRank(group, entry.member())));
    }
}
