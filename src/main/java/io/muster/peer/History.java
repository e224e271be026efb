package io.muster.peer;

import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.transfer.ChannelGeneration;
import org.jspecify.annotations.Nullable;

/**
 * What a link remembers across its states.
 *
 * @param target the peer's newest usable entry and how it is reached, null if there is none now
 * @param newest the newest life of the peer that has been seen, usable or not
 * @param over true if {@code newest} is known to be over: nothing connects to it any more
 * @param attempt writer: last attempt used; waiter: greatest attempt seen from the life {@code newest}
 * @param failures failures in a row, 0 after CONNECTED
 * @param trouble the last thing that went wrong, null if nothing has since CONNECTED
 * @param writing a warmup write that is not known to have ended: no other is posted over its channel before it has
 */
public record History(@Nullable Target target, @Nullable Member newest, boolean over, int attempt, int failures,
    @Nullable Trouble trouble, @Nullable PendingWrite writing) {
  public static final History EMPTY = new History(null, null, false, 0, 0, null, null);

  /** A usable entry and how its process is reached from here. */
  public record Target(RankEntry entry, LinkEvent.Reach reach) {}

  /** A write that has been posted: of which attempt, over which channel. */
  public record PendingWrite(int attempt, ChannelGeneration generation) {}

  /**
   * What went wrong last.
   *
   * @param detail one sentence
   */
  public record Trouble(Phase phase, String detail) {}

  /** How far a link had come when something went wrong: the phases of the stuck report. */
  public enum Phase { VANISHED, REJECTED, DIAL, REFUSED, OPEN, WARMUP, LOST }

  History withTarget(Target next) {
    Member member = next.entry().member();
    boolean sameLife = newest == null || member.equals(newest);
    return new History(next, member, false, sameLife ? attempt : 0, sameLife ? failures : 0, trouble, writing);
  }

  /** Forgets the usable entry, but never the newest life that was seen. */
  History vanished(Trouble why) {
    return new History(null, newest, over, attempt, failures, why, writing);
  }

  /** The peer's seat is known to be held by this life, of which no entry is known yet. */
  History succeededBy(Member member, Trouble why) {
    return new History(null, member, false, 0, 0, why, writing);
  }

  History ended(Member member, Trouble why) {
    return new History(null, member, true, member.equals(newest) ? attempt : 0, 0, why, writing);
  }

  History withAttempt(int next) {
    return new History(target, newest, over, next, failures, trouble, writing);
  }

  History failed(Phase phase, String detail) {
    return new History(target, newest, over, attempt, failures + 1, new Trouble(phase, detail), writing);
  }

  History troubled(Phase phase, String detail) {
    return new History(target, newest, over, attempt, failures, new Trouble(phase, detail), writing);
  }

  History connected() {
    return new History(target, newest, over, attempt, 0, null, writing);
  }

  History withWriting(@Nullable PendingWrite next) {
    return new History(target, newest, over, attempt, failures, trouble, next);
  }

  /** The write of this attempt has ended, well or not. */
  History writeEnded(int ofAttempt) {
    return writing != null && writing.attempt() == ofAttempt ? withWriting(null) : this;
  }

  /** Every write over this channel has ended. */
  History channelEnded(ChannelGeneration generation) {
    return isWritingOver(generation) ? withWriting(null) : this;
  }

  boolean isWritingOver(ChannelGeneration generation) {
    return writing != null && writing.generation().equals(generation);
  }
}
