// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.Member;

/**
 * The value of {@code <group>/rank/<r>}: the member that holds the seat, and how to reach it.
 *
 * @param state LIVE, LEFT (announced by the rank itself, final for this life), or GONE (written by another process
 *     after the rank's process died)
 * @param revision grows with every change within one life, so no key ever returns to bytes that it had before
 */
public record RankEntry(
        GroupName group, int worldSize, Member member, State state, long revision, SegmentHandle handle) {
    /** The order is that of the wire: append only. */
    public enum State {
        LIVE,
        GONE,
        LEFT
    }

    public RankEntry {
        if (worldSize < 1 || worldSize > Member.MAX_WORLD_SIZE) {
            throw new IllegalArgumentException(
                    "world size must be in 1.." + Member.MAX_WORLD_SIZE + ", got " + worldSize);
        }
        if (member.rank() >= worldSize) {
            throw new IllegalArgumentException("rank " + member.rank() + " is outside the world size " + worldSize);
        }
        if (revision < 0) {
            throw new IllegalArgumentException("revision must not be negative, got " + revision);
        }
    }

    /**
     * The order of rank values: life, then LEFT last and final, then revision, then at equal revision GONE over LIVE.
     */
    public boolean supersedes(RankEntry other) {
        if (!member.equals(other.member)) {
            return member.isNewerThan(other.member);
        }
        if (state == State.LEFT || other.state == State.LEFT) {
            return state == State.LEFT && (other.state != State.LEFT || revision > other.revision);
        }
        return revision != other.revision
                ? revision > other.revision
                : state == State.GONE && other.state == State.LIVE;
    }

    public boolean isLive() {
        return state == State.LIVE;
    }

    public RankEntry with(State next, SegmentHandle nextHandle) {
        return new RankEntry(group, worldSize, member, next, revision + 1, nextHandle);
    }
}
