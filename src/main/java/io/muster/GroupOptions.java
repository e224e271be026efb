package io.muster;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which rank of which group to join, and the memory that it registers.
 *
 * @param segments registered before the rank is published, so that whoever sees the rank sees them all
 */
public record GroupOptions(GroupName group, int rank, int worldSize, List<Segment> segments) {

  /**
   * Memory that others may write into, allocated off the heap and zeroed.
   *
   * @param name unique within the rank, 1 to 64 characters
   */
  public record Segment(String name, long bytes) {}

  public GroupOptions {
    if (worldSize < 1 || worldSize > Member.MAX_WORLD_SIZE) {
      throw MusterException.config("world size must be in 1.." + Member.MAX_WORLD_SIZE + ", got " + worldSize);
    }
    if (rank < 0 || rank >= worldSize) {
      throw MusterException.config("rank " + rank + " is outside the world size " + worldSize + ": ranks are 0.." + (worldSize - 1));
    }
    segments = List.copyOf(segments);
    if (segments.stream().map(Segment::name).distinct().count() != segments.size()) {
      throw MusterException.config("segments of rank " + rank + " have the same name");
    }
  }

  /** A rank without segments. */
  public static GroupOptions of(String group, int rank, int worldSize) {
    return new GroupOptions(new GroupName(group), rank, worldSize, List.of());
  }

  /** The same with one more segment. */
  public GroupOptions segment(String name, long bytes) {
    List<Segment> all = new ArrayList<>(segments);
    all.add(new Segment(name, bytes));
    return new GroupOptions(group, rank, worldSize, all);
  }
}
