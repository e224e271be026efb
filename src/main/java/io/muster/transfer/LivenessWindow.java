package io.muster.transfer;

/**
 * How long the other end has been silent, told fairly: a process whose own tick comes late was stopped or collected garbage, has not read
 * what arrived meanwhile, and starts its window anew instead of accusing (P-9). For one event loop; time is an argument.
 */
public final class LivenessWindow {
  /** What a tick says. */
  public sealed interface Verdict {
    record Alive() implements Verdict {}

    /** Our own tick came this much too late: nobody is accused. */
    record Restarted(long lateMs) implements Verdict {}

    record Silent(long silentMs) implements Verdict {}
  }

  private static final Verdict ALIVE = new Verdict.Alive();

  private final long intervalNanos;
  private final int misses;
  private long lastHeardNanos;
  private long lastTickNanos;

  public LivenessWindow(long intervalMs, int misses, long nowNanos) {
    this.intervalNanos = intervalMs * 1_000_000;
    this.misses = misses;
    this.lastHeardNanos = nowNanos;
    this.lastTickNanos = nowNanos;
  }

  public void heard(long nowNanos) {
    lastHeardNanos = nowNanos;
  }

  /** To be called every interval. */
  public Verdict tick(long nowNanos) {
    long lateNanos = nowNanos - lastTickNanos - intervalNanos;
    lastTickNanos = nowNanos;
    if (lateNanos > intervalNanos / 2) {
      lastHeardNanos = nowNanos;
      return new Verdict.Restarted(lateNanos / 1_000_000);
    }
    long silentNanos = nowNanos - lastHeardNanos;
    return silentNanos >= misses * intervalNanos ? new Verdict.Silent(silentNanos / 1_000_000) : ALIVE;
  }
}
