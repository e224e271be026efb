// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import org.jspecify.annotations.Nullable;

/**
 * The meaning of the environment variable {@code MC_USE_NVLINK_IPC}, the same in every part of Muster:
 *
 * <pre>
 * value           warmup.mode not set                                        warmup.mode set
 * unset or empty  as configured                                              as configured
 * "0"             fabric wanted: auto, and a failed probe is a warning       as configured
 * anything else   fabric off                                                 as configured
 * </pre>
 *
 * @param sentence describes the effect for people
 */
public record NvlinkIpcSetting(Effect effect, String sentence) {
    /** The variable's name. */
    public static final String VARIABLE = "MC_USE_NVLINK_IPC";

    /** The effect on the fabric. */
    public enum Effect {
        /** The variable changes nothing. */
        AS_CONFIGURED,
        /** Mode {@code auto}, with a warning if the probe proves no fabric. */
        FABRIC_WANTED,
        /** The fabric is off; the probe is not run. */
        FABRIC_OFF
    }

    /**
     * @param value of the variable, null if unset
     * @param explicitMode {@code warmup.mode} if it is set, null if it has its default
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
                    VARIABLE + "=" + value + " is ignored, since warmup.mode=" + explicitMode
                            + " is set and has precedence");
        }
        if (value.equals("0")) {
            return new NvlinkIpcSetting(
                    Effect.FABRIC_WANTED,
                    VARIABLE + "=0: fabric wanted (warmup.mode=auto; a failed probe is a warning)");
        }
        return new NvlinkIpcSetting(Effect.FABRIC_OFF, VARIABLE + "=" + value + ": fabric off (only 0 asks for it)");
    }
}
