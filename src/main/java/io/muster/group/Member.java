// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import org.jspecify.annotations.Nullable;

/**
 * The identity of a rank in every message: its position and its life. Lives of one rank are ordered by (incarnation,
 * life); members of different ranks must not be compared.
 *
 * @param rank position in the group, from 0
 * @param incarnation orders the lives of the rank, at least 1; claimed from the store
 * @param life tells apart two lives that claimed the same incarnation in the two halves of a split
 */
public record Member(int rank, long incarnation, LifeId life) {
    /**
     * Bounds the memory that a malformed entry can make a process allocate; it is not meant as a limit on the size of
     * groups.
     */
    public static final int MAX_WORLD_SIZE = 65_536;

    public Member {
        if (rank < 0 || rank >= MAX_WORLD_SIZE) {
            throw new IllegalArgumentException("rank " + rank + " is not in 0.." + (MAX_WORLD_SIZE - 1));
        }
        if (incarnation < 1) {
            throw new IllegalArgumentException("incarnation " + incarnation + " is not positive");
        }
    }

    /** True if this is a later life of the same rank than the other. */
    public boolean isNewerThan(Member other) {
        return compareLives(other) > 0;
    }

    /**
     * Negative if this is an earlier life of the same rank than the other, 0 if it is the same, positive if it is a
     * later one.
     */
    public int compareLives(Member other) {
        if (rank != other.rank) {
            throw new IllegalArgumentException("lives of rank " + rank + " and rank " + other.rank + " have no order");
        }
        int order = Long.compare(incarnation, other.incarnation);
        return order != 0 ? order : life.compareTo(other.life);
    }

    // Written out: members are compared for each link at each step of an epoch, and the first compiler, which alone has
    // run in a young process, does not inline the methods that a record generates.

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Member member
                && incarnation == member.incarnation
                && rank == member.rank
                && life.equals(member.life);
    }

    @Override
    public int hashCode() {
        return 31 * rank + life.hashCode();
    }

    @Override
    public String toString() {
        return rank + "@" + incarnation + "/" + life.toString().substring(0, 8);
    }
}
