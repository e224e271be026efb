// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.peer.WarmupSlot;
import io.muster.segment.RankEntry;
import io.muster.transfer.RemoteRegion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one rank has in a process: its warmup slots and its links. */
final class SimSeat {
    final SimProcess process;
    final int rank;
    final RemoteRegion slots;
    final List<SimLink> links = new ArrayList<>();

    @Nullable
    Member self;

    @Nullable
    Member lastSelf;

    private @Nullable RankEntry entry;

    SimSeat(SimProcess process, int rank, int worldSize, int region) {
        this.process = process;
        this.rank = rank;
        this.slots = new RemoteRegion(region, process.world.chance.any(), 8L * worldSize);
        for (int peer = 0; peer < worldSize; peer++) {
            links.add(new SimLink(process, this, peer));
        }
    }

    void published(RankEntry own) {
        entry = own;
    }

    RankEntry entry() {
        if (entry == null) {
            throw new IllegalStateException("rank " + rank + " opens links before it is published");
        }
        return entry;
    }

    WarmupSlot slot(int peer) {
        return new WarmupSlot(slots, 8L * peer);
    }

    void open(Member member) {
        self = member;
        lastSelf = member;
        links.forEach(link -> link.open(member));
    }

    void close(String reason) {
        links.forEach(link -> link.tell(new LinkEvent.CloseRequested(reason)));
        self = null;
    }
}
