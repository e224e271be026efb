// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.vertx.core.Future;

/** The links that the ranks of this process have in one group. May be called from any context. */
public interface Links {
    /** Opens the links of a rank that has taken its seat. A link keeps a link-open that arrived before this call. */
    void open(Member self);

    void close(Member self, String reason);

    /**
     * Proves the path of each CONNECTED link that has been idle, because a connection may die without a sign.
     *
     * @return already succeeded if none has been idle; fails if a connection ends first
     */
    Future<Void> prove();

    /** Sends an event to one link; dropped if the rank is not in this process. */
    void send(int rank, int peer, LinkEvent event);
}
