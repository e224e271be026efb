// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.BlameRules;
import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.Party;
import io.muster.group.ProcessId;
import io.muster.peer.History;
import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Whom this process reaches, and who is to blame where somebody is missed: asked of all processes when one is lost, and
 * then again, more and more slowly, for as long as somebody is. Lives on the group's context; everything from outside
 * comes through its host, so that a simulation runs this very class.
 */
public final class BlameWatch {
    private static final long SOON_MS = 100;
    private static final long FIRST_PAUSE_MS = 1000;
    private static final long LONGEST_PAUSE_MS = 30_000;
    /**
     * After so many liveness intervals a process that could not hear this one, and could again, would have come back.
     */
    private static final int INTERVALS_TO_COME_BACK = 5;

    private final BarrierSetup setup;
    private final Host host;
    private final GroupCore core;
    private final BarrierVerticle.Timing timing;
    /** How this process knows that it has lost another of the group, while it does not reach it again. */
    private final Map<ProcessId, View.Missed> losses = new HashMap<>();
    /**
     * Who has ended the connection because it did not hear this process: it misses this one, not this one it (P-9),
     * unless a dial fails, or it does not come back though this process is not stopped any more.
     */
    private final Map<ProcessId, LossEvidence> unheardBy = new HashMap<>();

    private Blame latest = Blame.NONE;
    /** Takes back the next look, null while none is due. */
    private @Nullable Runnable takeBack;
    /** True while the next look is due in a moment: many links come back at once, and are looked at once. */
    private boolean soon;

    private long pauseMs = FIRST_PAUSE_MS;

    /** What the group's process does for it, on the group's context. */
    public interface Host {
        /** Whether this process has a living connection to that one. */
        boolean reaches(ProcessId process);

        LinkTable links();

        /** The views of all processes that were heard in time, the own one included. Never fails. */
        Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs);

        /** Runs the task once, after the delay, unless what is returned has been run before. */
        Runnable after(long delayMs, Runnable task);

        /** Other processes are to blame than before, or none any more. */
        void changed(Blame blame);
    }

    public BlameWatch(BarrierSetup setup, Host host, GroupCore core, BarrierVerticle.Timing timing) {
        this.setup = setup;
        this.host = host;
        this.core = core;
        this.timing = timing;
    }

    /** The connection to a process has ended. */
    public void lost(ProcessId process, LossEvidence evidence) {
        if (parties().stream().noneMatch(party -> party.process().equals(process))) {
            return;
        }
        boolean bySilence = evidence.kind().isSilence();
        if (evidence.kind() == LossEvidence.Kind.UNHEARD) {
            losses.remove(process);
            unheardBy.put(process, evidence);
            host.after(INTERVALS_TO_COME_BACK * timing.livenessIntervalMs(), () -> notBack(process, evidence));
        } else {
            losses.put(process, new View.Missed(bySilence, evidence.kind() + ": " + evidence.detail()));
            unheardBy.remove(process);
        }
        pauseMs = FIRST_PAUSE_MS;
        // the others do not see a silence at the same moment
        look(bySilence ? timing.livenessIntervalMs() + SOON_MS : SOON_MS);
    }

    /**
     * It said that it hears nothing from here; if that were over, it would be reached again. Of the other end nothing
     * is heard, either.
     */
    private void notBack(ProcessId process, LossEvidence evidence) {
        if (unheardBy.remove(process, evidence) && !host.reaches(process)) {
            losses.put(
                    process,
                    new View.Missed(
                            true,
                            evidence.kind() + ": " + evidence.detail() + ", and it has not come back for "
                                    + INTERVALS_TO_COME_BACK * timing.livenessIntervalMs() + " ms"));
            lookSoon();
        }
    }

    /** All are connected, or a link is again: whoever was blamed may be so no longer. */
    public void recovered() {
        if (!latest.findings().isEmpty()) {
            lookSoon();
        }
    }

    /** The group has lost somebody, perhaps not this process. */
    public void degraded() {
        pauseMs = FIRST_PAUSE_MS;
        if (takeBack == null) {
            look(SOON_MS);
        }
    }

    public Blame latest() {
        return latest;
    }

    private void lookSoon() {
        if (!soon) {
            pauseMs = FIRST_PAUSE_MS;
            look(SOON_MS);
        }
    }

    private void look(long delayMs) {
        if (takeBack != null) {
            takeBack.run();
        }
        soon = delayMs == SOON_MS;
        takeBack = host.after(delayMs, () -> {
            takeBack = null;
            soon = false;
            ask(timing.observersMs());
        });
    }

    /** Asks whoever can be heard in time. Never fails. */
    public Future<Blame> ask(long withinMs) {
        List<Party> parties = parties();
        View own = view(parties);
        List<ProcessId> others = parties.stream()
                .map(Party::process)
                .filter(process -> !process.equals(setup.process()))
                .toList();
        return host.askObservers(own, others, withinMs)
                .map(views -> BlameRules.of(parties, views))
                .onSuccess(this::found);
    }

    private void found(Blame blame) {
        if (!isSame(blame)) {
            latest = blame;
            host.changed(blame);
            pauseMs = FIRST_PAUSE_MS;
        }
        if (!blame.findings().isEmpty() && takeBack == null) {
            look(pauseMs);
            pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }
    }

    /** Whether it blames the same processes; what they were seen to do grows older all the time. */
    private boolean isSame(Blame blame) {
        return blame.findings().stream()
                .map(BlameWatch::who)
                .toList()
                .equals(latest.findings().stream().map(BlameWatch::who).toList());
    }

    private static List<?> who(Blame.Finding finding) {
        return switch (finding) {
            case Blame.Blamed(Party party, var _) -> List.of(party);
            case Blame.Pair(Party one, Party other, var _) -> List.of(one, other);
            case Blame.Block(var parts, var unheard) -> List.of(parts, unheard);
        };
    }

    // ---- what this process sees

    public View view() {
        return view(parties());
    }

    private View view(List<Party> parties) {
        Set<ProcessId> reached = new HashSet<>();
        Map<ProcessId, View.Missed> missed = new HashMap<>();
        for (Party party : parties) {
            ProcessId process = party.process();
            if (process.equals(setup.process())) {
                continue;
            }
            if (host.reaches(process)) {
                reached.add(process);
                unheardBy.remove(process);
                continue;
            }
            View.Missed why = losses.containsKey(process) ? losses.get(process) : trouble(party);
            if (why != null) {
                missed.put(process, why);
            }
        }
        losses.keySet().retainAll(missed.keySet());
        return new View(setup.process(), reached, missed);
    }

    /** Why no link has come to that process yet, null if nothing has been tried in vain. */
    private View.@Nullable Missed trouble(Party party) {
        for (int rank : party.ranks()) {
            for (int here : core.barrier().seats().keySet()) {
                LinkTable.Row row = host.links().row(here, rank);
                History.Trouble trouble =
                        row == null ? null : trouble(rank, row.state().history());
                boolean isPeersLoss = trouble != null
                        && trouble.phase() == History.Phase.LOST
                        && unheardBy.containsKey(party.process());
                if (trouble != null && !isPeersLoss && isOfThePath(trouble.phase())) {
                    return new View.Missed(false, trouble.detail());
                }
            }
        }
        return null;
    }

    /**
     * What went wrong with the newest life of a rank; a link may not know of it yet, and have trouble with the one
     * before.
     */
    private History.@Nullable Trouble trouble(int rank, History history) {
        RankEntry entry = core.greatest().get(rank);
        return entry != null && entry.member().equals(history.newest()) ? history.trouble() : null;
    }

    private static boolean isOfThePath(History.Phase phase) {
        return switch (phase) {
            case DIAL, OPEN, WARMUP, LOST -> true;
            case REFUSED, REJECTED, VANISHED -> false; // the store says so, and not the path
            case NO_OPEN ->
                false; // it may not have read of this process yet; a dial from here, which follows, says how the path
            // is
        };
    }

    /** The processes of the group: whoever holds the newest life of a rank, unless it has left. */
    List<Party> parties() {
        Map<ProcessId, List<RankEntry>> byProcess = new TreeMap<>();
        core.greatest().values().stream()
                .filter(entry -> entry.state() != RankEntry.State.LEFT)
                .forEach(entry -> byProcess
                        .computeIfAbsent(entry.handle().process(), _ -> new ArrayList<>())
                        .add(entry));
        return byProcess.entrySet().stream()
                .map(one -> {
                    var handle = one.getValue().getFirst().handle();
                    return new Party(
                            one.getKey(),
                            handle.pid(),
                            handle.host() + ":" + handle.port(),
                            one.getValue().stream()
                                    .map(entry -> entry.member().rank())
                                    .toList());
                })
                .toList();
    }
}
