// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JCudaNativesTest {
    private static final byte[] LIBRARY = {1, 2, 3};

    @TempDir
    Path folder;

    @Test
    void placesTheCompleteLibraryAndNoOtherFile() throws IOException {
        Path target = folder.resolve("lib.so");
        JCudaNatives.place(LIBRARY, target);
        JCudaNatives.place(LIBRARY, target);
        assertThat(target).hasBinaryContent(LIBRARY);
        assertThat(folder).isDirectoryContaining(file -> file.equals(target));
        assertThat(folder.toFile().list()).hasSize(1);
    }

    @Test
    void refusesAFileOfOtherBytes() throws IOException {
        Path target = Files.write(folder.resolve("lib.so"), new byte[] {1, 2});
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwx------"));
        assertThatThrownBy(() -> JCudaNatives.place(LIBRARY, target))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is not the library");
        assertThat(folder.toFile().list()).hasSize(1);
    }

    @Test
    void refusesAFileThatOthersMayWrite() throws IOException {
        Path target = Files.write(folder.resolve("lib.so"), LIBRARY);
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxrw-rw-"));
        assertThatThrownBy(() -> JCudaNatives.place(LIBRARY, target))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("other users");
    }

    @Test
    void refusesALink() throws IOException {
        Path elsewhere = Files.write(folder.resolve("elsewhere"), LIBRARY);
        Path target = Files.createSymbolicLink(folder.resolve("lib.so"), elsewhere);
        assertThatThrownBy(() -> JCudaNatives.place(LIBRARY, target))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not a regular file");
    }

    @Test
    void hasTheLibraryOfThePinnedVersionOnItsClassPath() throws IOException {
        assertThat(JCudaNatives.read("/lib/libJCudaDriver-12.6.0-linux-x86_64.so"))
                .startsWith(0x7f, 'E', 'L', 'F');
        assertThatThrownBy(() -> JCudaNatives.read("/lib/none")).isInstanceOf(NoSuchFileException.class);
    }
}
