// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * The name of a group, as the application gives it: 1 to 64 of {@code A-Z a-z 0-9 . _ -}. It is part of store keys and
 * of event-bus addresses.
 */
public record GroupName(String value) implements Comparable<GroupName> {
    private static final int MAX_LENGTH = 64;

    public GroupName {
        if (!isValid(value)) {
            throw MusterException.config("group name must be 1 to 64 of A-Z a-z 0-9 . _ -, got '" + value + "'");
        }
    }

    /** By hand: each value that is read from the store names its group. */
    private static boolean isValid(String value) {
        for (int at = 0; at < value.length(); at++) {
            char one = value.charAt(at);
            boolean isLetterOrDigit =
                    (one >= 'A' && one <= 'Z') || (one >= 'a' && one <= 'z') || (one >= '0' && one <= '9');
            if (!isLetterOrDigit && one != '.' && one != '_' && one != '-') {
                return false;
            }
        }
        return !value.isEmpty() && value.length() <= MAX_LENGTH;
    }

    @Override
    public int compareTo(GroupName other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
