// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Versioned;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rules of epochs, as functions of the facts that one process knows. {@link EpochTransition} applies them. */
final class EpochRules {
    private EpochRules() {}

    /** All marks carry the record's digest, and no rank key names a life newer than the vector's. */
    static boolean canComplete(
            @Nullable EpochRecord epoch,
            Map<Integer, Versioned<RankEntry>> ranks,
            Map<Integer, Versioned<ReadyMark>> marks) {
        if (epoch == null || epoch.state() != EpochRecord.State.OPEN || marks.size() < epoch.worldSize()) {
            return false;
        }
        var digest = epoch.digest();
        for (int rank = 0; rank < epoch.worldSize(); rank++) {
            ReadyMark mark = Versioned.valueOf(marks.get(rank));
            RankEntry entry = Versioned.valueOf(ranks.get(rank));
            Member member = epoch.vector().get(rank);
            if (mark == null
                    || !mark.member().equals(member)
                    || mark.epoch() != epoch.number()
                    || !mark.digest().equals(digest)
                    || (entry != null && entry.member().isNewerThan(member))) {
                return false;
            }
        }
        return true;
    }

    /** Whether the entry, and so the process, of every member is known. */
    static boolean knowsAllOf(EpochRecord epoch, Map<Integer, Versioned<RankEntry>> ranks) {
        return epoch.vector().stream().allMatch(member -> {
            RankEntry entry = Versioned.valueOf(ranks.get(member.rank()));
            return entry != null && entry.member().equals(member);
        });
    }

    /**
     * The vector of the next epoch. Null if a rank is not LIVE, if nothing has changed since the last epoch, if an own
     * seat is leaving, or if no own seat is in it.
     */
    static @Nullable List<Member> nextVector(
            BarrierSetup setup,
            @Nullable EpochRecord epoch,
            Map<Integer, Versioned<RankEntry>> ranks,
            Map<Integer, LocalMember> seats) {
        List<Member> vector = new ArrayList<>(setup.worldSize());
        boolean newer = epoch == null || epoch.state() == EpochRecord.State.DEGRADED;
        boolean mine = false;
        for (int rank = 0; rank < setup.worldSize(); rank++) {
            RankEntry entry = Versioned.valueOf(ranks.get(rank));
            if (entry == null || !entry.isLive() || entry.worldSize() != setup.worldSize()) {
                return null;
            }
            Member member = entry.member();
            vector.add(member);
            if (epoch != null) {
                int order = member.compareLives(epoch.vector().get(rank));
                if (order < 0) {
                    return null;
                }
                newer |= order > 0;
            }
            LocalMember seat = seats.get(rank);
            if (seat != null && seat.isLeaving() && seat.member().equals(member)) {
                return null;
            }
            mine |= seat != null && seat.member().equals(member);
        }
        return newer && mine ? vector : null;
    }

    /**
     * The members of the last complete epoch that are lost when this vector opens: those that were lost already, or
     * those that a newer life has replaced.
     */
    static List<LostMember> lostBy(EpochRecord epoch, List<Member> vector, int reporter) {
        if (epoch.state() != EpochRecord.State.COMPLETE) {
            return epoch.lost();
        }
        return epoch.vector().stream()
                .filter(former -> !vector.get(former.rank()).equals(former))
                .map(former -> new LostMember(
                        former, "RESTARTED", "a newer life holds its seat: " + vector.get(former.rank()), reporter))
                .toList();
    }

    /** The members that the epoch has lost, by rank, as the seats of this process see it. */
    static Map<Integer, LostMember> losses(EpochRecord epoch, Collection<LocalMember> seats) {
        Map<Integer, LostMember> all = new LinkedHashMap<>();
        for (LocalMember seat : seats) {
            if (!seat.isIn(epoch)) {
                continue;
            }
            if (seat.poisoned() >= epoch.number()) {
                seat.losses().forEach(loss -> all.putIfAbsent(loss.member().rank(), loss));
            } else if (epoch.state() == EpochRecord.State.COMPLETE && !seat.isConnectedToAllOf(epoch)) {
                for (int rank = 0; rank < epoch.worldSize(); rank++) {
                    LocalMember.LinkView link = seat.links().get(rank);
                    if (link == null || !link.peer().equals(epoch.vector().get(rank))) {
                        all.putIfAbsent(
                                rank,
                                new LostMember(
                                        epoch.vector().get(rank),
                                        "NOT_CONNECTED",
                                        "the epoch was completed, but this link is not connected to that life",
                                        seat.member().rank()));
                    }
                }
            }
        }
        return all;
    }

    /**
     * Whether a COMPLETE record may be believed here: a seat of this process is in the vector, and each such seat has
     * marked this number and vector and has lost no link since.
     */
    static boolean believes(EpochRecord value, Collection<LocalMember> seats) {
        boolean isConcerned = false;
        for (LocalMember seat : seats) {
            if (seat.isIn(value)) {
                isConcerned = true;
                if (!seat.hasMarked(value) || seat.poisoned() >= value.number()) {
                    return false;
                }
            }
        }
        return isConcerned;
    }

    /**
     * The number of processes that are to act before this one: the owner of the keys, if it holds a rank, because it
     * reads them without a network round trip; then each process with a rank below the lowest one of this process.
     */
    static int processesBefore(
            BarrierSetup setup, int lowest, Map<Integer, Versioned<RankEntry>> ranks, @Nullable KeyOwner keys) {
        ProcessId owner = owner(ranks, keys);
        if (setup.process().equals(owner)) {
            return 0;
        }
        Set<ProcessId> before = new HashSet<>();
        if (owner != null) {
            before.add(owner);
        }
        ranks.forEach((rank, seen) -> {
            RankEntry entry = seen.value();
            if (rank < lowest
                    && entry != null
                    && entry.isLive()
                    && !entry.handle().process().equals(setup.process())) {
                before.add(entry.handle().process());
            }
        });
        return before.size();
    }

    /** The process of the group that owns its keys, null if none does or it is not known. */
    private static @Nullable ProcessId owner(Map<Integer, Versioned<RankEntry>> ranks, @Nullable KeyOwner keys) {
        if (keys == null) {
            return null;
        }
        for (Versioned<RankEntry> seen : ranks.values()) {
            RankEntry entry = seen.value();
            if (entry != null && entry.isLive() && keys.published(entry.handle())) {
                return entry.handle().process();
            }
        }
        return null;
    }

    /**
     * The process that receives the marks: the first one to complete the epoch. If it does not complete in time, the
     * marks are written to the store, and the processes after it read them there.
     *
     * @return null if it is not known: a link may announce a life before the store does
     */
    static @Nullable ProcessId completer(
            EpochRecord epoch, Map<Integer, Versioned<RankEntry>> ranks, @Nullable KeyOwner keys) {
        ProcessId owner = owner(ranks, keys);
        RankEntry lowest = Versioned.valueOf(ranks.get(0));
        if (owner != null
                || lowest == null
                || !lowest.isLive()
                || !lowest.member().equals(epoch.vector().getFirst())) {
            return owner;
        }
        return lowest.handle().process();
    }

    /** The proofs of the epoch's links and paths, counted from the marks of its members. */
    static ProofCounts proofs(
            EpochRecord epoch, Map<Integer, Versioned<RankEntry>> ranks, Map<Integer, Versioned<ReadyMark>> marks) {
        Map<Proof, Integer> links = new EnumMap<>(Proof.class);
        Map<Set<ProcessId>, Proof> weakest = new HashMap<>();
        for (int rank = 0; rank < epoch.worldSize(); rank++) {
            List<Proof> proofs = Objects.requireNonNull(
                            Versioned.valueOf(marks.get(rank)), "an epoch completes with all marks")
                    .proofs();
            for (int peer = 0; peer < proofs.size(); peer++) {
                if (peer != rank) {
                    Proof proof = proofs.get(peer);
                    links.merge(proof, 1, Integer::sum);
                    RankEntry here = Versioned.valueOf(ranks.get(rank));
                    RankEntry there = Versioned.valueOf(ranks.get(peer));
                    if (here != null
                            && there != null
                            && !here.handle().process().equals(there.handle().process())) {
                        weakest.merge(
                                Set.of(here.handle().process(), there.handle().process()),
                                proof,
                                (one, other) -> one.isWeakerThan(other) ? one : other);
                    }
                }
            }
        }
        Map<Proof, Integer> paths = new EnumMap<>(Proof.class);
        weakest.values().forEach(proof -> paths.merge(proof, 1, Integer::sum));
        return new ProofCounts(links, paths);
    }
}
