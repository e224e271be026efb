// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ClauseTest {
    @Test
    void aTextIsCutAfterAWholeWordIfItHasOne() {
        assertThat(Clause.atMost(20, "raise the limit once")).isEqualTo("raise the limit once");
        assertThat(Clause.atMost(19, "raise the limit once")).isEqualTo("raise the limit …");
        assertThat(Clause.atMost(5, "unbreakable")).isEqualTo("unb …");
        String cut = Clause.atMost(12, "one two three four");
        assertThat(Clause.atMost(12, cut)).as("cut once").isEqualTo(cut).hasSizeLessThanOrEqualTo(12);
    }
}
