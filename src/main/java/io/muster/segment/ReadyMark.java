// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.wire.Digest;
import java.util.List;

/**
 * The value of {@code <group>/ready/<r>}: all links of this life are CONNECTED to exactly the vector of this epoch.
 * Written at most once per (life, epoch) and never withdrawn; only a greater mark replaces it.
 *
 * @param digest of the epoch's number, world size and vector: {@link EpochRecord#digest()}
 * @param proofs the proof of the link to each rank, the own one included
 */
public record ReadyMark(GroupName group, Member member, long epoch, Digest digest, List<Proof> proofs) {
    public ReadyMark {
        proofs = List.copyOf(proofs);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch must be at least 1, got " + epoch);
        }
    }

    /** The order of marks: (life, epoch). */
    public boolean supersedes(ReadyMark other) {
        return member.equals(other.member) ? epoch > other.epoch : member.isNewerThan(other.member);
    }
}
