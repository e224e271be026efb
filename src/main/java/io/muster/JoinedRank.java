package io.muster;

import io.muster.barrier.AllConnected;
import io.muster.barrier.StuckReport;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.Session;
import io.muster.segment.SegmentInfo;
import io.muster.transfer.Channel;
import io.muster.transfer.LocalTransport;
import io.muster.transfer.Region;
import io.muster.transfer.RemoteRegion;
import io.vertx.core.Future;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

/**
 * A rank that this process has joined a group with. All methods may be called from any thread; futures complete on the caller's context, if
 * the caller has one of the same Vert.x, except those of {@link #write}.
 */
public final class JoinedRank {
  private final GroupRuntime runtime;
  private final int rank;
  private final Member member;
  private final LocalTransport local;

  JoinedRank(GroupRuntime runtime, Member member) {
    this.runtime = runtime;
    this.rank = member.rank();
    this.member = member;
    this.local = new LocalTransport(runtime.process().regions());
  }

  public GroupName group() {
    return runtime.name();
  }

  public int worldSize() {
    return runtime.worldSize();
  }

  /** The rank with the life that this process published it under. */
  public Member member() {
    return member;
  }

  /**
   * The rank's own memory under this name; others write into it.
   *
   * @throws MusterException of kind CONFIG if no such segment was registered, FATAL if the rank has left
   */
  public MemorySegment segment(String name) {
    Region region = runtime.seat(rank).segment(name);
    if (region == null) {
      throw MusterException.config("rank " + rank + " of group " + group() + " has no segment '" + name + "'");
    }
    return region.memory();
  }

  /**
   * Registers memory after joining: allocates it off the heap, zeroed, and publishes the rank's handle anew, with a greater revision of the
   * same life. Links stay up, and the epoch stands.
   *
   * @param name unique within the rank, 1 to 64 characters, not blank
   * @param bytes at least 1
   * @return the memory, when the new handle is in the store; others see it in {@link #segments} a moment later. While the store does not
   *     answer, it is tried again. Fails with CONFIG if the name is taken, or the memory can't be had, with FATAL if the rank is not in the
   *     group or leaves it first
   */
  public Future<MemorySegment> register(String name, long bytes) {
    return runtime.process().own().run("register segment '" + name + "' of " + this, this::whatIsMissing, () -> runtime.register(rank, name, bytes).map(Region::memory));
  }

  /**
   * The segments of a rank, this one included: those in the newest handle that has arrived here, in the order of registration.
   *
   * @return empty if the rank has none, or none that is known here yet
   * @throws MusterException of kind CONFIG if there is no such rank, FATAL if it is this one and has left
   */
  public List<SegmentInfo> segments(int peer) {
    if (peer < 0 || peer >= worldSize()) {
      throw MusterException.config("rank " + peer + " is outside the world size " + worldSize() + " of group " + group() + ": ranks are 0.."
          + (worldSize() - 1));
    }
    if (peer == rank) {
      return runtime.seat(rank).segmentInfos();
    }
    LinkTable.Row row = runtime.links().row(rank, peer);
    return row == null ? List.of() : published(row.state());
  }

  private static List<SegmentInfo> published(LinkState state) {
    var target = state.history().target();
    return target == null ? List.of() : target.entry().handle().segments();
  }

  /**
   * Waits until all ranks are connected in an epoch that this rank is in.
   *
   * @return completes from the store's truth, at once if they are now; fails with RETRY, the stuck report and the file of the flight record when
   *     the deadline passes, and with FATAL when the rank ends, leaves or is closed first
   */
  public Future<AllConnected> allConnected(Duration deadline) {
    return here(runtime.barrier().allConnected(rank, deadline.toMillis())
        .recover(failure -> runtime.process().flight().deadlineMissed(group(), rank, failure)));
  }

  /** Who is missing now, as this process sees it; fails with FATAL if the group is closed here. */
  public Future<StuckReport> report() {
    return here(runtime.barrier().report());
  }

  /**
   * Writes into a segment of another rank, or of this one.
   *
   * @param peer rank to write to, 0 to world size − 1
   * @param segment name under which that rank has registered it
   * @param offset first byte in the target segment
   * @param source off-heap memory, at least 1 byte; must stay valid and unchanged until the future completes
   * @return completes when the bytes have been applied at the destination, on whichever thread learns of it; fails with a
   *     {@link io.muster.transfer.WriteException} if they were not, with RETRY if the link to that rank is not CONNECTED, with CONFIG if it
   *     has no such segment
   */
  public Future<Void> write(int peer, String segment, long offset, MemorySegment source) {
    LinkTable.Row row = runtime.links().row(rank, peer);
    if (row == null || !(row.state() instanceof LinkState.Connected connected)) {
      return Future.failedFuture(MusterException.retry("rank " + rank + " of group " + group() + " is not connected to rank " + peer
          + " (" + (row == null ? "no link" : row.state().name()) + "); wait for all-connected"));
    }
    if (peer == rank) {
      Region region = runtime.seat(rank).segment(segment);
      return region == null ? noSegment(peer, segment) : local.write(region.remote(), offset, source);
    }
    SegmentInfo info = published(connected).stream().filter(one -> one.name().equals(segment)).findFirst().orElse(null);
    if (info == null) {
      return noSegment(peer, segment);
    }
    var region = new RemoteRegion(info.region(), info.key(), info.bytes());
    Session session = connected.session();
    if (session == null) {
      return local.write(region, offset, source);
    }
    Channel channel = runtime.process().channel(session.generation());
    return channel == null ? Future.failedFuture(MusterException.retry("the connection to rank " + peer + " of group " + group()
        + " has just ended; wait for all-connected")) : channel.write(region, offset, source);
  }

  private Future<Void> noSegment(int peer, String segment) {
    return Future.failedFuture(MusterException.config("rank " + peer + " of group " + group() + " has published no segment '" + segment
        + "'"));
  }

  GroupRuntime runtime() {
    return runtime;
  }

  /**
   * Leaves the group: the others are told, nobody is blamed. Waits of this rank fail with FATAL.
   *
   * @return completes when the seat is free and the memory released, or leaked because a transfer still uses it after
   *     {@code peer.close.timeoutMs}; at once if the rank has left before
   */
  public Future<Void> leave() {
    return runtime.process().own().run("leave " + this, this::whatIsMissing, () -> runtime.process().leave(group(), rank));
  }

  private Future<String> whatIsMissing() {
    return runtime.process().whatIsMissing(group());
  }

  @Override
  public String toString() {
    return "rank " + rank + " of group " + group();
  }

  private <T> Future<T> here(Future<T> there) {
    return OwnContext.here(runtime.process().vertx(), there);
  }
}
