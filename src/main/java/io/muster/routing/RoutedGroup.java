// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.BarrierCalls;
import io.muster.barrier.Gossip;
import io.muster.barrier.Links;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkTable;
import io.muster.wire.StoredBytes;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One group of this process, as messages find it. May be called from any context. */
public interface RoutedGroup {
    GroupName name();

    int worldSize();

    /** The ranks that this process has, or is about to have. */
    Set<Integer> ranks();

    /** The life that holds the seat of a rank in this process, null if none does. */
    @Nullable
    Member localSeat(int rank);

    Links links();

    /** Where every link of the group stands. */
    LinkTable linkTable();

    BarrierCalls barrier();

    /** What was stored under a key, as the group reads it: without its signature, null if that is wrong. */
    @Nullable
    StoredBytes opened(String key, @Nullable StoredBytes stored);

    /** Gossip with the signature that the store holds, if the group has a secret. */
    Gossip sealed(Gossip gossip);
}
