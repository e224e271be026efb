// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ProofTest {
    @Test
    void ordersFromNothingTriedToNothingThatCouldFail() {
        assertThat(Arrays.stream(Proof.values()).map(Proof::text))
                .containsExactly("none", "fabric-import(simulated)", "fabric-import", "warmup", "local");
        assertThat(Proof.FABRIC_IMPORT_SIMULATED.isWeakerThan(Proof.FABRIC_IMPORT))
                .isTrue();
        assertThat(Proof.WARMUP.isWeakerThan(Proof.WARMUP)).isFalse();
    }

    @Test
    void readsBackItsOwnTextsAndNoOther() {
        assertThat(Proof.values())
                .allSatisfy(proof -> assertThat(Proof.parse(proof.text())).contains(proof));
        assertThat(Proof.parse("FABRIC_IMPORT")).isEmpty();
    }
}
