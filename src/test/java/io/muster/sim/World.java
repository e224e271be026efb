// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.epoch.BarrierState;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkState;
import io.muster.peer.WarmupAnswer;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.wire.StoredBytes;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run: starts the processes of a scenario, lets faults strike for a while, then lets everything be well, and
 * demands that within {@link #RECOVERY_MS} all ranks get all-connected, under a number that then stays.
 *
 * <p>A minute is the sum of what may have to pass one after the other: the last late operation (12 s after its deadline
 * began), a restart or a merge (5 s), silence (4 s), a claim with its questions (6 s), one attempt at a link that fails
 * at its deadline on the waiter's side (20 s), two reconciles (10 s).
 */
final class World {
    static final GroupName GROUP = new GroupName("sim");
    static final long RECOVERY_MS = 60_000;
    /**
     * How long one run in four is watched after all was well: every late operation has been applied by then. The others
     * are watched shorter.
     */
    private static final long STAYS_LONG_MS = 12_000;

    private static final long STAYS_MS = 3_000;
    private static final int TRACE = 300;

    final Scenario scenario;
    final Chance chance;
    final Clock clock;
    final Faults faults;
    final SimNetwork network;
    final Invariants invariants;
    final Causes causes = new Causes(this);
    final Accusations accusations = new Accusations(this);
    final List<SimProcess> processes = new ArrayList<>();
    final List<Side> sides = new ArrayList<>();
    long storeStalledUntilUs;
    long storeGoneUntilUs;
    /** Null where the group has no secret. */
    final @Nullable Stranger stranger;

    private final Disasters disasters;
    private final Map<ProcessId, SimProcess> ids = new HashMap<>();
    private final Map<Integer, Integer> empty = new HashMap<>();
    /** By host, how far its clock is off the others'. */
    private final Map<String, Long> clocksOffMs = new HashMap<>();

    private final @Nullable ArrayDeque<String> trace;
    private boolean mergesLatest;

    World(long seed, boolean traced) {
        chance = new Chance(seed);
        clock = new Clock(chance);
        faults = new Faults(chance);
        network = new SimNetwork(this);
        invariants = new Invariants(this);
        scenario = Scenario.of(seed, chance);
        stranger = scenario.isSecured() ? new Stranger(this) : null;
        disasters = new Disasters(this);
        trace = traced ? new ArrayDeque<>() : null;
        scenario.rates().forEach(faults::rate);
    }

    World(Scenario scenario, boolean traced) {
        chance = new Chance(scenario.seed());
        clock = new Clock(chance);
        faults = new Faults(chance);
        network = new SimNetwork(this);
        invariants = new Invariants(this);
        this.scenario = scenario;
        stranger = scenario.isSecured() ? new Stranger(this) : null;
        disasters = new Disasters(this);
        trace = traced ? new ArrayDeque<>() : null;
    }

    /** The virtual time in ms from the end of the faults until all was well again. */
    long run() {
        begin();
        supervise();
        invariants.watchForLonelyEnds();
        if (scenario.isTrial()) {
            return tryOne(null);
        }
        faults.start();
        disasters.schedule();
        if (stranger != null) {
            stranger.work();
        }
        clock.runUntilMs(scenario.faultMs());
        faults.end();
        disasters.heal();
        return recover();
    }

    /** The same with this one thing that is done. */
    long run(Fault deed) {
        begin();
        supervise();
        invariants.watchForLonelyEnds();
        return tryOne(deed);
    }

    private long tryOne(@Nullable Fault deed) {
        var trial = new Trial(this, disasters, deed);
        trial.run();
        long recoveryMs = recover();
        trial.isOver();
        return recoveryMs;
    }

    /** Until all is well, and stays so. */
    private long recover() {
        long healedMs = clock.nowMs();
        long staysMs = chance.with(0.25) ? STAYS_LONG_MS : STAYS_MS;
        long wellMs = -1;
        long number = 0;
        while (wellMs < 0 || clock.nowMs() < wellMs + staysMs) {
            clock.runUntilMs(clock.nowMs() + 200);
            String missing = whatIsMissing();
            if (missing != null || (wellMs >= 0 && current().number() != number)) {
                wellMs = -1;
                if (clock.nowMs() > healedMs + RECOVERY_MS) {
                    throw new Invariants.Violation("not all connected, or not for long, " + RECOVERY_MS
                            + " ms after the last fault: " + missing);
                }
            } else if (wellMs < 0) {
                wellMs = clock.nowMs();
                number = current().number();
            }
        }
        String blame = accusations.whyNotSilent();
        if (blame != null) {
            throw new Invariants.Violation("P-10: " + blame);
        }
        return wellMs - healedMs;
    }

    /** Before anything is done to anybody. */
    void untilAllConnected() {
        while (whatIsMissing() != null) {
            clock.runUntilMs(clock.nowMs() + 200);
            if (clock.nowMs() > RECOVERY_MS) {
                throw new Invariants.Violation("not all connected though nothing was done: " + whatIsMissing());
            }
        }
    }

    private void begin() {
        sides.add(new Side());
        mergesLatest = chance.with(0.4);
        for (List<Integer> ranks : scenario.placement()) {
            boolean late = scenario.faultMs() > 0 && chance.with(0.15);
            if (late) {
                faults.fired(Fault.JOINED_LATE);
            }
            long delayUs = late ? chance.between(500_000, scenario.faultMs() * 1_000) : chance.between(0, 20_000);
            reserve(ranks, delayUs, null, 0);
        }
    }

    // ---- processes

    private int reserved;
    /** Whether missing ranks are started again and idle processes ended. */
    boolean attended = true;

    /** A process that will start after a delay; its ranks count as cared for. */
    void reserve(List<Integer> ranks, long delayUs, @Nullable String host, int port) {
        ranks.forEach(rank -> empty.put(rank, Integer.MIN_VALUE));
        reserved++;
        clock.after(delayUs, () -> {
            reserved--;
            ranks.forEach(rank -> empty.put(rank, 0));
            start(ranks, host, port);
        });
    }

    SimProcess start(List<Integer> ranks, @Nullable String host, int port) {
        return start(
                ranks,
                host,
                port,
                sides.stream().filter(one -> !one.members.isEmpty()).findFirst().orElse(sides.getFirst()));
    }

    SimProcess start(List<Integer> ranks, @Nullable String host, int port, Side wanted) {
        Side side = sides.contains(wanted) ? wanted : sides.getFirst();
        int number = processes.size();
        var process = new SimProcess(
                this, number, ranks, host == null ? "h" + number : host, host == null ? 1_000 + number : port, side);
        process.clockOffsetMs = clocksOffMs.getOrDefault(process.host, 0L);
        if (faults.areOn() && chance.with(0.1)) {
            faults.fired(Fault.CLOCK_BEHIND);
            process.clockOffsetMs -= chance.between(10, 20_000);
        }
        processes.add(process);
        ids.put(process.id, process);
        side.members.add(process);
        trace(() -> "start " + process);
        detect(side, chance.between(1_000, 20_000));
        process.start();
        return process;
    }

    /** The clock of a host jumps, also for processes that start there later. */
    void jumpClock(SimProcess process, long ms) {
        process.clockOffsetMs += ms;
        clocksOffMs.merge(process.host, ms, Long::sum);
    }

    /** The cluster finds out who is there. */
    void detect(Side side, long delayUs) {
        clock.after(delayUs, () -> {
            side.detect(scenario.attributes(), chance);
            List.copyOf(side.members).forEach(member -> member.nasty.tellMembers());
        });
    }

    void crash(SimProcess process, boolean heard, boolean sameAddress) {
        trace(() -> "crash " + process + (heard ? "" : " with its host"));
        List<Member> lives = process.seats.values().stream()
                .map(seat -> seat.self)
                .filter(java.util.Objects::nonNull)
                .toList();
        List<Integer> held = process.ranks.stream().filter(process::isFor).toList();
        process.crash(heard);
        if (sides.size() > 1 && process.side.members.stream().allMatch(member -> member.crashed)) {
            sides.remove(process.side); // half a cluster without a living member holds nothing any more
        }
        lives.forEach(invariants::lifeEnded);
        clock.after(heard ? chance.between(100_000, 600_000) : 5_000_000, () -> {
            process.side.members.remove(process);
            detect(process.side, 0);
        });
        if (faults.areOn() && !held.isEmpty() && chance.with(0.2)) {
            disasters.loseTombstone(process.side, chance.oneOf(held));
        }
        if (!held.isEmpty()) {
            reserve(held, chance.between(100_000, 4_000_000), sameAddress ? process.host : null, process.port);
        }
    }

    /** The launcher of the job: it starts each rank without a holder again, and ends each process without a rank. */
    private void supervise() {
        clock.after(500_000, () -> {
            if (!attended) {
                supervise();
                return;
            }
            for (SimProcess process : List.copyOf(processes)) {
                if (!process.crashed && !process.paused && process.isIdle() && chance.with(0.3)) {
                    crash(process, true, false);
                }
            }
            List<Integer> missing = new ArrayList<>();
            for (int rank = 0; rank < scenario.worldSize(); rank++) {
                int seat = rank;
                boolean held = processes.stream().anyMatch(process -> process.isFor(seat));
                if (held) {
                    empty.merge(rank, 0, (old, _) -> old < 0 ? old : 0);
                } else if (empty.merge(rank, 1, Integer::sum) >= 3) {
                    missing.add(rank);
                }
            }
            if (!missing.isEmpty()) {
                missing.forEach(rank -> empty.put(rank, 0));
                start(missing, null, 0);
            }
            supervise();
        });
    }

    List<SimProcess> living() {
        return processes.stream().filter(SimProcess::isLive).toList();
    }

    @Nullable
    SimProcess byId(ProcessId id) {
        return ids.get(id);
    }

    @Nullable
    SimProcess listeningAt(ProcessAddress address) {
        return processes.stream()
                .filter(process ->
                        !process.crashed && process.host.equals(address.host()) && process.port == address.port())
                .findFirst()
                .orElse(null);
    }

    @Nullable
    SimProcess holderOf(Member member) {
        return processes.stream()
                .filter(process -> !process.crashed && process.holds(member))
                .findFirst()
                .orElse(null);
    }

    void releaseAll() {
        network.ends().forEach(SimChannel::release);
    }

    // ---- the store

    long storeLatencyUs() {
        return chance.between(150, 1_500);
    }

    long busUs() {
        return chance.between(2, 40);
    }

    String uuid() {
        return new UUID(chance.any(), chance.any()).toString();
    }

    void change(Side side, String key, @Nullable StoredBytes next, SimProcess by) {
        StoredBytes old = by.opened(key, side.truth.get(key));
        StoredBytes seen = by.opened(key, next);
        trace(() -> by + " writes " + key + " " + Texts.of(seen));
        invariants.changed(key, old, seen, by);
        if (stranger != null) {
            stranger.saw(key, next);
        }
        put(side, key, next);
    }

    /** Changes the truth, and lets those who see it know. */
    void put(Side side, String key, @Nullable StoredBytes next) {
        if (next == null) {
            side.truth.remove(key);
        } else {
            side.truth.put(key, next);
        }
        side.changedUs.put(key, clock.nowUs());
        side.members.forEach(member -> member.nasty.push(key, next));
    }

    /** Unless it changes until then, the key vanishes, and those who see it are informed. */
    void expire(Side side, String key, StoredBytes expected, long afterUs) {
        clock.after(afterUs, () -> {
            if (sides.contains(side) && expected.equals(side.truth.get(key))) {
                trace(() -> "forgotten: " + key);
                faults.fired(Fault.FORGOTTEN);
                invariants.lineageBroken = true;
                put(side, key, null);
            }
        });
    }

    void publish(SimProcess by, Consumer<SimProcess> hear) {
        by.side.members.forEach(member -> {
            if (!faults.strikes(Fault.BUS_LOST)) {
                member.post(storeLatencyUs(), () -> hear.accept(member));
            }
        });
    }

    Side split(Side side, List<SimProcess> away) {
        var part = new Side();
        part.truth.putAll(side.truth);
        part.changedUs.putAll(side.changedUs);
        part.present = side.present;
        side.members.removeAll(away);
        part.members.addAll(away);
        away.forEach(process -> process.side = part);
        sides.add(part);
        invariants.lineageBroken = true;
        trace(() -> "split: away " + away);
        detect(side, chance.between(100_000, 5_000_000));
        detect(part, chance.between(100_000, 5_000_000));
        return part;
    }

    void merge(Side loser, Side winner) {
        if (loser == winner || !sides.contains(loser) || !sides.contains(winner)) {
            return;
        }
        trace(() -> "merge: " + loser.members + " into " + winner.members);
        faults.fired(mergesLatest ? Fault.MERGE_KEEPS_LATEST : Fault.MERGE_KEEPS_GREATER_SIDE);
        sides.remove(loser);
        List<SimProcess> moved = List.copyOf(loser.members);
        moved.forEach(process -> {
            process.side = winner;
            process.memberUuid = uuid();
        });
        winner.members.addAll(moved);
        loser.truth.forEach((key, value) -> {
            boolean theirs = !winner.truth.containsKey(key)
                    || mergesLatest && loser.changedUs.getOrDefault(key, 0L) > winner.changedUs.getOrDefault(key, 0L);
            if (theirs && !value.equals(winner.truth.get(key))) {
                put(winner, key, value);
            }
        });
        moved.forEach(process -> process.nasty.tellMerged());
        detect(winner, chance.between(1_000, 200_000));
    }

    // ---- the policy

    WarmupAnswer policy(SimProcess process, RankEntry peer) {
        String mode = scenario.mode();
        if (!peer.handle().warmupMode().equals(mode)) {
            return new WarmupAnswer(WarmupAnswer.Plan.REFUSE, false, "", "mode mismatch");
        }
        return switch (mode) {
            case "skip" -> new WarmupAnswer(WarmupAnswer.Plan.SKIP, true, "tcp", "skip");
            case "auto" ->
                new WarmupAnswer(
                        WarmupAnswer.Plan.FABRIC_SIMULATED, !faults.strikes(Fault.IMPORT_FAILED), "tcp", "one clique");
            default -> new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "exchange");
        };
    }

    // ---- is all well?

    private EpochRecord current() {
        EpochRecord best = null;
        for (SimProcess process : living()) {
            EpochRecord epoch = process.core.barrier().epoch();
            if (epoch != null && (best == null || epoch.supersedes(best))) {
                best = epoch;
            }
        }
        if (best == null) {
            throw new Invariants.Violation("no epoch at all");
        }
        return best;
    }

    /** Null if every rank is held, linked to all others, and has all-connected of one epoch; else the difference. */
    @Nullable
    String whatIsMissing() {
        Member[] held = new Member[scenario.worldSize()];
        EpochRecord agreed = null;
        for (SimProcess process : living()) {
            for (SeatState seat : process.core.seats().values()) {
                if (seat instanceof SeatState.Held one) {
                    held[one.member().rank()] = one.member();
                } else if (!(seat instanceof SeatState.Ended)) {
                    return process + ": seat " + seat;
                }
            }
            if (process.isIdle()) {
                continue;
            }
            BarrierState barrier = process.core.barrier();
            EpochRecord epoch = barrier.epoch();
            if (epoch == null
                    || epoch.state() != EpochRecord.State.COMPLETE
                    || barrier.announced().allConnected() != epoch.number()) {
                return process + ": " + epoch + " announced " + barrier.announced() + " work " + barrier.work();
            }
            if (agreed != null && !agreed.equals(epoch)) {
                return "two records: " + agreed + " and " + epoch;
            }
            agreed = epoch;
            String link = linkMissing(process, epoch);
            if (link != null) {
                return link;
            }
        }
        if (agreed == null || reserved > 0 || !agreed.vector().equals(java.util.Arrays.asList(held))) {
            return "held " + java.util.Arrays.toString(held) + ", agreed " + agreed;
        }
        return invariants.whyNotTrue(agreed);
    }

    private @Nullable String linkMissing(SimProcess process, EpochRecord epoch) {
        for (SimSeat seat : process.seats.values()) {
            if (seat.self == null) {
                continue;
            }
            for (SimLink link : seat.links) {
                if (!(link.state instanceof LinkState.Connected)
                        || (link.peer != seat.rank
                                && !epoch.vector()
                                        .get(link.peer)
                                        .equals(link.state.history().newest()))) {
                    return process + ": link of " + seat.self + ": " + link.state;
                }
            }
        }
        return null;
    }

    // ---- trace

    /** How each process stands, for a failure. */
    void traceStates() {
        living().forEach(process -> {
            trace(() -> process + " directory "
                    + process.core.directory().values().stream()
                            .map(seen -> Texts.of(seen.bytes()))
                            .toList());
            BarrierState barrier = process.core.barrier();
            trace(() -> process + " barrier ranks "
                    + barrier.ranks().values().stream()
                            .map(seen -> Texts.of(seen.bytes()))
                            .toList() + " " + barrier.work() + " " + barrier.announced() + " "
                    + barrier.seats().values());
        });
    }

    void trace(Supplier<String> line) {
        if (trace != null) {
            trace.add(String.format("%10.3f ", clock.nowUs() / 1_000.0) + line.get());
            if (trace.size() > TRACE && !Boolean.getBoolean("muster.sim.trace")) {
                trace.remove();
            }
        }
    }

    List<String> traced() {
        return trace == null ? List.of() : List.copyOf(trace);
    }
}
