// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user that runs this process, for the names of folders that users must not share. */
public final class SystemUser {
    private SystemUser() {}

    /**
     * The user's name, or {@code uid-NUMBER} where it has none: the JDK calls each user without an entry in passwd "?".
     */
    public static String name() {
        return name(System.getProperty("user.name", "?"), Path.of("/proc/self"));
    }

    /** @param owned a file that belongs to the user */
    static String name(String name, Path owned) {
        if (!name.equals("?")) {
            return name;
        }
        try {
            return "uid-" + Files.getAttribute(owned, "unix:uid");
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException _) {
            return name;
        }
    }
}
