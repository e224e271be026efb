// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

final class GpuConditionTest {

    @Test
    @Tag(GpuCondition.TAG)
    void aTaggedTestRunsOnlyWhereThereIsAGpu() {
        assertThat(Path.of("/dev/nvidiactl"))
                .satisfies(path -> assertThat(Files.exists(path)).isTrue());
    }
}
