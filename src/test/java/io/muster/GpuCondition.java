// SPDX-License-Identifier: Apache-2.0

package io.muster;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Tests tagged {@code gpu} run where there is a GPU, and are skipped with that reason elsewhere. */
public final class GpuCondition implements ExecutionCondition {
    static final String TAG = "gpu";

    /** The driver makes it, and a container that gets any device gets it too. */
    private static final Path CONTROL = Path.of("/dev/nvidiactl");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if (!context.getTags().contains(TAG)) {
            return ConditionEvaluationResult.enabled("needs no GPU");
        }
        if (Files.exists(CONTROL)) {
            return ConditionEvaluationResult.enabled("there is a GPU driver");
        }
        return ConditionEvaluationResult.disabled("no GPU here: there is no " + CONTROL);
    }
}
