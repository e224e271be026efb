package io.muster;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How many files and sockets this process may open: what fails for want of them says everything but that. */
final class FileLimit {
  private static final long FEW_LEFT = 16;
  /** A small group with its cluster needs about a hundred. */
  private static final long FEW = 256;

  private FileLimit() {}

  /** Empty while there are enough; otherwise a clause that says so. */
  static String hint() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
        ? hint(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount()) : "";
  }

  static String hint(long open, long limit) {
    return limit >= FEW && limit - open >= FEW_LEFT ? "" : "; this process may open " + limit + " files and sockets and has " + open
        + " open: raise its limit (ulimit -n) to 1024 or more";
  }
}
