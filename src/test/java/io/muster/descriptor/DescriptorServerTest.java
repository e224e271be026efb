// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.JvmProcess;
import io.muster.cuda.driver.HostCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Passes descriptors within a process, and from another one. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DescriptorServerTest {
    private static final long KEY = 0x1234_5678_9abc_def0L;

    private static String fileOf(int descriptor) throws IOException {
        Path link = Path.of("/proc/self/fd/" + descriptor);
        return Files.readSymbolicLink(link) + " " + Files.getAttribute(link, "unix:ino");
    }

    @Test
    void aClientWithTheKeyGetsItsOwnDescriptorOfTheFile() throws IOException {
        int memory = HostCalls.memory(4096);
        try (DescriptorServer server = DescriptorServer.open(
                        (region, key) -> region == 3 && key == KEY ? OptionalInt.of(memory) : OptionalInt.empty());
                ReceivedDescriptor received = ReceivedDescriptor.ask(server.name(), 3, KEY)) {
            assertThat(received.number()).isNotEqualTo(memory);
            assertThat(fileOf(received.number())).isEqualTo(fileOf(memory));
            assertThatThrownBy(() -> ReceivedDescriptor.ask(server.name(), 3, KEY + 1))
                    .hasMessageContaining("passes no descriptor");
            assertThatThrownBy(() -> ReceivedDescriptor.ask(server.name(), 4, KEY))
                    .hasMessageContaining("passes no descriptor");
            assertThat(server.served()).isEqualTo(1);
            Eventually.value( // counted after the answer has gone out
                    "two refusals are counted", server::refused, refused -> refused >= 2);
            assertThat(server.refused()).isEqualTo(2);
        } finally {
            HostCalls.close(memory);
        }
    }

    /** A silent or malformed client delays the others by one deadline. */
    @Test
    void silentAndMalformedClientsAreDropped() throws IOException {
        int memory = HostCalls.memory(4096);
        int silent = SystemCalls.socket();
        int nonsense = SystemCalls.socket();
        try (DescriptorServer server = DescriptorServer.open((_, _) -> OptionalInt.of(memory))) {
            SystemCalls.connect(silent, server.name());
            SystemCalls.connect(nonsense, server.name());
            SystemCalls.send(nonsense, "GET / HTTP/1.1\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII), -1);
            try (ReceivedDescriptor received = ReceivedDescriptor.ask(server.name(), 1, KEY)) {
                assertThat(fileOf(received.number())).isEqualTo(fileOf(memory));
            }
            assertThat(server.refused()).isEqualTo(2);
        } finally {
            SystemCalls.close(silent);
            SystemCalls.close(nonsense);
            HostCalls.close(memory);
        }
    }

    @Test
    void descriptorsSentByAClientAreClosed() throws IOException {
        int memory = HostCalls.memory(4096);
        try (DescriptorServer server = DescriptorServer.open((_, _) -> OptionalInt.empty())) {
            long before = descriptors();
            for (int i = 0; i < 50; i++) {
                int socket = SystemCalls.socket();
                SystemCalls.connect(socket, server.name());
                SystemCalls.send(socket, new byte[DescriptorServer.REQUEST_BYTES], memory);
                assertThat(SystemCalls.receiveDescriptor(socket, 1).descriptor())
                        .isNegative();
                SystemCalls.close(socket);
            }
            assertThat(descriptors()).isLessThan(before + 25);
        } finally {
            HostCalls.close(memory);
        }
    }

    private static long descriptors() throws IOException {
        try (var all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    @Test
    void aClosedServerIsNotFound() throws IOException {
        DescriptorServer server = DescriptorServer.open((_, _) -> OptionalInt.empty());
        server.close();
        assertThatThrownBy(() -> ReceivedDescriptor.ask(server.name(), 1, KEY))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("connect");
    }

    /** Another process passes its memory over the socket; after its end the client gets a failure. */
    @Test
    void anotherProcessPassesItsMemory() throws IOException, InterruptedException {
        try (JvmProcess owner =
                JvmProcess.start("owner", System.getProperty("java.class.path"), List.of(), DescriptorOwner.class)) {
            String[] said = owner.await("serving", 30_000).split(" ");
            try (ReceivedDescriptor received = ReceivedDescriptor.ask(said[0], 1, KEY)) {
                assertThat(Files.readString(Path.of("/proc/self/fd/" + received.number())))
                        .startsWith("owned by " + said[1]);
            }
            owner.kill();
            assertThatThrownBy(() -> ReceivedDescriptor.ask(said[0], 1, KEY)).isInstanceOf(IOException.class);
        }
    }
}
