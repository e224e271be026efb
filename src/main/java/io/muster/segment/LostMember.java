// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.Member;

/**
 * A member that was lost from a complete epoch.
 *
 * @param reason short word: {@code SOCKET_CLOSED}, {@code SILENCE}, {@code LEFT}, {@code REPORTED} …
 * @param evidence one sentence: how the reporter knows
 * @param reportedBy the rank that detected it
 */
public record LostMember(Member member, String reason, String evidence, int reportedBy) {
    static final int MAX_EVIDENCE = 500;

    public LostMember {
        evidence = evidence.length() > MAX_EVIDENCE ? evidence.substring(0, MAX_EVIDENCE) : evidence;
    }
}
