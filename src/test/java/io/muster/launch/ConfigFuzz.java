// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.cli.ControlQuestion;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlFuzz;
import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What people write into settings files, and what commands are answered, for {@link io.muster.Fuzz}. */
public final class ConfigFuzz {
    private ConfigFuzz() {}

    /** A line from what is thought to be a control port: its answer, or a MusterException that says what is wrong. */
    public static void answer(byte[] line) {
        try {
            Objects.requireNonNull(ControlQuestion.body(new ControlAddress("127.0.0.1", 1), ControlFuzz.answer(line)));
        } catch (MusterException refusal) {
            Objects.requireNonNull(refusal.getMessage());
        }
    }

    /** Settings, or a MusterException that says what is wrong: nothing else. */
    public static void settings(byte[] input) {
        try {
            MusterOptions options =
                    MusterOptions.fromJson(ConfigFile.parse("fuzz", new String(input, StandardCharsets.UTF_8)));
            if (!MusterOptions.fromJson(options.toJson()).equals(options)) {
                throw new AssertionError("settings that do not come back");
            }
        } catch (MusterException mistake) {
            if (mistake.kind() != MusterException.Kind.CONFIG
                    || mistake.getMessage().isBlank()) {
                throw new AssertionError("a mistake that is not told", mistake);
            }
        }
    }
}
