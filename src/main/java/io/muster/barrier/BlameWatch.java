// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.BlameRules;
import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.HostPort;
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
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which process is to blame for broken connections. When a process is lost, it asks all processes whom they
 * reach and applies {@link BlameRules}; it asks again with growing pauses while there are findings. It lives on the
 * group's context. Everything from outside comes through its ports, so that the simulation runs this class unchanged.
 */
public final class BlameWatch {
    /** Many links end or return at once, and need one poll. */
    private static final long SOON_MS = 100;
    /** The pause before the second poll, which confirms a finding. Each further pause is twice as long. */
    private static final long FIRST_PAUSE_MS = 1000;
    /** Bounds the age of a finding, at the cost of one question per process. */
    private static final long LONGEST_PAUSE_MS = 30_000;
    /** A process that can receive from this one again has reconnected within this number of liveness intervals. */
    private static final int INTERVALS_TO_COME_BACK = 5;

    private final BarrierSetup setup;
    private final Ports ports;
    private final GroupCore core;
    private final BarrierTiming timing;
    /** The evidence of each loss, until the process is reached again. */
    private final Map<ProcessId, View.Missed> losses = new HashMap<>();
    /**
     * Processes that closed the connection because they received nothing from this one. They miss this process, and
     * this process does not miss them (P-9), unless a dial fails or they do not reconnect in time.
     */
    private final Map<ProcessId, LossEvidence> peersThatLostUs = new HashMap<>();

    /**
     * Processes of which a finding has just ended, each with the action that cancels the end of this state. They
     * reconnect to the others one after the other, and an attempt that began before fails meanwhile.
     */
    private final Map<ProcessId, Runnable> returning = new HashMap<>();

    private Blame latest = Blame.NONE;
    /** Who was named by the last poll that was not asked for from outside. */
    private final Set<List<?>> seenOnce = new HashSet<>();
    /** Cancels the next poll, null while none is due. */
    private @Nullable Runnable cancel;
    /** Whether the next poll is due after {@link #SOON_MS}: many links return at once and need one poll. */
    private boolean soon;

    private long pauseMs = FIRST_PAUSE_MS;

    /** Why a poll is made: for a report; because something has just changed; or a pause after one with findings. */
    private enum Poll {
        ASKED,
        FIRST,
        AGAIN
    }

    /** The services of the group's process, on the group's context. */
    public interface Ports {
        /** Whether this process has a living connection to that one. */
        boolean reaches(ProcessId process);

        LinkTable links();

        /** The views of all processes that answered in time, the own one included. Never fails. */
        Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs);

        /** Runs the task once, after the delay, unless the returned action has run before. */
        Runnable after(long delayMs, Runnable task);

        /** Other processes are to blame than before, or none is. */
        void changed(Blame blame);
    }

    public BlameWatch(BarrierSetup setup, Ports ports, GroupCore core, BarrierTiming timing) {
        this.setup = setup;
        this.ports = ports;
        this.core = core;
        this.timing = timing;
    }

    /** The connection to a process has ended. */
    public void lost(ProcessId process, LossEvidence evidence) {
        if (parties().stream().noneMatch(party -> party.process().equals(process))) {
            return;
        }
        View.How how = how(evidence.kind());
        if (evidence.kind() == LossEvidence.Kind.UNHEARD) {
            losses.remove(process);
            peersThatLostUs.put(process, evidence);
            ports.after(INTERVALS_TO_COME_BACK * timing.livenessIntervalMs(), () -> notBack(process, evidence));
        } else {
            losses.put(process, missed(how, evidence));
            peersThatLostUs.remove(process);
        }
        pauseMs = FIRST_PAUSE_MS;
        // the processes do not detect a silence at the same moment
        look(how == View.How.SILENT ? timing.livenessIntervalMs() + SOON_MS : SOON_MS, Poll.FIRST);
    }

    /**
     * A channel to a process has ended before it was open. It may be tried again and again with the same end, which is
     * news only once.
     */
    public void notOpened(ProcessId process, LossEvidence evidence) {
        if (!missed(how(evidence.kind()), evidence).equals(losses.get(process))) {
            lost(process, evidence);
        }
    }

    private static View.Missed missed(View.How how, LossEvidence evidence) {
        return switch (how) {
            case SEEN, SILENT -> new View.Missed(how, evidence.kind() + ": " + evidence.detail());
            case OUT_OF_MEMORY, PEER_OUT_OF_MEMORY -> new View.Missed(how, evidence.detail());
        };
    }

    private static View.How how(LossEvidence.Kind kind) {
        return switch (kind) {
            case SILENCE -> View.How.SILENT;
            case OUT_OF_MEMORY -> View.How.OUT_OF_MEMORY;
            case PEER_OUT_OF_MEMORY -> View.How.PEER_OUT_OF_MEMORY;
            case SOCKET_CLOSED, PROTOCOL_ERROR, REPLACED, CLOSED_HERE, UNHEARD, STALLED -> View.How.SEEN;
        };
    }

    /**
     * The process received nothing from this one and has not reconnected in time. This process receives nothing from it
     * either, so it counts as missed by silence.
     */
    private void notBack(ProcessId process, LossEvidence evidence) {
        if (peersThatLostUs.remove(process, evidence) && !ports.reaches(process)) {
            losses.put(
                    process,
                    new View.Missed(
                            View.How.SILENT,
                            evidence.kind() + ": " + evidence.detail() + ", and it has not come back for "
                                    + INTERVALS_TO_COME_BACK * timing.livenessIntervalMs() + " ms"));
            lookSoon();
        }
    }

    /** All are connected, or a link has returned: the findings may be out of date. */
    public void recovered() {
        if (!latest.findings().isEmpty()) {
            lookSoon();
        }
    }

    /** The group has lost a member, perhaps one that only another process was connected to. */
    public void degraded() {
        pauseMs = FIRST_PAUSE_MS;
        if (cancel == null) {
            look(SOON_MS, Poll.FIRST);
        }
    }

    public Blame latest() {
        return latest;
    }

    private void lookSoon() {
        if (!soon) {
            pauseMs = FIRST_PAUSE_MS;
            look(SOON_MS, Poll.FIRST);
        }
    }

    private void look(long delayMs, Poll poll) {
        if (cancel != null) {
            cancel.run();
        }
        soon = delayMs == SOON_MS;
        cancel = ports.after(delayMs, () -> {
            cancel = null;
            soon = false;
            ask(timing.observersMs(), poll);
        });
    }

    /** Polls all processes. Completes with what stands after the views that arrive in time. Never fails. */
    public Future<Blame> ask(long withinMs) {
        return ask(withinMs, Poll.ASKED);
    }

    private Future<Blame> ask(long withinMs, Poll poll) {
        List<Party> parties = parties();
        View own = view(parties);
        List<ProcessId> others = parties.stream()
                .map(Party::process)
                .filter(process -> !process.equals(setup.process()))
                .toList();
        return ports.askObservers(own, others, withinMs).map(views -> {
            Blame found = BlameRules.settle(latest, BlameRules.of(parties, views), parties, views);
            found(confirmed(found, poll, BlameRules.isDetecting(parties, views)), found);
            return latest;
        });
    }

    /**
     * Without the findings that are not certain yet, unless the group has only two processes. While the others detect a
     * loss, or reconnect one after the other, one poll shows a finding that the next one does not. So two polls have to
     * find a pair, and none of its processes may be about to return; and two polls have to find anything while the
     * others are detecting a loss.
     */
    private Blame confirmed(Blame found, Poll poll, boolean isDetecting) {
        noteReturns(found);
        Set<List<?>> standing = new HashSet<>();
        latest.findings().forEach(finding -> standing.add(who(finding)));
        List<Blame.Finding> confirmed = found.findings().stream()
                .filter(finding -> found.processes() <= 2
                        || standing.contains(who(finding))
                        || (!isDetecting && !(finding instanceof Blame.Pair))
                        || (poll == Poll.AGAIN && seenOnce.contains(who(finding)) && !isReturning(finding)))
                .toList();
        if (poll != Poll.ASKED) {
            seenOnce.clear();
            found.findings().forEach(finding -> seenOnce.add(who(finding)));
        }
        return new Blame(confirmed, found.answered(), found.processes());
    }

    /** Notes the processes that a block or a blame has named until now, and that none names any more. */
    private void noteReturns(Blame found) {
        Set<ProcessId> named = namedByMoreThanAPair(found);
        for (ProcessId process : namedByMoreThanAPair(latest)) {
            if (!named.contains(process) && !returning.containsKey(process)) {
                returning.put(process, ports.after(timing.reconnectMs(), () -> returning.remove(process)));
            }
        }
        named.forEach(process -> {
            Runnable end = returning.remove(process);
            if (end != null) {
                end.run();
            }
        });
    }

    private static Set<ProcessId> namedByMoreThanAPair(Blame blame) {
        return blame.findings().stream()
                .filter(finding -> !(finding instanceof Blame.Pair))
                .flatMap(Blame.Finding::parties)
                .map(Party::process)
                .collect(Collectors.toSet());
    }

    private boolean isReturning(Blame.Finding finding) {
        return finding.parties().anyMatch(party -> returning.containsKey(party.process()));
    }

    private void found(Blame blame, Blame unconfirmed) {
        boolean isNews = !isSame(blame);
        latest = blame;
        if (isNews) {
            ports.changed(blame);
            pauseMs = FIRST_PAUSE_MS;
        }
        if (!unconfirmed.findings().isEmpty() && cancel == null) {
            look(pauseMs, Poll.AGAIN);
            pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        }
    }

    /** Whether it blames the same processes; the evidence differs in each poll, since it contains times. */
    private boolean isSame(Blame blame) {
        return blame.findings().stream()
                .map(BlameWatch::who)
                .toList()
                .equals(latest.findings().stream().map(BlameWatch::who).toList());
    }

    private static List<?> who(Blame.Finding finding) {
        return switch (finding) {
            case Blame.OutOfMemory(Party party, var _) -> List.of(party, View.How.OUT_OF_MEMORY);
            case Blame.Blamed(Party party, var _) -> List.of(party);
            case Blame.Pair(Party one, Party other, var _) -> List.of(one, other);
            case Blame.Block(var parts, var unheard) -> List.of(parts, unheard);
        };
    }

    // ---- the view of this process

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
            if (ports.reaches(process)) {
                reached.add(process);
                peersThatLostUs.remove(process);
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

    /** Why no link to that process is connected yet, null if no attempt has failed. */
    private View.@Nullable Missed trouble(Party party) {
        for (int rank : party.ranks()) {
            for (int here : core.barrier().seats().keySet()) {
                LinkTable.Row row = ports.links().row(here, rank);
                History.Trouble trouble =
                        row == null ? null : trouble(rank, row.state().history());
                if (trouble != null && isMissing(trouble.phase())) {
                    return new View.Missed(View.How.SEEN, trouble.detail());
                }
            }
        }
        return null;
    }

    /** The trouble with the newest life of a rank. A link that still tries an older life does not count. */
    private History.@Nullable Trouble trouble(int rank, History history) {
        RankEntry entry = core.greatest().get(rank);
        return entry != null && entry.member().equals(history.newest()) ? history.trouble() : null;
    }

    private static boolean isMissing(History.Phase phase) {
        return switch (phase) {
            case DIAL, OPEN, WARMUP, LOST -> true;
            case REFUSED, REJECTED, VANISHED -> false; // this comes from the store, not from the path
            case UNHEARD -> false; // the peer misses this process; it is missed only if it does not come back
            // the peer may not have read the entry of this process; the dial that follows tests the path
            case NO_OPEN -> false;
        };
    }

    /** The processes of the group: those that hold the newest life of a rank, unless that life has left. */
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
                            HostPort.text(handle.host(), handle.port()),
                            one.getValue().stream()
                                    .map(entry -> entry.member().rank())
                                    .toList());
                })
                .toList();
    }
}
