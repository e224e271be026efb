// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.Clause;
import io.muster.group.Member;

/**
 * A member that was lost from a complete epoch.
 *
 * @param reason short word, such as {@code SOCKET_CLOSED}, {@code SILENCE} or {@code LEFT}; the page on the event bus
 *     lists all
 * @param evidence one sentence: how the reporter knows
 * @param reportedBy the rank that detected it
 */
public record LostMember(Member member, String reason, String evidence, int reportedBy) {
    /** The peer received nothing from this process any more, and has said so. */
    public static final String UNHEARD = "UNHEARD";

    /** The same life of the peer opens the connection again: it has given up the one that this end still held. */
    public static final String REOPENED = "REOPENED";

    static final int MAX_EVIDENCE = 500;

    /**
     * Whether a loss with this reason concerns the process that reports it. Only the peer has noticed such a loss, and
     * the peer is alive, so it was the reporting process that could not be reached or did not answer.
     */
    public static boolean isOfReporter(String reason) {
        return reason.equals(UNHEARD) || reason.equals(REOPENED);
    }

    public LostMember {
        evidence = Clause.atMost(MAX_EVIDENCE, evidence);
    }
}
