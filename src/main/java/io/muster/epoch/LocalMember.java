// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.wire.Digest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rank that this process holds, as the barrier sees it.
 *
 * @param links by rank: the life that the link is CONNECTED to, null while it is not CONNECTED
 * @param marked greatest epoch that it has marked; a loss of a link after that ends the epoch
 * @param digest the vector digest in that mark
 * @param poisoned greatest epoch that it has ended, by a loss after its mark or by leaving
 * @param losses the losses that ended that epoch
 * @param released its rank has left; it is kept only until its epoch has been degraded
 */
public record LocalMember(
        Member member,
        List<@Nullable LinkView> links,
        long marked,
        @Nullable Digest digest,
        long poisoned,
        List<LostMember> losses,
        boolean released) {
    /** A CONNECTED link: the peer's life and the proof of the data path. */
    public record LinkView(Member peer, Proof proof) {}

    static LocalMember taken(Member member, int worldSize) {
        return new LocalMember(member, Collections.nCopies(worldSize, null), 0, null, 0, List.of(), false);
    }

    boolean isIn(EpochRecord record) {
        return member.rank() < record.worldSize()
                && record.vector().get(member.rank()).equals(member);
    }

    public boolean isConnectedToAllOf(EpochRecord record) {
        if (links.contains(null)) {
            return false;
        }
        for (int rank = 0; rank < links.size(); rank++) {
            LinkView link = links.get(rank);
            if (link == null || !link.peer().equals(record.vector().get(rank))) {
                return false;
            }
        }
        return true;
    }

    List<Proof> proofs() {
        List<Proof> proofs = new ArrayList<>(links.size());
        for (LinkView link : links) {
            proofs.add(link == null ? Proof.NONE : link.proof());
        }
        return proofs;
    }

    LocalMember with(int rank, @Nullable LinkView link) {
        List<@Nullable LinkView> next = new ArrayList<>(links);
        next.set(rank, link);
        return new LocalMember(member, Collections.unmodifiableList(next), marked, digest, poisoned, losses, released);
    }

    /** True if its mark is for exactly this number and vector. */
    boolean hasMarked(EpochRecord record) {
        return marked == record.number() && record.digest().equals(digest);
    }

    LocalMember marking(EpochRecord record) {
        return new LocalMember(member, links, record.number(), record.digest(), poisoned, losses, released);
    }

    /** A link was lost: that ends the epoch that this seat has marked. */
    LocalMember lost(LostMember loss) {
        boolean fresh = marked > poisoned;
        return new LocalMember(
                member,
                links,
                marked,
                digest,
                Math.max(poisoned, marked),
                fresh ? List.of(loss) : added(loss),
                released);
    }

    /** It ends every epoch that it is in, and marks no further one. */
    LocalMember leaving(LostMember self) {
        return new LocalMember(member, links, marked, digest, Long.MAX_VALUE, List.of(self), released);
    }

    LocalMember release() {
        return new LocalMember(member, links, marked, digest, poisoned, losses, true);
    }

    /** Whether it is leaving: an epoch opened with it would end at once. */
    boolean isLeaving() {
        return poisoned == Long.MAX_VALUE;
    }

    private List<LostMember> added(LostMember loss) {
        if (losses.stream().anyMatch(known -> known.member().equals(loss.member()))) {
            return losses;
        }
        List<LostMember> all = new ArrayList<>(losses);
        all.add(loss);
        return List.copyOf(all);
    }
}
