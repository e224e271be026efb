// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Digest;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The value of {@code <group>/epoch}: one agreed vector of members and its outcome. It would be a record, but it caches
 * its digest, which the barrier needs at every event.
 */
public final class EpochRecord {
    /** The order is that of the wire, and that of records with equal numbers: append only. */
    public enum State {
        OPEN,
        COMPLETE,
        DEGRADED
    }

    private final GroupName group;
    private final long number;
    private final List<Member> vector;
    private final State state;
    private final long lastComplete;
    private final List<LostMember> lost;
    private final ProofCounts proofs;
    /** Null until first used. Threads that compute it at the same time get equal, immutable values. */
    private @Nullable Digest digest;

    /**
     * A record.
     *
     * @param number from 1, strictly increasing
     * @param vector one member per rank, in the order of ranks
     * @param lastComplete greatest number, at most this one, that was COMPLETE; 0 if none was
     * @param lost the members that were lost from {@code lastComplete} when it ended, empty while it stands
     * @param proofs the proofs of the COMPLETE epoch, none if this number was never COMPLETE
     */
    public EpochRecord(
            GroupName group,
            long number,
            List<Member> vector,
            State state,
            long lastComplete,
            List<LostMember> lost,
            ProofCounts proofs) {
        this.group = group;
        this.number = number;
        this.vector = List.copyOf(vector);
        this.state = state;
        this.lastComplete = lastComplete;
        this.lost = List.copyOf(lost);
        this.proofs = proofs;
        if (number < 1) {
            throw new IllegalArgumentException("epoch number must be at least 1, got " + number);
        }
        if (vector.isEmpty() || vector.size() > Member.MAX_WORLD_SIZE) {
            throw new IllegalArgumentException(
                    "a vector must have 1 to " + Member.MAX_WORLD_SIZE + " members, got " + vector.size());
        }
        for (int rank = 0; rank < vector.size(); rank++) {
            if (vector.get(rank).rank() != rank) {
                throw new IllegalArgumentException(
                        "position " + rank + " of the vector must hold the same rank, got rank "
                                + vector.get(rank).rank());
            }
        }
        if (lastComplete < 0 || lastComplete > number) {
            throw new IllegalArgumentException("last complete epoch must be in 0.." + number + ", got " + lastComplete);
        }
    }

    public GroupName group() {
        return group;
    }

    public long number() {
        return number;
    }

    public List<Member> vector() {
        return vector;
    }

    public State state() {
        return state;
    }

    public long lastComplete() {
        return lastComplete;
    }

    public List<LostMember> lost() {
        return lost;
    }

    public ProofCounts proofs() {
        return proofs;
    }

    public int worldSize() {
        return vector.size();
    }

    /** The digest that a ready mark must carry: of number, world size and vector, but not of the outcome. */
    public Digest digest() {
        Digest known = digest;
        if (known == null) {
            var out = new CanonicalWriter().text(group.value()).i64(number).i32(vector.size());
            vector.forEach(member -> MemberField.write(out, member));
            known = Digest.of(out.toByteArray());
            digest = known;
        }
        return known;
    }

    /**
     * The order of records: number, then DEGRADED over COMPLETE over OPEN, then the greater last COMPLETE, so that no
     * merge forgets one. Equal numbers with different vectors have no order.
     */
    public boolean supersedes(EpochRecord other) {
        if (number != other.number) {
            return number > other.number;
        }
        return state != other.state ? state.compareTo(other.state) > 0 : lastComplete > other.lastComplete;
    }

    /** Whether this record comes before a record with that number and state. */
    public boolean isBehind(long otherNumber, State otherState) {
        return otherNumber > number || (otherNumber == number && otherState.compareTo(state) > 0);
    }

    public EpochRecord complete(ProofCounts counted) {
        return sameVector(new EpochRecord(group, number, vector, State.COMPLETE, number, List.of(), counted));
    }

    /**
     * @param newlyLost the lost members; kept only if this epoch was COMPLETE, because no other epoch was ever
     *     published
     */
    public EpochRecord degraded(List<LostMember> newlyLost) {
        return sameVector(new EpochRecord(
                group,
                number,
                vector,
                State.DEGRADED,
                lastComplete,
                state == State.COMPLETE ? newlyLost : lost,
                proofs));
    }

    private EpochRecord sameVector(EpochRecord next) {
        next.digest = digest;
        return next;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other
                || (other instanceof EpochRecord that
                        && number == that.number
                        && state == that.state
                        && lastComplete == that.lastComplete
                        && group.equals(that.group)
                        && vector.equals(that.vector)
                        && lost.equals(that.lost)
                        && proofs.equals(that.proofs));
    }

    @Override
    public int hashCode() {
        return Objects.hash(group, number, vector, state, lastComplete, lost, proofs);
    }

    @Override
    public String toString() {
        return "EpochRecord[group=" + group + ", number=" + number + ", vector=" + vector + ", state=" + state
                + ", lastComplete=" + lastComplete + ", lost=" + lost + ", proofs=" + proofs + "]";
    }
}
