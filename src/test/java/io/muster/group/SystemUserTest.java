// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SystemUserTest { // O-2
    @TempDir
    private Path temp;

    /** The second such user could not write the folder of the first, because both were called "?". */
    @Test
    void aUserWithoutANameIsItsNumber() throws Exception {
        Path file = Files.writeString(temp.resolve("file"), "");

        assertThat(SystemUser.name("ada", file)).isEqualTo("ada");
        assertThat(SystemUser.name("?", file)).isEqualTo("uid-" + Files.getAttribute(file, "unix:uid"));
    }
}
