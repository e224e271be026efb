package io.muster.cuda;

/**
 * How a GPU's thread waits when it has nothing to do. Looking costs a core and is exact; a sleep costs nothing and ends late, by the {@link SleepMargin};
 * being woken by the driver costs nothing and comes some 30 µs late.
 */
sealed interface Waiting {
  /** A copy that takes no longer is looked after: it is over before any other way would have paid. */
  long SHORT_NANOS = 20_000;
  /** What should have ended so long ago takes longer than is known. */
  long LATE_NANOS = 60_000;
  /** A shorter sleep is none. */
  long WORTH_NANOS = 10_000;

  record Look() implements Waiting {}

  record Sleep(long nanos) implements Waiting {}

  /** By the driver, or by whoever hands something over. */
  record ToBeWoken() implements Waiting {}

  Look LOOK = new Look();
  ToBeWoken TO_BE_WOKEN = new ToBeWoken();

  /**
   * @param lookNanos how long to look yet, since something short was started or something ended; negative if that is over
   * @param untilDueNanos until the first copy under way should be done; {@link CopyPace#UNKNOWN} if there is none, or that is not known
   * @param marginNanos how much earlier a sleep has to end
   */
  static Waiting of(long lookNanos, long untilDueNanos, long marginNanos) {
    if (lookNanos > 0) {
      return LOOK;
    }
    if (untilDueNanos == CopyPace.UNKNOWN || untilDueNanos < -LATE_NANOS) {
      return TO_BE_WOKEN;
    }
    long sleepNanos = untilDueNanos - marginNanos;
    return untilDueNanos > SHORT_NANOS && sleepNanos > WORTH_NANOS ? new Sleep(sleepNanos) : LOOK;
  }
}
