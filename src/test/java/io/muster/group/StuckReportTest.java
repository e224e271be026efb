// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StuckReportTest {
    @Test
    void aProcessWithoutARankNamesNoRankAsObserver() {
        var missing = new StuckReport.Missing(1, StuckReport.Phase.REJECTED, 0, -1, 0, "", "", 0, "");

        assertThat(missing.toJson().getValue("seenBy")).isNull();
        assertThat(missing.text()).contains("seen by this process, which has no seat yet");
    }
}
