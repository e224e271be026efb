// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.fabric.NvlinkIpcSetting.Effect;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NvlinkIpcSettingTest {
    /** The whole table: value, explicit mode, effect, and what the sentence has to say. */
    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "-, -, AS_CONFIGURED, is not set: as configured (warmup.mode=auto",
                "'', -, AS_CONFIGURED, is empty: as configured (warmup.mode=auto",
                "0, -, FABRIC_WANTED, =0: fabric wanted",
                "1, -, FABRIC_OFF, =1: fabric off",
                "true, -, FABRIC_OFF, =true: fabric off",
                "00, -, FABRIC_OFF, =00: fabric off",
                "' 0', -, FABRIC_OFF, '= 0: fabric off'",
                "-, exchange, AS_CONFIGURED, as configured (warmup.mode=exchange)",
                "'', auto, AS_CONFIGURED, as configured (warmup.mode=auto)",
                "0, exchange, AS_CONFIGURED, warmup.mode=exchange is set and has precedence",
                "1, auto, AS_CONFIGURED, warmup.mode=auto is set and has precedence",
                "true, skip, AS_CONFIGURED, warmup.mode=skip is set and has precedence"
            })
    void hasOneMeaningForEachValue(
            @Nullable String value, @Nullable String explicitMode, Effect effect, String says) { // W-7
        NvlinkIpcSetting setting = NvlinkIpcSetting.of(value, explicitMode);
        assertThat(setting.effect()).isEqualTo(effect);
        assertThat(setting.sentence()).startsWith("MC_USE_NVLINK_IPC").contains(says);
    }
}
