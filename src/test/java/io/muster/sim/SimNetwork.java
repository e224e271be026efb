// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.ProcessAddress;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Who reaches whom. What is held back arrives when the network heals, as with TCP, unless the channel has ended by
 * then.
 */
final class SimNetwork {
    private static final long DIAL_MS = 3_000;

    private final World world;
    private final Set<Direction> blocked = new HashSet<>();
    private final Set<Direction> writesBlocked = new HashSet<>();
    private final Map<Direction, Long> freedUs = new HashMap<>();
    /** Living ends of channels, in the order in which they came up. */
    private final List<SimChannel> ends = new ArrayList<>();

    private final Map<Direction, Dial> dials = new HashMap<>();

    private record Direction(int from, int to) {}

    /** A dial under way. */
    static final class Dial {
        private final Promise<SimChannel> promise = Promise.promise();

        boolean isPending() {
            return !promise.future().isComplete();
        }

        void succeeded(SimChannel channel) {
            promise.tryComplete(channel);
        }

        void failed(ConnectException.Kind kind) {
            promise.tryFail(failure(kind));
        }
    }

    private static ConnectException failure(ConnectException.Kind kind) {
        return new ConnectException(kind, "dial: " + kind);
    }

    SimNetwork(World world) {
        this.world = world;
    }

    long latencyUs() {
        return world.chance.between(40, 400);
    }

    boolean holds(SimProcess from, SimProcess to, boolean writes) {
        if (blocked.isEmpty() && writesBlocked.isEmpty()) {
            return false;
        }
        var direction = new Direction(from.number, to.number);
        return blocked.contains(direction) || (writes && writesBlocked.contains(direction));
    }

    void add(SimChannel end) {
        ends.add(end);
    }

    void remove(SimChannel end) {
        ends.remove(end);
    }

    List<SimChannel> ends() {
        return List.copyOf(ends);
    }

    /** Whether this way, in either direction, is closed now or was since then. */
    boolean hasHeld(SimProcess one, SimProcess other, long sinceUs) {
        return hasHeldOneWay(new Direction(one.number, other.number), sinceUs)
                || hasHeldOneWay(new Direction(other.number, one.number), sinceUs);
    }

    private boolean hasHeldOneWay(Direction way, long sinceUs) {
        return blocked.contains(way) || freedUs.getOrDefault(way, Long.MIN_VALUE) > sinceUs;
    }

    private void free(Direction way) {
        if (blocked.remove(way)) {
            freedUs.put(way, world.clock.nowUs());
        }
    }

    /** Whether anything is held back between the two now. */
    boolean isHeld(SimProcess one, SimProcess other) {
        return holds(one, other, true) || holds(other, one, true);
    }

    void block(SimProcess from, SimProcess to) {
        blocked.add(new Direction(from.number, to.number));
    }

    void blockWrites(SimProcess from, SimProcess to) {
        writesBlocked.add(new Direction(from.number, to.number));
    }

    void unblock(SimProcess from, SimProcess to) {
        world.causes.between(from, to, 0);
        free(new Direction(from.number, to.number));
        writesBlocked.remove(new Direction(from.number, to.number));
        release();
    }

    void heal() {
        blocked.forEach(way -> world.causes.between(world.processes.get(way.from()), world.processes.get(way.to()), 0));
        writesBlocked.forEach(
                way -> world.causes.between(world.processes.get(way.from()), world.processes.get(way.to()), 0));
        Set.copyOf(blocked).forEach(this::free);
        writesBlocked.clear();
        release();
    }

    private void release() {
        world.releaseAll();
    }

    /** The channel to the process at this address: the living one, or one that is dialled. */
    Future<SimChannel> connect(SimProcess from, ProcessAddress address) {
        for (SimChannel channel : from.channels.values()) {
            if (channel.alive && channel.peer.id.equals(address.process())) {
                return Future.succeededFuture(channel);
            }
        }
        SimProcess target = world.byId(address.process());
        if (world.stranger != null && world.stranger.process.equals(address.process())) {
            throw new Invariants.Violation(
                    "S-1: nobody dials where a stranger sends it: " + from + " dials " + address);
        }
        if (target == null) {
            return Future.failedFuture(failure(ConnectException.Kind.REFUSED));
        }
        var direction = new Direction(from.number, target.number);
        Dial underWay = dials.get(direction);
        if (underWay != null) {
            return underWay.promise.future();
        }
        var dial = new Dial();
        dials.put(direction, dial);
        dial.promise.future().onComplete(_ -> dials.remove(direction, dial));
        from.post(DIAL_MS * 1_000, () -> dial.failed(ConnectException.Kind.SILENT));
        if (world.faults.strikes(Fault.DIAL_FAILED)) {
            world.causes.between(from, target, latencyUs());
            from.post(latencyUs(), () -> dial.failed(ConnectException.Kind.SILENT));
        } else {
            world.clock.after(latencyUs(), () -> arrive(from, target, address, dial));
        }
        return dial.promise.future();
    }

    private void arrive(SimProcess from, SimProcess target, ProcessAddress address, Dial dial) {
        SimProcess there = world.listeningAt(address);
        if (target.hostDead && there == null || from.crashed) {
            return;
        }
        if (there == null) {
            from.post(latencyUs(), () -> dial.failed(ConnectException.Kind.REFUSED));
            return;
        }
        if (holds(from, there, false)) {
            return;
        }
        there.post(latencyUs(), () -> hello(from, there, address, dial));
    }

    private void hello(SimProcess from, SimProcess there, ProcessAddress address, Dial dial) {
        if (!dial.isPending() || from.crashed || holds(there, from, false)) {
            return;
        }
        if (!there.id.equals(address.process())) {
            from.post(latencyUs(), () -> dial.failed(ConnectException.Kind.OTHER_PROCESS));
            return;
        }
        Dial opposite = dials.get(new Direction(there.number, from.number));
        if (opposite != null && opposite.isPending() && there.id.compareTo(from.id) < 0) {
            return;
        }
        for (SimChannel old : List.copyOf(there.channels.values())) {
            boolean sameAddress = old.peer.host.equals(from.host) && old.peer.port == from.port;
            if (old.alive && (old.peer == from || sameAddress)) {
                old.end(
                        LossEvidence.Kind.REPLACED,
                        "a later hello of the same process, or of a new one at its address");
            }
        }
        SimChannel.accept(world, there, from, dial);
        if (opposite != null) {
            there.channels.values().stream()
                    .filter(channel -> channel.peer == from && channel.alive)
                    .findFirst()
                    .ifPresent(opposite::succeeded);
        }
    }
}
