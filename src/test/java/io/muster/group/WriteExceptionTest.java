// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.MusterException.Kind;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WriteExceptionTest {
    @ParameterizedTest
    @CsvSource({
        "UNKNOWN_REGION, RETRY",
        "WRONG_KEY, RETRY",
        "OUT_OF_BOUNDS, CONFIG",
        "CLOSING, RETRY",
        "FAILED, FATAL",
        "EMPTY, CONFIG",
        "UNPROVED, RETRY",
        "TIMEOUT, RETRY",
        "CHANNEL_LOST, RETRY"
    })
    void theReasonOfAFailedWriteGivesTheKind(WriteException.Reason reason, Kind kind) {
        MusterException failure = new WriteException(reason, "m");
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure).hasMessage("m");
    }
}
