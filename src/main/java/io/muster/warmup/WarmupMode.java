package io.muster.warmup;

import io.muster.group.MusterException;
import java.util.Locale;

/** The setting {@code warmup.mode}, the same for all ranks of a group. */
public enum WarmupMode {
  /** Short-circuit over a fabric that is proven on both sides, else exchange. The default. */
  AUTO,
  /** Always exchange. */
  EXCHANGE,
  /** Connected at once, with nothing tried: what the original does when it believes in a fabric. */
  SKIP;

  /**
   * @throws MusterException of kind CONFIG if there is no such mode, or not yet
   */
  public static WarmupMode parse(String text) {
    return switch (text) {
      case "auto" -> AUTO;
      case "exchange" -> EXCHANGE;
      case "skip" -> SKIP;
      case "fabric" -> throw MusterException.config("warmup.mode=fabric is not available in this version; use auto, exchange or skip");
      default -> throw MusterException.config("warmup.mode must be auto, exchange or skip, got '" + text + "'");
    };
  }

  /** As it is written in a configuration. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return text();
  }
}
