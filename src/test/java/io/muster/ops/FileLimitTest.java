package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FileLimitTest {
  @Test
  void saysSoOnlyWhereFilesAreFew() {
    assertThat(FileLimit.hint(100, 65_536)).isEmpty();
    assertThat(FileLimit.hint(70, 96)).contains("may open 96 files and sockets and has 70 open", "ulimit -n");
    assertThat(FileLimit.hint(1020, 1024)).contains("has 1020 open");
  }
}
