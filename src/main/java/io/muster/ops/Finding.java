// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

/**
 * One fact about a host.
 *
 * @param topic the subject, such as {@code gpu}
 * @param what one sentence
 * @param whatToDo one sentence, empty if there is nothing to do
 */
public record Finding(String topic, Level level, String what, String whatToDo) {

    /** How much it matters. */
    public enum Level {
        /** As it should be. */
        OK,
        /** Good to know. */
        INFO,
        /** Works, but should be looked at. */
        WARN,
        /** Something that was asked for cannot work here. */
        FAIL
    }

    public static Finding ok(String topic, String what) {
        return new Finding(topic, Level.OK, what, "");
    }

    public static Finding info(String topic, String what) {
        return new Finding(topic, Level.INFO, what, "");
    }
}
