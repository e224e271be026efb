// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.Member;

/**
 * The constants of a link.
 *
 * @param self the local end, with the life that this link belongs to
 * @param peer rank of the other end
 */
public record LinkSetup(GroupName group, int worldSize, Member self, int peer, LinkTiming timing) {
    /** The role of this end. */
    public enum Role {
        /** The link of a rank to itself. */
        SELF,
        /**
         * This end dials, opens, writes back when the waiter's value has arrived, and owns the retries. The peer's rank
         * is lower.
         */
        WRITER,
        /** This end waits for the link-open and writes as soon as it has accepted. The peer's rank is higher. */
        WAITER
    }

    public LinkSetup {
        if (peer < 0 || peer >= worldSize || self.rank() >= worldSize) {
            throw new IllegalArgumentException(
                    "rank " + self.rank() + " and peer " + peer + " must be below the world size " + worldSize);
        }
    }

    public Role role() {
        return peer == self.rank() ? Role.SELF : peer < self.rank() ? Role.WRITER : Role.WAITER;
    }
}
