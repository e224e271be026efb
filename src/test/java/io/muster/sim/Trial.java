// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.Blame;
import io.muster.group.Member;
import io.muster.group.StuckReport;
import io.muster.segment.EpochRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One thing is done to a group that is all-connected, and then every process has to say what it was: exactly this
 * process, pair or block, in the blame and in its report, within a time, and at no time anybody else.
 */
final class Trial {
    /** A closed socket is seen at once; then the others are asked. */
    private static final long HEARD_MS = 3_000;
    /**
     * Silence: the limit of 3 s, a tick, a look an interval later, the answers, and a second look for who was not
     * ready.
     */
    private static final long SILENT_MS = 12_000;
    /** A process whose peer stopped receiving from it waits for 5 s until it counts the peer as lost. */
    private static final long UNHEARD_MS = 16_000;

    private final World world;
    private final Disasters disasters;
    private final Chance chance;
    private final List<SimProcess> all;
    private final Fault deed;
    /** To whom it is done; of a pair or of blocks, the one side. */
    private final List<SimProcess> struck = new ArrayList<>();

    private final Set<SimProcess> mayBeBlamed = new HashSet<>();
    private final Map<Integer, Member> lives = new HashMap<>();
    private int leftRank = -1;
    private boolean over;

    /** @param wanted what is to be done, null: chance decides */
    Trial(World world, Disasters disasters, @Nullable Fault wanted) {
        this.world = world;
        this.disasters = disasters;
        this.chance = world.chance;
        world.untilAllConnected();
        world.attended = false;
        world.clock.runUntilMs(world.clock.nowMs() + chance.between(100, 2_500));
        this.all = world.living();
        this.deed = wanted != null
                ? wanted
                : chance.oneOf(Stream.of(Fault.values())
                        .filter(fault -> fault.how() == Fault.How.ONLY && isPossible(fault))
                        .toList());
    }

    private boolean isPossible(Fault fault) {
        return switch (fault) {
            case ONLY_BLOCKS -> all.size() >= 4;
            case ONLY_TWO_KILLED, ONLY_TWO_HOSTS_DEAD, ONLY_TWO_STOPPED -> all.size() >= 3;
            default -> true;
        };
    }

    void run() {
        List<SimProcess> shuffled = new ArrayList<>(all);
        for (int left = shuffled.size(); left > 0; left--) {
            struck.add(shuffled.remove(chance.below(left)));
        }
        struck.subList(howMany(), struck.size()).clear();
        mayBeBlamed.addAll(accused());
        all.forEach(process ->
                process.core.seats().keySet().forEach(rank -> lives.put(rank, process.seats.get(rank).self)));
        world.accusations.listener = this::said;
        world.faults.start();
        world.faults.fired(deed);
        world.trace(() -> "trial: " + deed + " " + struck);
        long forMs = strike();
        world.clock.runUntilMs(world.clock.nowMs() + forMs);
        judge();
        undo();
    }

    private int howMany() {
        return switch (deed) {
            case ONLY_PAIR_CUT, ONLY_PAIR_ONE_WAY, ONLY_TWO_KILLED, ONLY_TWO_HOSTS_DEAD, ONLY_TWO_STOPPED -> 2;
            case ONLY_BLOCKS -> (int) chance.between(2, all.size() - 2);
            default -> 1;
        };
    }

    private SimProcess victim() {
        return struck.getFirst();
    }

    private List<SimProcess> others() {
        return all.stream().filter(process -> !struck.contains(process)).toList();
    }

    /** Does it; how long it takes until everybody must know. */
    private long strike() {
        return switch (deed) {
            case ONLY_KILLED, ONLY_TWO_KILLED -> {
                struck.forEach(process -> kill(process, true));
                yield HEARD_MS;
            }
            case ONLY_HOST_DEAD, ONLY_TWO_HOSTS_DEAD -> {
                struck.forEach(process -> kill(process, false));
                yield SILENT_MS;
            }
            case ONLY_STOPPED, ONLY_TWO_STOPPED -> {
                struck.forEach(SimProcess::pause);
                yield SILENT_MS;
            }
            case ONLY_STOPPED_SHORT -> {
                victim().pause();
                world.clock.after(chance.between(200_000, 1_800_000), victim()::resume);
                yield SILENT_MS;
            }
            case ONLY_CUT_OFF, ONLY_BLOCKS -> {
                struck.forEach(process -> others().forEach(other -> {
                    world.network.block(process, other);
                    world.network.block(other, process);
                }));
                yield SILENT_MS;
            }
            case ONLY_UNHEARD -> {
                others().forEach(other -> world.network.block(victim(), other));
                yield SILENT_MS;
            }
            case ONLY_DEAF -> {
                others().forEach(other -> world.network.block(other, victim()));
                yield UNHEARD_MS;
            }
            case ONLY_PAIR_CUT -> {
                world.network.block(struck.getFirst(), struck.getLast());
                world.network.block(struck.getLast(), struck.getFirst());
                yield SILENT_MS;
            }
            case ONLY_PAIR_ONE_WAY -> {
                world.network.block(struck.getFirst(), struck.getLast());
                yield UNHEARD_MS;
            }
            case ONLY_LEFT -> {
                leftRank = chance.oneOf(List.copyOf(victim().seats.keySet()));
                victim().core.leave(leftRank);
                yield HEARD_MS;
            }
            case ONLY_CHANNEL_CUT -> {
                disasters.cut(chance.oneOf(List.copyOf(victim().channels.values())), chance.with(0.5));
                yield SILENT_MS;
            }
            case ONLY_CLOCK_JUMPED -> {
                world.jumpClock(victim(), chance.with(0.5) ? Disasters.HOUR_MS : -Disasters.HOUR_MS);
                yield HEARD_MS;
            }
            default -> throw new IllegalStateException(deed + " is none of a trial");
        };
    }

    private void kill(SimProcess process, boolean heard) {
        process.crash(heard);
        world.clock.after(heard ? chance.between(100_000, 600_000) : 5_000_000, () -> {
            process.side.members.remove(process);
            world.detect(process.side, 0);
        });
    }

    private void undo() {
        over = true;
        world.faults.end();
        world.network.heal();
        world.attended = true;
        struck.stream().filter(process -> process.paused).forEach(SimProcess::resume);
        struck.stream()
                .filter(process -> process.crashed)
                .forEach(process -> world.reserve(
                        process.ranks,
                        chance.between(0, 1_000_000),
                        chance.with(0.5) ? process.host : null,
                        process.port));
    }

    // ---- what has to be said

    /** Whom a finding may name as a process, and not as one of a pair. */
    private List<SimProcess> accused() {
        return switch (deed) {
            case ONLY_PAIR_CUT, ONLY_PAIR_ONE_WAY, ONLY_STOPPED_SHORT, ONLY_LEFT, ONLY_CHANNEL_CUT, ONLY_CLOCK_JUMPED ->
                List.of();
            case ONLY_BLOCKS ->
                all; // until the silence of the last one has been noticed, the first ones of the other side look alone
            default -> struck;
        };
    }

    private void said(SimProcess by, Blame blame) {
        for (Blame.Finding finding : blame.findings()) {
            boolean isRight = switch (finding) {
                case Blame.OutOfMemory _ -> false; // no process of the simulation is
                case Blame.Blamed(var party, var _) -> mayBeBlamed.contains(world.byId(party.process()));
                case Blame.Pair(var one, var other, var _) ->
                    struck.contains(world.byId(one.process())) || struck.contains(world.byId(other.process()));
                case Blame.Block _ ->
                    deed == Fault.ONLY_BLOCKS || struck.size() > 1 && !mayBeBlamed.isEmpty() || struck.contains(by);
            };
            if (!isRight || isSilentDeed()) {
                throw new Invariants.Violation("P-10: " + deed + " of " + struck + (over ? ", and over," : "")
                        + ", but " + by + " says " + finding.text());
            }
        }
    }

    private boolean isSilentDeed() {
        return deed == Fault.ONLY_STOPPED_SHORT || deed == Fault.ONLY_LEFT || deed == Fault.ONLY_CLOCK_JUMPED;
    }

    private void judge() {
        for (SimProcess process : all) {
            if (process.crashed || process.paused) {
                continue;
            }
            List<String> expected = expected(process);
            List<String> told = world.accusations.words(process.blame.latest());
            if (expected != ANYTHING && !told.equals(expected)) {
                throw new Invariants.Violation(
                        "B-4: " + deed + " of " + struck + ": " + process + " has to say " + expected + " and says "
                                + told + "; " + process.blame.latest().text());
            }
            if (expected != ANYTHING && world.scenario.rates().isEmpty()) {
                judgeReport(process);
            }
        }
    }

    private static final List<String> ANYTHING = List.of("anything");

    private List<String> expected(SimProcess by) {
        boolean isPair = all.size() == 2;
        return switch (deed) {
            case ONLY_KILLED, ONLY_HOST_DEAD, ONLY_STOPPED ->
                List.of(isPair ? Accusations.pair(by, victim()) : Accusations.blamed(victim()));
            case ONLY_CUT_OFF, ONLY_DEAF, ONLY_UNHEARD -> {
                if (by != victim()) {
                    yield List.of(isPair ? Accusations.pair(by, victim()) : Accusations.blamed(victim()));
                }
                // the peers say that they receive nothing from it; it knows only that no process answers
                yield deed == Fault.ONLY_UNHEARD
                        ? ANYTHING
                        : List.of(
                                isPair
                                        ? Accusations.pair(by, others().getFirst())
                                        : Accusations.block(List.of(List.of(by)), others()));
            }
            case ONLY_PAIR_CUT, ONLY_PAIR_ONE_WAY ->
                hasHeard(by) ? List.of(Accusations.pair(struck.getFirst(), struck.getLast())) : List.of();
            case ONLY_BLOCKS ->
                List.of(
                        struck.contains(by)
                                ? Accusations.block(List.of(struck), others())
                                : Accusations.block(List.of(others()), struck));
            case ONLY_TWO_KILLED ->
                struck.stream()
                        .map(one -> all.size() == 3 ? Accusations.pair(by, one) : Accusations.blamed(one))
                        .sorted()
                        .toList();
            case ONLY_TWO_HOSTS_DEAD, ONLY_TWO_STOPPED -> List.of(Accusations.block(List.of(others()), struck));
            default -> List.of();
        };
    }

    /**
     * Who reaches both of a pair is told by the store that an epoch has ended, as soon as the store lets it be written
     * (B-6).
     */
    private boolean hasHeard(SimProcess by) {
        EpochRecord epoch = by.core.barrier().epoch();
        return struck.contains(by)
                || world.scenario.rates().isEmpty()
                || epoch == null
                || epoch.state() != EpochRecord.State.COMPLETE;
    }

    /** P-10, B-3: the report names the process with the fault, and none that waits for it. */
    private void judgeReport(SimProcess process) {
        Set<Integer> missing = new TreeSet<>();
        process.report().missing().stream().map(StuckReport.Missing::rank).forEach(missing::add);
        Set<Integer> expected = new TreeSet<>();
        switch (deed) {
            case ONLY_STOPPED_SHORT, ONLY_CHANNEL_CUT, ONLY_CLOCK_JUMPED -> {}
            case ONLY_LEFT -> expected.add(leftRank);
            case ONLY_CUT_OFF, ONLY_DEAF, ONLY_UNHEARD, ONLY_BLOCKS ->
                (struck.contains(process) ? others() : struck).forEach(one -> expected.addAll(one.ranks));
            case ONLY_PAIR_CUT, ONLY_PAIR_ONE_WAY ->
                struck.stream().filter(one -> one != process).forEach(one -> expected.addAll(one.ranks));
            default -> struck.forEach(one -> expected.addAll(one.ranks));
        }
        if (!missing.equals(expected)) {
            throw new Invariants.Violation(
                    "P-10: " + deed + " of " + struck + ": ranks " + expected + " are missing, the report of " + process
                            + " says " + process.report().text());
        }
    }

    /** All are connected again: each process that was not killed has kept its life (P-11). */
    void isOver() {
        world.living()
                .forEach(process -> process.seats.forEach((rank, seat) -> {
                    boolean isNew = rank == leftRank
                            || struck.stream().anyMatch(one -> one.crashed && one.ranks.contains(rank));
                    if (seat.self != null && !isNew && !seat.self.equals(lives.get(rank))) {
                        throw new Invariants.Violation("P-11: " + deed + " of " + struck + ", but " + process
                                + " holds " + seat.self + " and not " + lives.get(rank));
                    }
                }));
    }
}
