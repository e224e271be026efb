// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.LocalMember;
import io.muster.group.Blame;
import io.muster.group.GroupName;
import io.muster.group.HostPort;
import io.muster.group.StuckReport;
import io.muster.group.StuckReport.Missing;
import io.muster.group.StuckReport.Phase;
import io.muster.peer.History;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Finds the ranks that are missing for all-connected, and their phases, from one process's view. Made per report. */
public final class Diagnosis {
    private final int worldSize;
    private final GroupCore core;
    private final LinkTable links;
    private final long startNanos;
    private final long nowNanos;
    private final @Nullable EpochRecord epoch;
    /** The rank named as observer for facts that all ranks of this process see alike. */
    private final int observer;

    /** @param startNanos when this process entered the group */
    public Diagnosis(int worldSize, GroupCore core, LinkTable links, long startNanos, long nowNanos) {
        this.worldSize = worldSize;
        this.core = core;
        this.links = links;
        this.startNanos = startNanos;
        this.nowNanos = nowNanos;
        this.epoch = core.barrier().epoch();
        this.observer = Stream.of(core.barrier().seats(), core.seats())
                .flatMap(ranks -> ranks.keySet().stream())
                .findFirst()
                .orElse(-1);
    }

    public StuckReport report(GroupName group, String storeTrouble, String eventLoop, Blame blame) {
        List<Missing> missing = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            Missing one = missing(rank);
            if (one != null) {
                missing.add(explained(one, blame));
            }
        }
        if (missing.stream().anyMatch(one -> one.phase() != Phase.MARK_MISSING)) {
            missing.removeIf(
                    one -> one.phase() == Phase.MARK_MISSING); // their marks wait for the other missing ranks (P-10)
        }
        return new StuckReport(
                group,
                epoch == null ? 0 : epoch.number(),
                epoch == null ? "NONE" : epoch.state().name(),
                storeTrouble,
                eventLoop,
                missing,
                blame);
    }

    /** What to do about a rank that is missed on the path follows from the blame, if that names the rank. */
    private Missing explained(Missing one, Blame blame) {
        return switch (one.phase()) {
            case VANISHED, DIAL_FAILED, LOST, CONNECTING, UNHEARD -> {
                Blame.OutOfMemory there = blame.outOfMemory(Set.of(one.rank()));
                Blame.OutOfMemory here =
                        blame.outOfMemory(core.barrier().seats().keySet());
                yield there != null
                        ? one.with(there.lack(), there.remedy())
                        : here != null ? one.with(here.remedy()) : withRival(explainedByBlame(one, blame));
            }
            case NEVER_PUBLISHED, LEFT, REJECTED, FOREIGN, SIGNED, REFUSED, WARMUP_FAILED, NOT_IN_STORE, MARK_MISSING ->
                one;
        };
    }

    /** Two processes publish one address: at most one of them can be reached, and each may throw out the other. */
    private Missing withRival(Missing one) {
        RankEntry own = core.greatest().get(one.rank());
        return own == null
                ? one
                : core.greatest().values().stream()
                        .filter(other -> other.isLive() && isRival(own.handle(), other.handle()))
                        .findFirst()
                        .map(other -> one.with("rank " + other.member().rank() + " (pid "
                                + other.handle().pid() + ") has the same address " + one.host()
                                + ": if both processes run,"
                                + " two hosts have this address, so give each host its own; if pid " + one.pid()
                                + " has ended, start rank " + one.rank() + " again"))
                        .orElse(one);
    }

    private static boolean isRival(SegmentHandle one, SegmentHandle other) {
        return one.port() == other.port()
                && one.host().equals(other.host())
                && !one.process().equals(other.process());
    }

    private static Missing explainedByBlame(Missing one, Blame blame) {
        String remedy = switch (one.phase()) {
            case VANISHED, DIAL_FAILED, LOST -> blame.remedy(one.rank());
            case NEVER_PUBLISHED,
                    LEFT,
                    REJECTED,
                    FOREIGN,
                    SIGNED,
                    CONNECTING,
                    REFUSED,
                    WARMUP_FAILED,
                    UNHEARD,
                    NOT_IN_STORE,
                    MARK_MISSING -> null;
        };
        return remedy == null ? one : one.with(remedy);
    }

    private @Nullable Missing missing(int rank) {
        SeatState seat = core.seats().get(rank);
        if (seat != null && !(seat instanceof SeatState.Held)) {
            return found(
                    rank,
                    Phase.NEVER_PUBLISHED,
                    core.joinedNanos(rank),
                    rank,
                    seatText(seat),
                    "it is a rank of this process and has no seat yet");
        }
        Rejected rejected = core.rejected().get(rank);
        if (rejected != null) {
            return rejected(rank, rejected);
        }
        Missing unconnected = worstLink(rank);
        boolean complete = epoch != null && epoch.state() == EpochRecord.State.COMPLETE;
        if (unconnected != null || complete) {
            return unconnected;
        }
        boolean linksAreKnown = !core.barrier().seats().isEmpty();
        Missing unlisted = seat == null && linksAreKnown ? notInStore(rank) : null;
        return unlisted != null ? unlisted : markMissing(rank);
    }

    /** Reports the address that a rejected entry claims. The group does not use it, but a person can (S-2, B-3). */
    private Missing rejected(int rank, Rejected why) {
        Phase phase = switch (why.cause()) {
            case UNUSABLE -> Phase.REJECTED;
            case FOREIGN -> Phase.FOREIGN;
            case SIGNED -> Phase.SIGNED;
        };
        RankEntry claims = why.claims();
        return new Missing(
                rank,
                phase,
                ms(keyNanos(rank)),
                observer,
                0,
                why.reason(),
                claims == null
                        ? host(rank)
                        : printable(claims.handle().host()) + ":"
                                + claims.handle().port() + " (as it says itself)",
                claims == null ? pid(rank) : claims.handle().pid(),
                whatToDo(phase, rank, ""));
    }

    /** Replaces control characters: the text is unauthenticated and goes into logs and onto screens. */
    private static String printable(String text) {
        return text.codePoints()
                .map(one -> Character.isISOControl(one) ? '?' : one)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /**
     * A rank that is connected but has no LIVE entry in this part of the store, so that no epoch can be opened with it
     * (R-9, B-3). Null if its entry is LIVE.
     */
    private @Nullable Missing notInStore(int rank) {
        RankEntry entry = entry(rank);
        if (entry != null && entry.isLive()) {
            return null;
        }
        return found(
                rank,
                Phase.NOT_IN_STORE,
                keyNanos(rank),
                observer,
                entry == null ? "there is no entry of it" : "its entry says " + entry.state(),
                whatToDo(Phase.NOT_IN_STORE, rank, host(rank)));
    }

    private Missing found(int rank, Phase phase, long sinceNanos, int seenBy, String lastError, String whatToDo) {
        return new Missing(rank, phase, ms(sinceNanos), seenBy, 0, lastError, host(rank), pid(rank), whatToDo);
    }

    private @Nullable RankEntry entry(int rank) {
        Versioned<RankEntry> seen = core.directory().get(rank);
        return Versioned.valueOf(seen);
    }

    private String host(int rank) {
        RankEntry entry = entry(rank);
        return entry == null
                ? ""
                : HostPort.text(entry.handle().host(), entry.handle().port());
    }

    private long pid(int rank) {
        RankEntry entry = entry(rank);
        return entry == null ? 0 : entry.handle().pid();
    }

    private @Nullable Missing worstLink(int rank) {
        for (LocalMember seat : core.barrier().seats().values()) {
            int here = seat.member().rank();
            if (here == rank || seat.links().get(rank) != null) {
                continue;
            }
            LinkTable.Row row = links.row(here, rank);
            History history = row == null ? History.EMPTY : row.state().history();
            History.Trouble trouble = history.trouble();
            Phase phase = phase(row, entry(rank), history);
            return new Missing(
                    rank,
                    phase,
                    ms(row == null ? startNanos : row.sinceNanos()),
                    here,
                    history.attempt(),
                    trouble == null ? "" : trouble.detail(),
                    host(rank),
                    pid(rank),
                    whatToDo(phase, rank, host(rank)));
        }
        return null;
    }

    private static Phase phase(LinkTable.@Nullable Row row, @Nullable RankEntry entry, History history) {
        History.Trouble trouble = history.trouble();
        if ((row == null || row.state() instanceof LinkState.WaitingStore)
                && (trouble == null || !trouble.phase().isSeenOnThePath())) {
            if (entry == null && history.newest() == null) {
                return Phase.NEVER_PUBLISHED;
            }
            return history.over() || (entry != null && entry.state() == RankEntry.State.LEFT)
                    ? Phase.LEFT
                    : entry != null && entry.isLive() ? Phase.CONNECTING : Phase.VANISHED;
        }
        if (row != null && row.state() instanceof LinkState.Refused) {
            return Phase.REFUSED;
        }
        return trouble == null ? Phase.CONNECTING : phase(trouble);
    }

    private static Phase phase(History.Trouble trouble) {
        return switch (trouble.phase()) {
            case VANISHED -> Phase.VANISHED;
            case REJECTED -> Phase.REJECTED;
            case DIAL -> Phase.DIAL_FAILED;
            case REFUSED -> Phase.REFUSED;
            case NO_OPEN, OPEN -> Phase.CONNECTING;
            case WARMUP -> Phase.WARMUP_FAILED;
            case LOST -> Phase.LOST;
            case UNHEARD -> Phase.UNHEARD;
        };
    }

    private @Nullable Missing markMissing(int rank) {
        if (epoch == null || epoch.state() != EpochRecord.State.OPEN) {
            return null;
        }
        if (core.hasMarked(epoch, rank)) {
            return null;
        }
        LinkTable.Row row = links.row(observer, rank);
        boolean ownWaits = core.barrier().seats().containsKey(rank);
        if (ownWaits
                && !Objects.requireNonNull(core.barrier().seats().get(rank)).isConnectedToAllOf(epoch)) {
            return null;
        }
        long sinceNanos = row == null ? nowNanos : latest(row.sinceNanos(), core.epochNanos());
        return ownWaits
                ? found(
                        rank,
                        Phase.MARK_MISSING,
                        sinceNanos,
                        observer,
                        "",
                        core.isProving()
                                ? "wait: its links are connected, and a path that was idle is being proved before it"
                                        + " marks epoch " + epoch.number() + "; a dead path is lost, and connected anew"
                                : "wait: its links are connected, and its mark of epoch " + epoch.number()
                                        + " is being written")
                : found(
                        rank,
                        Phase.MARK_MISSING,
                        sinceNanos,
                        observer,
                        "",
                        "connected from here, but it has not marked epoch " + epoch.number()
                                + ": its own links are not all connected, or an idle path of theirs is being proved;"
                                + " see the status there");
    }

    private static String seatText(SeatState seat) {
        return switch (seat) {
            case SeatState.Idle _ -> "not started";
            case SeatState.Looking _ -> "reading the key of the rank";
            case SeatState.AskingIncumbent _ -> "asking the process that holds the seat";
            case SeatState.AskingWitnesses _ -> "asking others whether they reach the process that holds the seat";
            case SeatState.Confirming _ -> "reading the key again, after the holder of the seat has answered";
            case SeatState.Claiming _ -> "writing its claim";
            case SeatState.Pausing(var _, String reason) -> reason;
            case SeatState.Held _ -> "";
            case SeatState.Leaving _ -> "leaving";
            case SeatState.Ended(String reason, var _) -> reason;
        };
    }

    private static String whatToDo(Phase phase, int rank, String host) {
        return switch (phase) {
            case NEVER_PUBLISHED -> "start rank " + rank + ", or look at its log: it has not come as far as the store";
            case VANISHED, LOST -> Blame.checkProcess("at " + host);
            case LEFT -> "start it again: it left on purpose";
            case UNHEARD ->
                "the observer was stopped or cut off, and is connecting again; if this does not end, check the network"
                        + " from it to " + host;
            case REJECTED -> "start rank " + rank + " with the same version, group and world size as the others";
            case FOREIGN ->
                "set the same group secret for rank " + rank
                        + " as for the others (security.secretFile); if it has it, another program writes"
                        + " into the store: check the members of its cluster";
            case SIGNED ->
                "set the same group secret here as for rank " + rank
                        + " (security.secretFile), or start all ranks without";
            case CONNECTING -> "wait; if the phase does not change, " + askIt(host);
            case DIAL_FAILED -> "check that its process runs and that this host reaches " + host;
            case REFUSED -> "fix what the reason names; the link is retried automatically";
            case WARMUP_FAILED ->
                "connected, but bytes do not arrive: check MTU and firewalls on the way to " + host
                        + ", or raise peer.warmup.timeoutMs";
            case NOT_IN_STORE ->
                "its process or this one was removed from the store's cluster (stopped for long, or a split network);"
                        + " the parts merge automatically (hazelcast.mergeDelayMs); if they do not, check that their"
                        + " Hazelcast ports reach each other";
            case MARK_MISSING -> askIt(host);
        };
    }

    private long keyNanos(int rank) {
        Long changed = core.keyNanos(rank);
        return changed == null ? startNanos : changed;
    }

    private static long latest(long one, long other) {
        return one - other > 0 ? one : other;
    }

    private static String askIt(String host) {
        return "ask its process for the status, at its control port (" + host + " is its data port)";
    }

    private long ms(long sinceNanos) {
        return Math.max(0, (nowNanos - sinceNanos) / 1_000_000);
    }
}
