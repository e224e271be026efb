package io.muster.sim;

import io.muster.barrier.Gossip;
import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMessage;
import io.muster.peer.PairId;
import io.muster.peer.Session;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One end of the connections between two processes: a control connection in order, and bulk writes in an order of their own. */
final class SimChannel {
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
  private long lastHeardUs;
  private long lastTickUs;
  private long nextWrite;
  private final Map<Long, Write> writes = new HashMap<>();
  private Set<PairId> doubted = Set.of();

  private record Write(PairId pair, SimLink link) {}

  /** What a liveness message says. */
  private record Beat(long epoch, EpochRecord.State state, Set<PairId> pairs) {}

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
        dial.succeeded(there);
      } else {
        there.sendEnd();
      }
    });
  }

  private void up() {
    alive = true;
    lastHeardUs = world.clock.nowUs();
    lastTickUs = lastHeardUs;
    world.network.add(this);
    self.channels.put(generation, this);
    self.channelUp(this);
    self.post(world.chance.between(1, INTERVAL_MS * 1_000), this::tick);
  }

  // ---- control

  private void send(Runnable arrival) {
    if (alive) {
      long delayUs = world.network.latencyUs();
      if (world.faults.strikes(Fault.MESSAGE_SLOW)) {
        delayUs += world.chance.between(1_000, 1_500_000);
      }
      SimChannel to = other;
      to.control.send(delayUs, () -> {
        if (to.alive) {
          to.lastHeardUs = world.clock.nowUs();
          arrival.run();
        }
      });
    }
  }

  void send(LinkMessage message) {
    world.trace(() -> self + " sends " + peer + " " + message);
    send(() -> other.self.linkMessage(other, message));
  }

  void send(Gossip gossip) {
    send(() -> other.self.core.keyChanged(gossip.key(), gossip.value()));
  }

  /** Asks whether the other end's process holds this life. */
  void askHolds(Member member, Promise<Boolean> answer) {
    SimChannel there = other;
    send(() -> {
      boolean holds = there.self.holds(member);
      there.send(() -> answer.tryComplete(holds));
    });
  }

  void askReaches(RankEntry entry, Promise<Boolean> answer) {
    SimChannel there = other;
    send(() -> there.self.askIncumbent(entry).onSuccess(asked -> {
      boolean reaches = asked.answer() == io.muster.barrier.SeatEvent.IncumbentAnswered.Answer.HOLDS;
      there.send(() -> answer.tryComplete(reaches));
    }));
  }

  // ---- liveness

  private void tick() {
    if (!alive) {
      return;
    }
    long now = world.clock.nowUs();
    long lateUs = now - lastTickUs - INTERVAL_MS * 1_000;
    lastTickUs = now;
    if (lateUs > INTERVAL_MS * 500) {
      lastHeardUs = now;
    } else if (now - lastHeardUs >= MISSES * INTERVAL_MS * 1_000) {
      end("SILENCE", "nothing heard for " + (now - lastHeardUs) / 1_000 + " ms");
      return;
    }
    EpochRecord epoch = self.core.barrier().epoch();
    Set<PairId> pairs = self.pairsOver(generation);
    var beat = epoch == null ? new Beat(0, EpochRecord.State.OPEN, pairs) : new Beat(epoch.number(), epoch.state(), pairs);
    SimChannel there = other;
    send(() -> there.heard(beat));
    self.post(INTERVAL_MS * 1_000, this::tick);
  }

  private void heard(Beat beat) {
    if (beat.epoch() > 0) {
      self.post(world.busUs(), () -> self.core.peerSaw(beat.epoch(), beat.state()));
    }
    Set<PairId> doubts = new HashSet<>();
    self.forEachConnected(generation, (link, session) -> {
      if (!beat.pairs().contains(session.pairId())) {
        doubts.add(session.pairId());
        if (doubted.contains(session.pairId())) {
          link.tell(new LinkEvent.PairNotHeld(session.pairId()));
        }
      }
    });
    doubted = doubts;
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
      write.link().later(applied ? new LinkEvent.WriteApplied(write.pair()) : new LinkEvent.WriteFailed(write.pair(), "unknown region"));
    }
  }

  // ---- the end

  /** This end sees that the channel is over, and lets go of its sockets. */
  void end(String kind, String detail) {
    if (alive) {
      sendEnd();
      endUnheard(kind, detail);
    }
  }

  /** The other end has to find out by itself. */
  void endUnheard(String kind, String detail) {
    if (!alive) {
      return;
    }
    alive = false;
    world.network.remove(this);
    self.channels.remove(generation);
    List<Write> open = new ArrayList<>(writes.values());
    writes.clear();
    open.forEach(write -> write.link().later(new LinkEvent.WriteFailed(write.pair(), "the channel has ended")));
    self.channelLost(this, kind, detail);
  }

  private void sendEnd() {
    SimChannel to = other;
    to.control.send(world.network.latencyUs(), () -> to.end("SOCKET_CLOSED", "closed by the other end"));
  }

  /** The process is gone; whether the other end hears of it is another matter. */
  void vanish(boolean heard) {
    alive = false;
    world.network.remove(this);
    if (heard) {
      sendEnd();
    }
  }

  /** The network lets things through again. */
  void release() {
    control.release();
    bulk.release();
  }
}
