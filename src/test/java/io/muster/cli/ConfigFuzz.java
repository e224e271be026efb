package io.muster.cli;

import io.muster.MusterOptions;
import io.muster.group.MusterException;
import java.nio.charset.StandardCharsets;

/** What people write into settings files, for {@link io.muster.Fuzz}. */
public final class ConfigFuzz {
  private ConfigFuzz() {}

  /** Settings, or a MusterException that says what is wrong: nothing else. */
  public static void settings(byte[] input) {
    try {
      MusterOptions options = MusterOptions.fromJson(ConfigFile.parse("fuzz", new String(input, StandardCharsets.UTF_8)));
      if (!MusterOptions.fromJson(options.toJson()).equals(options)) {
        throw new AssertionError("settings that do not come back");
      }
    } catch (MusterException mistake) {
      if (mistake.kind() != MusterException.Kind.CONFIG || mistake.getMessage().isBlank()) {
        throw new AssertionError("a mistake that is not told", mistake);
      }
    }
  }
}
