// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import org.jspecify.annotations.Nullable;

/**
 * What the environment variable {@code MC_USE_NVLINK_IPC} means, in every part of Muster:
 *
 * <pre>
 * value           warmup.mode not set                                        warmup.mode set
 * unset or empty  as configured                                              as configured
 * "0"             fabric wanted: auto, and a failed probe is a warning       as configured
 * anything else   fabric off                                                 as configured
 * </pre>
 *
 * @param sentence the same for a person
 */
public record NvlinkIpcSetting(Effect effect, String sentence) {
    /** The variable's name. */
    public static final String VARIABLE = "MC_USE_NVLINK_IPC";

    /** What follows. */
    public enum Effect {
        /** The variable changes nothing. */
        AS_CONFIGURED,
        /** Mode {@code auto}; a probe that fails is worth a warning. */
        FABRIC_WANTED,
        /** No fabric, whatever the probe says. */
        FABRIC_OFF
    }

    /**
     * @param value of the variable, null if unset
     * @param explicitMode {@code warmup.mode} as somebody has set it, null if it is left at its default
     */
    public static NvlinkIpcSetting of(@Nullable String value, @Nullable String explicitMode) {
        if (value == null || value.isEmpty()) {
            String how = value == null ? " is not set" : " is empty";
            return new NvlinkIpcSetting(
                    Effect.AS_CONFIGURED,
                    VARIABLE + how + ": as configured (warmup.mode="
                            + (explicitMode == null ? "auto, the default)" : explicitMode + ")"));
        }
        if (explicitMode != null) {
            return new NvlinkIpcSetting(
                    Effect.AS_CONFIGURED,
                    VARIABLE + "=" + value + " is not looked at, since warmup.mode=" + explicitMode
                            + " is set and wins");
        }
        if (value.equals("0")) {
            return new NvlinkIpcSetting(
                    Effect.FABRIC_WANTED,
                    VARIABLE + "=0: fabric wanted (warmup.mode=auto; a failed probe is a warning)");
        }
        return new NvlinkIpcSetting(Effect.FABRIC_OFF, VARIABLE + "=" + value + ": fabric off (only 0 asks for it)");
    }
}
