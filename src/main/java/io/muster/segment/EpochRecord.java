package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.Member;
import java.util.List;

/**
 * The value of {@code <group>/epoch}: one agreed vector of members and one outcome for it.
 *
 * @param number from 1, strictly increasing
 * @param vector one member per rank, in the order of ranks
 * @param lastComplete greatest number below or at this one that was COMPLETE, 0 if none was
 * @param lost who was lost from {@code lastComplete} when it ended, empty while it stands
 */
public record EpochRecord(GroupName group, long number, List<Member> vector, State state, long lastComplete, List<LostMember> lost) {
  /** The order is the wire's, and at equal numbers the order of records: append only. */
  public enum State { OPEN, COMPLETE, DEGRADED }

  public EpochRecord {
    vector = List.copyOf(vector);
    lost = List.copyOf(lost);
    if (number < 1) {
      throw new IllegalArgumentException("epoch number " + number);
    }
    if (vector.isEmpty() || vector.size() > Member.MAX_WORLD_SIZE) {
      throw new IllegalArgumentException("a vector of " + vector.size() + " members");
    }
    for (int rank = 0; rank < vector.size(); rank++) {
      if (vector.get(rank).rank() != rank) {
        throw new IllegalArgumentException("seat " + rank + " holds rank " + vector.get(rank).rank());
      }
    }
    if (lastComplete < 0 || lastComplete > number) {
      throw new IllegalArgumentException("last complete epoch " + lastComplete + " at number " + number);
    }
  }

  public int worldSize() {
    return vector.size();
  }

  /** What a ready mark must carry: number, world size and vector, but not the outcome. */
  public Digest digest() {
    var out = new CanonicalWriter().text(group.value()).i64(number).i32(vector.size());
    vector.forEach(member -> Schema.write(out, member));
    return Digest.of(out.toByteArray());
  }

  /**
   * The order of records: number, then DEGRADED over COMPLETE over OPEN, then the greater last COMPLETE, so that no merge forgets one. Equal
   * numbers with different vectors have no order.
   */
  public boolean supersedes(EpochRecord other) {
    if (number != other.number) {
      return number > other.number;
    }
    return state != other.state ? state.compareTo(other.state) > 0 : lastComplete > other.lastComplete;
  }

  public EpochRecord complete() {
    return new EpochRecord(group, number, vector, State.COMPLETE, number, List.of());
  }

  /** @param newlyLost who was lost; kept only if this epoch was COMPLETE, since nobody was ever told of another */
  public EpochRecord degraded(List<LostMember> newlyLost) {
    return new EpochRecord(group, number, vector, State.DEGRADED, lastComplete, state == State.COMPLETE ? newlyLost : lost);
  }
}
