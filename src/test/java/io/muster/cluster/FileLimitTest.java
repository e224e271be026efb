// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FileLimitTest {
    @Test
    void warnsOnlyIfTheFileLimitIsLow() {
        assertThat(FileLimit.hint(100, 65_536)).isEmpty();
        assertThat(FileLimit.hint(70, 96)).contains("may open 96 files and sockets and has 70 open", "ulimit -n");
        assertThat(FileLimit.hint(1020, 1024)).contains("has 1020 open");
    }

    @Test
    void theFileLimitGrowsWithTheNumberOfProcesses() {
        assertThat(FileLimit.mistake(128, 0)).isEmpty();
        assertThat(FileLimit.mistake(64, 0))
                .isEqualTo(
                        "this process may open 64 files and sockets, and needs 128: raise its limit (ulimit -n) to 1024 or more");
        assertThat(FileLimit.mistake(1024, 100)).isEmpty();
        assertThat(FileLimit.mistake(1024, 200))
                .contains("may open 1024 files and sockets, and needs 1728 for 200 other processes");
    }
}
