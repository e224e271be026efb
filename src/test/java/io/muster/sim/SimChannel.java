// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMessage;
import io.muster.peer.PairId;
import io.muster.peer.Session;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LivenessWindow;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One end of the connections between two processes: a control connection in order, and bulk writes in an order of their
 * own. A model of the network, with delays and losses on the virtual clock; tests that need no network use
 * {@link io.muster.transfer.RecordingChannel}.
 */
final class SimChannel implements Channel {
    static final long INTERVAL_MS = 1_000;
    static final int MISSES = 3;

    final World world;
    final SimProcess self;
    final SimProcess peer;
    final ChannelGeneration generation;
    private final Pipe control;
    private final Pipe bulk;
    private SimChannel other = this;
    /** True until its end was seen here. */
    boolean alive;

    private final LivenessWindow window;
    private boolean suspected;
    private long nextWrite;
    private final Map<Long, Write> writes = new HashMap<>();

    private record Write(PairId pair, SimLink link) {}

    /** One direction of one socket, as the end that it leads to sees it. */
    private static final class Pipe {
        private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
        private final SimChannel to;
        private final boolean carriesWrites;
        private int held;

        Pipe(SimChannel to, boolean carriesWrites) {
            this.to = to;
            this.carriesWrites = carriesWrites;
        }

        void send(long delayUs, Runnable arrival) {
            waiting.add(arrival);
            to.self.post(delayUs, this::pump);
        }

        private void pump() {
            if (to.world.network.holds(to.peer, to.self, carriesWrites)) {
                held++;
                return;
            }
            Runnable next = waiting.poll();
            if (next != null) {
                next.run();
            }
        }

        void release() {
            for (; held > 0; held--) {
                to.self.post(to.world.network.latencyUs(), this::pump);
            }
        }
    }

    private SimChannel(World world, SimProcess self, SimProcess peer, ChannelGeneration generation) {
        this.world = world;
        this.self = self;
        this.peer = peer;
        this.generation = generation;
        this.control = new Pipe(this, false);
        this.bulk = new Pipe(this, true);
        this.window = new LivenessWindow(INTERVAL_MS, MISSES, world.clock.nowUs() * 1_000);
    }

    /** The acceptor's end is up at once, the dialler's when the answer has come. */
    static void accept(World world, SimProcess acceptor, SimProcess dialler, SimNetwork.Dial dial) {
        long mine = world.chance.any();
        long theirs = world.chance.any();
        var here = new SimChannel(world, acceptor, dialler, new ChannelGeneration(mine, theirs));
        var there = new SimChannel(world, dialler, acceptor, new ChannelGeneration(theirs, mine));
        here.other = there;
        there.other = here;
        here.up();
        there.control.send(world.network.latencyUs(), () -> {
            if (dial.isPending() && here.alive) {
                there.up();
                world.causes.up(acceptor, dialler);
                dial.succeeded(there);
            } else {
                there.sendEnd(LossEvidence.Kind.SOCKET_CLOSED);
            }
        });
    }

    private void up() {
        alive = true;
        window.tick(world.clock.nowUs() * 1_000);
        window.received(world.clock.nowUs() * 1_000);
        world.network.add(this);
        self.channels.put(generation, this);
        self.routing.opened(this);
        self.post(INTERVAL_MS * 1_000, this::tick);
    }

    @Override
    public ProcessId peer() {
        return peer.id;
    }

    @Override
    public ProcessAddress address() {
        return new ProcessAddress(peer.id, peer.host, peer.port);
    }

    @Override
    public ChannelGeneration generation() {
        return generation;
    }

    @Override
    public Future<Void> prove() {
        return Future.succeededFuture();
    }

    @Override
    public byte[] binding() {
        return new byte[0];
    }

    @Override
    public void grant(GroupName group) {}

    @Override
    public boolean isGranted(GroupName group) {
        return true;
    }

    @Override
    public boolean isAlive() {
        return alive;
    }

    @Override
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        throw new UnsupportedOperationException("warmup values are written by write(Session, long, SimLink)");
    }

    @Override
    public void close(LossEvidence reason) {
        end(reason.kind(), reason.detail());
    }

    // ---- control

    private void send(Runnable arrival) {
        if (alive) {
            long delayUs = world.network.latencyUs();
            if (world.faults.strikes(Fault.MESSAGE_SLOW)) {
                delayUs += world.chance.between(1_000, 1_500_000);
                world.causes.between(self, peer, delayUs);
            }
            SimChannel to = other;
            to.control.send(delayUs, () -> {
                if (to.alive) {
                    to.window.received(world.clock.nowUs() * 1_000);
                    arrival.run();
                }
            });
        }
    }

    /** As bytes, as between processes: what the codecs do not carry does not arrive. */
    @Override
    public void send(ControlKind kind, Buffer payload) {
        SimChannel to = other;
        send(() -> to.received(kind, payload));
    }

    void send(LinkMessage message) {
        world.trace(() -> self + " sends " + peer + " " + message);
        send(ControlKind.LINK, LinkCodec.encode(message));
    }

    private void received(ControlKind kind, Buffer payload) {
        self.routing.received(this, kind, payload);
    }

    // ---- liveness

    private void tick() {
        if (!alive) {
            return;
        }
        judge(window.tick(world.clock.nowUs() * 1_000));
        if (alive) {
            self.post(INTERVAL_MS * 1_000, this::tick);
        }
    }

    private void judge(LivenessWindow.Verdict verdict) {
        switch (verdict) {
            case LivenessWindow.Verdict.Silent(long silentMs) -> {
                world.invariants.accused(this, silentMs);
                end(LossEvidence.Kind.SILENCE, "nothing heard for " + silentMs + " ms");
            }
            case LivenessWindow.Verdict.Suspect(long afterMs) -> {
                if (!suspected) {
                    suspected = true;
                    self.post(afterMs * 1_000, this::confirm);
                }
            }
            case LivenessWindow.Verdict.Alive _, LivenessWindow.Verdict.Restarted _ -> {
                SimChannel there = other;
                send(there::answerLiveness);
            }
        }
    }

    private void confirm() {
        suspected = false;
        if (alive) {
            judge(window.confirm(world.clock.nowUs() * 1_000));
        }
    }

    boolean isDeadThere() {
        return !other.alive;
    }

    private void answerLiveness() {
        Buffer payload = self.routing.livenessPayload(this);
        SimChannel there = other;
        send(() -> there.self.routing.livenessReceived(there, payload));
    }

    // ---- bulk

    /** Writes the warmup value into the peer's slot. */
    void write(Session session, long value, SimLink link) {
        long id = nextWrite++;
        writes.put(id, new Write(session.pairId(), link));
        SimChannel to = other;
        to.bulk.send(world.network.latencyUs(), () -> {
            if (to.alive) {
                boolean applied = to.self.slotWritten(session.peerSlot(), value);
                bulk.send(world.network.latencyUs(), () -> written(id, applied));
            }
        });
    }

    private void written(long id, boolean applied) {
        Write write = writes.remove(id);
        if (write != null) {
            write.link()
                    .later(
                            applied
                                    ? new LinkEvent.WriteApplied(write.pair())
                                    : new LinkEvent.WriteFailed(write.pair(), "unknown region"));
        }
    }

    // ---- the end

    /** This end sees that the channel is over, says so, and lets go of its sockets. */
    void end(LossEvidence.Kind kind, String detail) {
        if (alive) {
            sendEnd(kind);
            endUnheard(kind, detail);
        }
    }

    /** The other end has to find out by itself. */
    void endUnheard(LossEvidence.Kind kind, String detail) {
        if (!alive) {
            return;
        }
        alive = false;
        world.network.remove(this);
        self.channels.remove(generation);
        List<Write> open = new ArrayList<>(writes.values());
        writes.clear();
        open.forEach(write -> write.link().later(new LinkEvent.WriteFailed(write.pair(), "the channel has ended")));
        var evidence = new LossEvidence(kind, detail);
        world.trace(() -> self + " lost its channel to " + peer + ": " + evidence);
        self.routing.lost(this, evidence);
    }

    /** What the other end understands of it. */
    private void sendEnd(LossEvidence.Kind kind) {
        SimChannel to = other;
        LossEvidence.Kind heard = switch (kind) {
            case SILENCE -> LossEvidence.Kind.UNHEARD;
            case REPLACED -> LossEvidence.Kind.REPLACED;
            case STALLED -> LossEvidence.Kind.STALLED;
            case OUT_OF_MEMORY -> LossEvidence.Kind.PEER_OUT_OF_MEMORY;
            case SOCKET_CLOSED, PROTOCOL_ERROR, CLOSED_HERE, UNHEARD, PEER_OUT_OF_MEMORY ->
                LossEvidence.Kind.SOCKET_CLOSED;
        };
        to.control.send(world.network.latencyUs(), () -> to.end(heard, "ended by the other end"));
    }

    /** The process is gone; whether the other end hears of it is another matter. */
    void vanish(boolean heard) {
        alive = false;
        world.network.remove(this);
        if (heard) {
            sendEnd(LossEvidence.Kind.SOCKET_CLOSED);
        }
    }

    /** The network lets things through again. */
    void release() {
        control.release();
        bulk.release();
    }
}
