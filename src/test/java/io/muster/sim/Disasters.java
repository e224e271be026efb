// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.transfer.LossEvidence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Single faults: when, which, to whom. */
final class Disasters {
    private static final List<Fault> ALL = Stream.of(Fault.values())
            .filter(fault -> fault.how() == Fault.How.EVENT)
            .toList();

    private final World world;
    private final Chance chance;
    static final long HOUR_MS = 3_600_000;
    private int versions;

    Disasters(World world) {
        this.world = world;
        this.chance = world.chance;
    }

    void schedule() {
        for (int event = 0; event < world.scenario.events(); event++) {
            Fault fault = chance.oneOf(ALL);
            world.clock.after(chance.between(20_000, world.scenario.faultMs() * 1_000), () -> strike(fault));
        }
    }

    private void strike(Fault fault) {
        List<SimProcess> living = world.living();
        if (!world.faults.areOn() || living.isEmpty()) {
            return;
        }
        SimProcess victim = chance.oneOf(living);
        boolean struck = switch (fault) {
            case STORE_STALLED -> {
                world.storeStalledUntilUs = world.clock.nowUs() + chance.between(200_000, 10_000_000);
                yield true;
            }
            case STORE_GONE -> {
                world.storeGoneUntilUs = world.clock.nowUs() + 10_000_000;
                yield true;
            }
            case ENTRY_LOST -> lose(victim.side, 1, true);
            case ENTRY_LOST_SILENTLY -> lose(victim.side, 1, false);
            case GROUP_LOST -> lose(victim.side, Integer.MAX_VALUE, true);
            case DIED_WITH_PARTITIONS -> diedWithPartitions(victim);
            case SPLIT -> split(victim) != null;
            case SPLIT_WITH_CLAIMS_IN_BOTH_HALVES -> claimInBothHalves(victim, split(victim));
            case EVICTED -> evict(victim);
            case CRASHED -> crash(victim, true, false);
            case HOST_DEAD -> crash(victim, false, false);
            case RESTARTED_AT_SAME_ADDRESS -> crash(victim, true, true);
            case ROLLING_RESTART -> rollingRestart();
            case PAUSED_TOGETHER -> pausedTogether(living);
            case PAUSED_SHORT -> pause(victim, chance.between(50, 2_500));
            case PAUSED_LONG -> pause(victim, chance.between(3_000, 5_000));
            case LEFT -> leave(victim);
            case LEFT_WHILE_DEGRADED -> leaveWhileDegraded(victim);
            case ALL_LEFT -> allLeave(living);
            case SECOND_CLAIMANT -> {
                world.start(List.of(chance.below(world.scenario.worldSize())), null, 0);
                yield true;
            }
            case TWO_CLAIMANTS -> {
                List<Integer> rank = List.of(chance.below(world.scenario.worldSize()));
                world.start(rank, null, 0);
                world.clock.after(chance.between(0, 5_000), () -> world.start(rank, null, 0));
                yield true;
            }
            case CLOCK_JUMPED_FORWARD -> jump(victim, HOUR_MS);
            case CLOCK_JUMPED_BACK -> jump(victim, -HOUR_MS);
            case PARTITIONED -> cutOff(victim, others(victim), true);
            case PAIR_CUT -> cutOff(victim, one(others(victim)), true);
            case ONE_WAY -> cutOff(victim, chance.with(0.4) ? others(victim) : one(others(victim)), false);
            case FLAPPING -> flap(victim, chance.with(0.4) ? others(victim) : one(others(victim)));
            case BULK_BLACK_HOLE -> holdWrites(victim, chance.between(5_000, 15_000));
            case WRITES_HANG -> holdWrites(victim, chance.between(100, 4_000));
            case CHANNEL_CUT -> cut(victim, true);
            case CHANNEL_CUT_UNSEEN -> cut(victim, false);
            case REPORTED -> report(victim);
            case HANDLE_CHANGED -> changeHandle(victim);
            case OPERATION_LOST,
                    OPERATION_LATE,
                    OPERATION_SLOW,
                    OPERATION_REPEATED,
                    ANSWER_LOST,
                    PUSH_LOST,
                    PUSH_LATE,
                    PUSH_DOUBLED,
                    MEMBERS_MISSED,
                    MEMBERS_LATE,
                    BUS_LOST,
                    DIAL_FAILED,
                    MESSAGE_SLOW,
                    POLICY_SLOW,
                    IMPORT_FAILED,
                    MERGE_KEEPS_GREATER_SIDE,
                    MERGE_KEEPS_LATEST,
                    JOINED_LATE,
                    CLOCK_BEHIND,
                    CLAIMED_AFTER_JUMP,
                    TOMBSTONE_LOST,
                    FORGOTTEN,
                    FORGED_ENTRY,
                    FORGED_TOMBSTONE,
                    FORGED_MARK,
                    FORGED_RECORD,
                    REPLAYED,
                    REPLAYED_UNDER_OTHER_KEY,
                    DELETED_BY_STRANGER,
                    GARBAGE_WRITTEN,
                    STRANGER_DISTRUSTED,
                    ONLY_KILLED,
                    ONLY_HOST_DEAD,
                    ONLY_STOPPED,
                    ONLY_CUT_OFF,
                    ONLY_UNHEARD,
                    ONLY_DEAF,
                    ONLY_PAIR_CUT,
                    ONLY_PAIR_ONE_WAY,
                    ONLY_BLOCKS,
                    ONLY_TWO_KILLED,
                    ONLY_TWO_HOSTS_DEAD,
                    ONLY_TWO_STOPPED,
                    ONLY_STOPPED_SHORT,
                    ONLY_LEFT,
                    ONLY_CHANNEL_CUT,
                    ONLY_CLOCK_JUMPED -> throw new IllegalStateException(fault + " is no event");
        };
        if (struck) {
            world.faults.fired(fault);
            world.trace(() -> "fault " + fault + " at " + victim);
        }
    }

    private boolean lose(Side side, int count, boolean told) {
        if (side.truth.isEmpty()) {
            return false;
        }
        world.invariants.lineageBroken = true;
        List<String> keys = new ArrayList<>(side.truth.keySet());
        for (int left = Math.min(count, keys.size()); left > 0; left--) {
            String key = keys.remove(chance.below(keys.size()));
            world.trace(() -> "lost: " + key);
            side.truth.remove(key);
        }
        if (told) {
            side.members.forEach(member -> member.nasty.tellMerged());
        }
        return true;
    }

    /** The entry of a rank whose process has died vanishes before the next life looks. */
    void loseTombstone(Side side, int rank) {
        world.clock.after(chance.between(0, 300_000), () -> {
            String key = new io.muster.store.StoreKeys(World.GROUP).rank(rank);
            if (world.faults.areOn() && side.truth.remove(key) != null) {
                world.invariants.lineageBroken = true;
                world.faults.fired(Fault.TOMBSTONE_LOST);
                world.trace(() -> "lost with its owner: " + key);
            }
        });
    }

    /** The process dies, and with it the only copies of what its partitions held. */
    private boolean diedWithPartitions(SimProcess victim) {
        Side side = victim.side;
        int shares = Math.max(1, side.members.size());
        List<String> lost = side.truth.keySet().stream()
                .filter(_ -> chance.below(shares) == 0)
                .toList();
        if (lost.isEmpty()) {
            return false;
        }
        crash(victim, true, chance.with(0.5));
        world.clock.after(chance.between(0, 600_000), () -> {
            world.invariants.lineageBroken = true;
            world.trace(() -> "lost with its owner: " + lost);
            lost.forEach(side.truth::remove);
            if (chance.with(0.5)) {
                side.members.forEach(member -> member.nasty.tellMerged());
            }
        });
        return true;
    }

    /** One rank gets a second life in each half, so that both halves write, and the merge has to choose. */
    private boolean claimInBothHalves(SimProcess victim, @Nullable Side part) {
        if (part == null) {
            return false;
        }
        List<Integer> rank = List.of(chance.oneOf(victim.ranks));
        crash(victim, chance.with(0.5), false);
        world.sides.stream()
                .filter(side -> !side.members.isEmpty())
                .toList()
                .forEach(side ->
                        world.clock.after(chance.between(0, 1_000_000), () -> world.start(rank, null, 0, side)));
        return true;
    }

    private boolean rollingRestart() {
        List<SimProcess> all = world.living();
        boolean sameAddress = chance.with(0.5);
        long atUs = 0;
        for (SimProcess one : all) {
            world.clock.after(atUs, () -> {
                if (!one.crashed && world.faults.areOn()) {
                    world.crash(one, true, sameAddress);
                }
            });
            atUs += chance.between(100_000, 2_000_000);
        }
        return true;
    }

    private boolean pausedTogether(List<SimProcess> living) {
        List<SimProcess> some = living.stream().filter(_ -> chance.with(0.6)).toList();
        long ms = chance.between(500, 5_000);
        return some.stream().filter(one -> pause(one, ms)).count() > 1;
    }

    /** A rank leaves while its epoch is ended, or not yet whole, for another reason. */
    private boolean leaveWhileDegraded(SimProcess victim) {
        if (!cut(victim, true)) {
            return false;
        }
        world.clock.after(chance.between(500, 100_000), () -> {
            EpochRecord epoch = victim.core.barrier().epoch();
            if (!victim.crashed && epoch != null && epoch.state() != EpochRecord.State.COMPLETE && leave(victim)) {
                world.faults.fired(Fault.LEFT_WHILE_DEGRADED);
            }
        });
        return false;
    }

    /** The clock of a host; a life that is claimed there afterwards asks it. */
    private boolean jump(SimProcess victim, long ms) {
        world.jumpClock(victim, ms);
        if (chance.with(0.6)) {
            world.clock.after(chance.between(0, 2_000_000), () -> {
                if (!victim.crashed && world.faults.areOn()) {
                    world.crash(victim, true, true);
                }
            });
        }
        return true;
    }

    private @Nullable Side split(SimProcess victim) {
        Side side = victim.side;
        List<SimProcess> away = new ArrayList<>(side.members.stream()
                .filter(member -> member == victim || chance.with(0.4))
                .toList());
        if (away.size() == side.members.size()) {
            away.removeIf(member -> member != victim);
        }
        if (side.members.size() < 2 || world.sides.size() > 2 || !side.members.contains(victim)) {
            return null;
        }
        if (chance.with(0.5)) {
            List<SimProcess> rest = side.members.stream()
                    .filter(member -> !away.contains(member))
                    .toList();
            for (SimProcess one : away) {
                rest.forEach(other -> block(one, other, true, chance.between(500, 8_000)));
            }
        }
        Side part = world.split(side, away);
        mergeLater(part, side);
        return part;
    }

    private void mergeLater(Side part, Side side) {
        world.clock.after(chance.between(1_000_000, 9_000_000), () -> mergeNow(part, side));
    }

    private void mergeNow(Side part, Side side) {
        boolean first = part.members.size() > side.members.size()
                || (part.members.size() == side.members.size() && chance.with(0.5));
        world.merge(first ? side : part, first ? part : side);
    }

    /** Stands still for so long that the store's cluster goes on without it. */
    private boolean evict(SimProcess victim) {
        if (victim.paused || victim.side.members.size() < 2) {
            return false;
        }
        victim.pause();
        long standsMs = chance.between(6_000, 9_000);
        world.clock.after(5_000_000, () -> {
            Side side = victim.side;
            if (world.faults.areOn() && victim.paused && !victim.crashed && side.members.size() > 1) {
                Side part = world.split(side, List.of(victim));
                world.clock.after(standsMs * 1_000, () -> mergeNow(part, side));
            }
        });
        world.clock.after(standsMs * 1_000, victim::resume);
        return true;
    }

    private boolean crash(SimProcess victim, boolean heard, boolean sameAddress) {
        world.crash(victim, heard, sameAddress);
        return true;
    }

    private boolean pause(SimProcess victim, long ms) {
        if (victim.paused) {
            return false;
        }
        victim.pause();
        world.clock.after(ms * 1_000, victim::resume);
        return true;
    }

    /** Each at its own moment; some are paused and do not leave. */
    private boolean allLeave(List<SimProcess> living) {
        living.forEach(process -> world.clock.after(chance.between(0, 20_000), () -> {
            if (!process.crashed && !process.paused) {
                process.core.seats().entrySet().stream()
                        .filter(seat -> seat.getValue() instanceof SeatState.Held)
                        .map(Map.Entry::getKey)
                        .toList()
                        .forEach(process.core::leave);
            }
        }));
        return true;
    }

    private boolean leave(SimProcess victim) {
        List<Integer> held = victim.core.seats().entrySet().stream()
                .filter(seat -> seat.getValue() instanceof SeatState.Held)
                .map(Map.Entry::getKey)
                .toList();
        if (held.isEmpty() || victim.paused) {
            return false;
        }
        int rank = chance.oneOf(held);
        victim.core.leave(rank);
        return true;
    }

    private List<SimProcess> others(SimProcess victim) {
        return world.living().stream().filter(other -> other != victim).toList();
    }

    private List<SimProcess> one(List<SimProcess> all) {
        return all.isEmpty() ? all : List.of(chance.oneOf(all));
    }

    private boolean cutOff(SimProcess victim, List<SimProcess> others, boolean bothWays) {
        long ms = chance.between(200, 9_000);
        others.forEach(other -> block(victim, other, bothWays, ms));
        return !others.isEmpty();
    }

    /** Cut and whole again, some times in turn. */
    private boolean flap(SimProcess victim, List<SimProcess> others) {
        long periodMs = chance.oneOf(List.of(200L, 1_000L, 2_000L, 4_000L));
        long times = chance.between(2, 5);
        for (long round = 0; round < times; round++) {
            world.clock.after(round * 2 * periodMs * 1_000, () -> {
                if (world.faults.areOn()) {
                    others.forEach(other -> block(victim, other, true, periodMs));
                }
            });
        }
        return !others.isEmpty();
    }

    private void block(SimProcess one, SimProcess other, boolean bothWays, long ms) {
        world.network.block(one, other);
        if (bothWays) {
            world.network.block(other, one);
        }
        world.clock.after(ms * 1_000, () -> {
            world.network.unblock(one, other);
            world.network.unblock(other, one);
        });
    }

    private boolean holdWrites(SimProcess victim, long ms) {
        List<SimProcess> others = others(victim);
        if (others.isEmpty()) {
            return false;
        }
        SimProcess other = chance.oneOf(others);
        world.network.blockWrites(victim, other);
        world.clock.after(ms * 1_000, () -> world.network.unblock(victim, other));
        if (chance.with(0.7)) {
            List.copyOf(victim.channels.values()).stream()
                    .filter(channel -> channel.peer == other)
                    .forEach(channel -> channel.end(LossEvidence.Kind.CLOSED_HERE, "cut"));
        }
        return true;
    }

    private boolean cut(SimProcess victim, boolean heard) {
        List<SimChannel> channels = List.copyOf(victim.channels.values());
        if (channels.isEmpty() || victim.paused) {
            return false;
        }
        SimChannel channel = chance.oneOf(channels);
        cut(channel, heard);
        return true;
    }

    void cut(SimChannel channel, boolean heard) {
        world.causes.between(channel.self, channel.peer, 0);
        if (heard) {
            channel.end(LossEvidence.Kind.SOCKET_CLOSED, "cut");
        } else {
            channel.endUnheard(LossEvidence.Kind.SOCKET_CLOSED, "cut, and the other end does not hear of it");
        }
    }

    private boolean report(SimProcess victim) {
        List<SimLink> connected = victim.seats.values().stream()
                .flatMap(seat -> seat.links.stream())
                .filter(link -> link.state instanceof LinkState.Connected && link.peer != link.seat.rank)
                .toList();
        if (connected.isEmpty()) {
            return false;
        }
        SimLink link = chance.oneOf(connected);
        Member peer = link.state.history().newest();
        if (peer != null) {
            link.tell(new LinkEvent.Reported(peer, "seen by the application"));
        }
        return peer != null;
    }

    private boolean changeHandle(SimProcess victim) {
        if (victim.seats.isEmpty() || victim.paused) {
            return false;
        }
        int rank = chance.oneOf(List.copyOf(victim.seats.keySet()));
        victim.core.changeHandle(rank, victim.handle(++versions));
        return true;
    }

    /** Ends all faults: the network is whole at once, a split store merges, and each paused process goes on. */
    void heal() {
        world.trace(() -> "faults end");
        world.storeStalledUntilUs = 0;
        world.storeGoneUntilUs = 0;
        world.network.heal();
        world.processes.stream().filter(process -> process.paused).toList().forEach(SimProcess::resume);
        mergeAll();
    }

    /** One after the other, until the cluster is whole. */
    private void mergeAll() {
        world.clock.after(chance.between(0, 4_000_000) / Math.max(1, world.sides.size() - 1), () -> {
            if (world.sides.size() > 1) {
                mergeNow(world.sides.getFirst(), world.sides.get(1 + chance.below(world.sides.size() - 1)));
                mergeAll();
            }
        });
    }
}
