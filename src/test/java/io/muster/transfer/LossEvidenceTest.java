// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import static io.muster.transfer.LossEvidence.Kind.CLOSED_HERE;
import static io.muster.transfer.LossEvidence.Kind.PROTOCOL_ERROR;
import static io.muster.transfer.LossEvidence.Kind.REPLACED;
import static io.muster.transfer.LossEvidence.Kind.SILENCE;
import static io.muster.transfer.LossEvidence.Kind.SOCKET_CLOSED;
import static io.muster.transfer.LossEvidence.Kind.STALLED;
import static io.muster.transfer.LossEvidence.Kind.UNHEARD;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LossEvidenceTest {
    @ParameterizedTest
    @EnumSource
    void everyReasonIsFoundBySentence(LossEvidence.Reason reason) {
        assertThat(LossEvidence.Reason.ofSentence(reason.sentence())).isEqualTo(reason);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nothing received for 3000 ms", "no group needs it", " no group needs it any more"})
    void anyOtherSentenceIsNoFixedReason(String sentence) {
        assertThat(LossEvidence.Reason.ofSentence(sentence)).isEqualTo(LossEvidence.Reason.OTHER);
    }

    @Test
    void aDeliberateEndHasTheSentenceOfItsReason() {
        assertThat(LossEvidence.closedHere(LossEvidence.Reason.IDLE))
                .isEqualTo(new LossEvidence(CLOSED_HERE, LossEvidence.Reason.IDLE, "no group needs it any more"));
        assertThat(LossEvidence.replaced(LossEvidence.Reason.LATER_HELLO).kind())
                .isEqualTo(REPLACED);
    }

    /** The farewell carries the ordinal. */
    @Test
    void theOrdinalsOfTheKindsAreThoseOfTheProtocol() {
        assertThat(LossEvidence.Kind.values())
                .containsExactly(
                        SOCKET_CLOSED,
                        SILENCE,
                        PROTOCOL_ERROR,
                        REPLACED,
                        CLOSED_HERE,
                        UNHEARD,
                        STALLED,
                        LossEvidence.Kind.OUT_OF_MEMORY,
                        LossEvidence.Kind.PEER_OUT_OF_MEMORY);
    }
}
