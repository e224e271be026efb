// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.BarrierCalls;
import io.muster.barrier.Gossip;
import io.muster.barrier.Links;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkTable;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One group of this process, as the routing uses it. May be called from any context. */
public interface RoutedGroup {
    GroupName name();

    int worldSize();

    /** The ranks that this process holds or is joining. */
    Set<Integer> ranks();

    /** The life that holds the seat of a rank in this process, null if none does. */
    @Nullable
    Member localSeat(int rank);

    Links links();

    /** The state of every link of the group. */
    LinkTable linkTable();

    BarrierCalls barrier();

    /** What this process tells about the group when another one gathers the status. */
    Future<Buffer> statusPart();

    /** A stored value as the group reads it: without its signature, null if the signature is wrong. */
    @Nullable
    StoredBytes opened(String key, @Nullable StoredBytes stored);

    /** Gossip with the signature that the store holds, if the group has a secret. */
    Gossip sealed(Gossip gossip);
}
