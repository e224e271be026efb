package io.muster.segment;

/**
 * One registered segment as others see it.
 *
 * @param name the application's name for it, unique within its rank
 * @param region number of the region within its process
 * @param key remote key that a write must carry
 * @param bytes length
 */
public record SegmentInfo(String name, int region, long key, long bytes) {
  public SegmentInfo {
    if (name.isBlank() || name.length() > 64) {
      throw new IllegalArgumentException("segment name must have 1 to 64 characters, got " + name.length());
    }
    if (bytes < 1) {
      throw new IllegalArgumentException("segment " + name + " of " + bytes + " bytes");
    }
  }
}
