// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.cli.ControlQuestion;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlFuzz;
import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** Arbitrary settings files and answers of control ports, for {@link io.muster.Fuzz}. */
public final class ConfigFuzz {
    private ConfigFuzz() {}

    /** A line from a supposed control port gives an answer or a failure with a message. */
    public static void answer(byte[] line) {
        try {
            Objects.requireNonNull(ControlQuestion.body(new ControlAddress("127.0.0.1", 1), ControlFuzz.answer(line)));
        } catch (MusterException | ControlQuestion.NoAnswerException refusal) {
            Objects.requireNonNull(refusal.getMessage());
        }
    }

    /** Any input gives settings or a MusterException with a message, and no other exception. */
    public static void settings(byte[] input) {
        try {
            MusterOptions options =
                    MusterOptions.fromJson(ConfigFile.parse("fuzz", new String(input, StandardCharsets.UTF_8)));
            if (!MusterOptions.fromJson(options.toJson()).equals(options)) {
                throw new AssertionError("settings change when they are written and read again");
            }
        } catch (MusterException mistake) {
            if (mistake.kind() != MusterException.Kind.CONFIG
                    || mistake.getMessage().isBlank()) {
                throw new AssertionError("a mistake without a message, or of another kind than CONFIG", mistake);
            }
        }
    }
}
