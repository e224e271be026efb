// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.failure;
import static io.muster.transfer.tcp.TestProcess.next;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.Eventually;
import io.muster.group.GroupSecret;
import io.muster.group.MusterException;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.TcpTestOptions;
import io.muster.transfer.memory.Region;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

// S-3, S-1
@Timeout(60)
class TlsChannelTest {
    private static final TcpOptions OPTIONS = TcpTestOptions.helloTimeoutMs(20_000);

    @TempDir
    static Path folder;

    private static Certificates ours;
    private static Tls one;
    private static Tls two;
    private static Tls foreign;

    private final Vertx vertx = Vertx.vertx();
    private TestProcess a = TestProcess.start(vertx, OPTIONS, new Keyring(), one);

    @BeforeAll
    static void makeCertificates() {
        ours = new Certificates(folder, "ours");
        Certificates others = new Certificates(folder, "others");
        one = ours.issue("one", ours.authorities());
        two = ours.issue("two", ours.authorities());
        foreign = others.issue("foreign", ours.authorities());
    }

    @AfterEach
    void stop() {
        a.close();
        await(vertx.close());
    }

    @Test
    void writesFromNativeMemoryIntoNativeMemoryOverTls() {
        TestProcess b = TestProcess.start(vertx, OPTIONS, new Keyring(), two);
        Region region = b.regions.allocate("kv", 3 << 20, null);
        Channel channel = a.connect(b);
        MemorySegment source = TestProcess.pattern(3 << 20, 5);
        await(channel.write(region.remote(), 0, source));
        assertThat(region.memory().mismatch(source)).isEqualTo(-1);
        for (int i = 0; i < 100; i++) { // the source may be used again as soon as a write is done
            try (Arena arena = Arena.ofShared()) {
                MemorySegment small = arena.allocate(40_000).fill((byte) i);
                await(channel.write(region.remote(), i * 1000L, small));
                assertThat(region.memory().asSlice(i * 1000L, 40_000).mismatch(small))
                        .isEqualTo(-1);
            }
        }
        await(region.close(Duration.ofSeconds(1)));
        b.close();
    }

    /** S-1: with TLS a proof is bound to the session, so a process between the two can't relay it. */
    @Test
    void theProofOfASecretIsBoundToTheTlsSession() {
        GroupSecret secret = GroupSecret.ofText("the secret of the group");
        Keyring here = new Keyring();
        Keyring there = new Keyring();
        here.add(secret);
        there.add(secret);
        TestProcess b = TestProcess.start(vertx, OPTIONS, here, two);
        TestProcess c = TestProcess.start(vertx, OPTIONS, there, one);
        Channel mine = b.connect(c);
        assertThat(mine.binding()).isEqualTo(next(c.opened).binding()).hasSize(48 + 32);
        b.close();
        c.close();
    }

    @Test
    void aCertificateOfAnotherAuthorityIsRefusedInBothDirections() {
        TestProcess stranger = TestProcess.start(vertx, OPTIONS, new Keyring(), foreign);
        long before = a.transport.droppedConnections();
        assertThat(failure(stranger.transport.connect(a.transport.address())))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(ConnectException.Kind.UNPROVED))
                .hasMessageContaining("TLS")
                .hasMessageContaining("security.tls");
        Eventually.value(
                "the refused connections are counted", () -> a.transport.droppedConnections(), seen -> seen > before);
        assertThat(failure(a.transport.connect(stranger.transport.address())))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(ConnectException.Kind.UNPROVED))
                .hasMessageContaining("certif")
                .hasMessageContaining("certificates of one authority");
        assertThat(a.opened).isEmpty();
        stranger.close();
    }

    @Test
    void tlsOnOneSideOnlyIsRefusedInBothDirections() throws IOException {
        TestProcess plain = TestProcess.start(vertx, OPTIONS);
        TestProcess hasty = TestProcess.start(vertx, TcpTestOptions.helloTimeoutMs(500), new Keyring(), two);
        assertThat(failure(plain.transport.connect(a.transport.address()))).isInstanceOf(ConnectException.class);
        assertThat(failure(a.transport.connect(plain.transport.address())))
                .isInstanceOfSatisfying(
                        ConnectException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(ConnectException.Kind.UNPROVED))
                .hasMessageContaining("either both TLS or neither");
        try (Socket silent = new Socket("127.0.0.1", hasty.transport.address().port())) {
            silent.setSoTimeout(20_000);
            assertThat(silent.getInputStream().read())
                    .as("a missing handshake ends at the deadline")
                    .isEqualTo(-1);
        }
        assertThat(a.opened).isEmpty();
        plain.close();
        hasty.close();
    }

    @Test
    void aMissingCertificateAndOldTlsAreRefused() {
        NetClientOptions trusting = new NetClientOptions()
                .setSsl(true)
                .setHostnameVerificationAlgorithm("")
                .setTrustOptions(
                        new PemTrustOptions().addCertPath(ours.authorities().toString()));
        assertThat(said(new NetClientOptions(trusting).setEnabledSecureTransportProtocols(Set.of("TLSv1.3"))))
                .contains("certificate_required");
        assertThat(said(new NetClientOptions(trusting)
                        .setEnabledSecureTransportProtocols(Set.of("TLSv1.2"))
                        .setKeyCertOptions(new PemKeyCertOptions()
                                .addCertPath(two.certificate().toString())
                                .addKeyPath(two.key().toString()))))
                .contains("protocol_version");
        Eventually.value(
                "the refused connections are counted", () -> a.transport.droppedConnections(), seen -> seen >= 2);
    }

    /** The error of a client that connects with these TLS options. */
    private String said(NetClientOptions options) {
        var ended = io.vertx.core.Promise.<String>promise();
        vertx.createNetClient(options)
                .connect(a.transport.address().port(), "127.0.0.1")
                .onComplete(
                        socket -> {
                            socket.exceptionHandler(failure -> ended.tryComplete(failure.getMessage()));
                            socket.closeHandler(_ -> ended.tryComplete("closed"));
                        },
                        failure -> ended.tryComplete(failure.getMessage() + " " + failure.getCause()));
        return await(ended.future());
    }

    /**
     * The server checks the client certificate after the client's handshake is done, so the refusal may arrive after
     * the client has sent its first bytes.
     */
    @Test
    void aDialerWithoutOurCertificateIsGivenTheCause() {
        TestProcess stranger = TestProcess.start(vertx, OPTIONS, new Keyring(), foreign);
        for (int i = 0; i < 10; i++) {
            assertThat(failure(stranger.transport.connect(a.transport.address())))
                    .hasMessageContaining("alert")
                    .hasMessageContaining("security.tls");
        }
        stranger.close();
    }

    @Test
    void invalidCertificateFilesAreNamed() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "hello");
        assertThatThrownBy(() -> new Tls(folder.resolve("absent"), one.key(), one.authorities()))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("security.tls.certificateFile")
                .hasMessageContaining("absent");
        assertThatThrownBy(() -> new Tls(one.certificate(), one.certificate(), one.authorities()))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("security.tls.keyFile")
                .hasMessageContaining("PRIVATE KEY");
        assertThatThrownBy(() -> new Tls(one.certificate(), one.key(), text))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("security.tls.authoritiesFile");
    }
}
