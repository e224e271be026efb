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
 * @param links by rank: what the link is CONNECTED to, null while it is not
 * @param marked greatest epoch that it has decided to mark; a loss after that ends that epoch for it
 * @param digest what that mark carries
 * @param poisoned greatest epoch that has ended for it by a loss after its mark, or by its leaving
 * @param losses what ended that epoch
 * @param released its rank has left; it stays only until the epoch that it is in has been ended
 */
public record LocalMember(
        Member member,
        List<@Nullable LinkView> links,
        long marked,
        @Nullable Digest digest,
        long poisoned,
        List<LostMember> losses,
        boolean released) {
    /** A link that is CONNECTED: to which life, and by what proof. */
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

    /** A loss of a link: it ends the epoch that this seat had decided to mark. */
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

    /** It ends every epoch that it is in, and marks none any more. */
    LocalMember leaving(LostMember self) {
        return new LocalMember(member, links, marked, digest, Long.MAX_VALUE, List.of(self), released);
    }

    LocalMember release() {
        return new LocalMember(member, links, marked, digest, poisoned, losses, true);
    }

    /** The epoch that would be opened with it would end at once. */
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
