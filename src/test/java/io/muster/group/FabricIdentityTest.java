// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FabricIdentityTest {
    private static final String UUID_TEXT = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

    @Test
    void readsWhatItWrites() {
        assertThat(FabricIdentity.parse(UUID_TEXT + "/7")).hasToString(UUID_TEXT + "/7");
        assertThat(FabricIdentity.parse(UUID_TEXT + "/4294967295")).hasToString(UUID_TEXT + "/4294967295");
    }

    @Test
    void rejectsAZeroClusterUuid() { // W-2
        assertThatThrownBy(() -> FabricIdentity.parse("00000000-0000-0000-0000-000000000000/7"))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("there is no fabric");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "7",
                UUID_TEXT,
                UUID_TEXT + "/",
                UUID_TEXT + "/-1",
                UUID_TEXT + "/4294967296",
                UUID_TEXT + "/7/8",
                "1-1-1-1-1/7",
                "zba7b810-9dad-11d1-80b4-00c04fd430c8/7"
            })
    void refusesAnythingElseInOneSentence(String text) {
        assertThatThrownBy(() -> FabricIdentity.parse(text))
                .isInstanceOf(MusterException.class)
                .hasMessageStartingWith("fabric '" + text + "': ");
    }
}
