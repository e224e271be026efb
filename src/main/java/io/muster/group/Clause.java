// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/** Shortens text for people. */
public final class Clause {
    private static final String CUT = " …";

    private Clause() {}

    /** The text, if it is longer than this, cut after a whole word and marked with an ellipsis. */
    public static String atMost(int chars, String text) {
        if (text.length() <= chars) {
            return text;
        }
        int space = text.lastIndexOf(' ', chars - CUT.length());
        return text.substring(0, space > 0 ? space : chars - CUT.length()) + CUT;
    }
}
