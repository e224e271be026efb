// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CopyPaceTest {
    private static final long MIB = 1 << 20;

    private final CopyPace pace = WaitRule.USUAL.pace();

    @Test
    void nothingIsKnownBeforeALargeCopyWasSeen() {
        pace.took(4, 12_000);
        assertThat(pace.dueNanos(5, 64 * MIB)).isEqualTo(CopyPace.UNKNOWN);
        pace.took(64 * MIB, 180_000);
        assertThat(pace.dueNanos(1_000_000, 64 * MIB)).isBetween(1_179_000L, 1_181_000L);
        assertThat(pace.dueNanos(1_000_000, 4))
                .as("small ones are looked after")
                .isEqualTo(CopyPace.UNKNOWN);
    }

    /** Whoever looks too late sees only that: an estimate that is too long must not stay so. */
    @Test
    void adoptsAFasterCopyAtOnceAndASlowerOneSlowly() {
        pace.took(64 * MIB, 400_000);
        pace.took(64 * MIB, 180_000);
        assertThat(pace.dueNanos(0, 64 * MIB)).isBetween(179_000L, 181_000L);
        pace.took(64 * MIB, 280_000);
        assertThat(pace.dueNanos(0, 64 * MIB)).isBetween(185_000L, 195_000L);
    }
}
