package io.muster.ops;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many files and sockets this process may open: what fails for want of them says everything but that. */
public final class FileLimit {
  private static final long FEW_LEFT = 16;
  /** A small group with its cluster needs about a hundred. */
  private static final long FEW = 256;

  private static final String RAISE = ": raise its limit (ulimit -n) to 1024 or more";

  private FileLimit() {}

  /** Empty while there are enough; otherwise a clause that says so. */
  public static String hint() {
    try {
      return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
          ? hint(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount()) : "";
    } catch (LinkageError e) { // not even the library that could tell can be opened
      return hint(String.valueOf(e.getMessage()));
    }
  }

  /** The same from what a failure says. */
  public static String hint(String failure) {
    return failure.contains("Too many open files") || failure.contains("Failed to open a Selector")
        ? "; this process may open too few files and sockets" + RAISE : "";
  }

  static String hint(long open, long limit) {
    return limit >= FEW && limit - open >= FEW_LEFT ? "" : "; this process may open " + limit + " files and sockets and has " + open
        + " open" + RAISE;
  }
}
