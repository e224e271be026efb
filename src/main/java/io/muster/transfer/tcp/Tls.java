// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.MusterException;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.NetServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.TCPSSLOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * TLS 1.3 with certificates on both sides. Every process with a certificate of the authorities is accepted. The name in
 * a certificate is not compared with the address, because processes publish their addresses themselves.
 *
 * @param certificate PEM file: this process's certificate, then the intermediate certificates
 * @param key PEM file: its private key, PKCS#8
 * @param authorities PEM file: the authorities whose certificates are accepted; never a public authority
 */
public record Tls(Path certificate, Path key, Path authorities) {
    private static final Set<String> PROTOCOLS = Set.of("TLSv1.3");

    /**
     * Reads the files to check them. Blocks.
     *
     * @throws MusterException of kind CONFIG if a file can't be read or is not a PEM file
     */
    public Tls {
        readable("security.tls.certificateFile", certificate, "CERTIFICATE");
        readable("security.tls.keyFile", key, "PRIVATE KEY");
        readable("security.tls.authoritiesFile", authorities, "CERTIFICATE");
    }

    /** The certificates in these files; null if the first is empty, which means that TLS is off. Blocks. */
    public static @Nullable Tls ofFiles(String certificate, String key, String authorities) {
        return certificate.isEmpty() ? null : new Tls(Path.of(certificate), Path.of(key), Path.of(authorities));
    }

    private static void readable(String setting, Path file, String what) {
        try {
            String text = Files.readString(file);
            if (!text.contains("-----BEGIN " + what) && !text.contains(what + "-----")) {
                throw MusterException.config(setting + ": " + file + " holds no PEM block of " + what);
            }
        } catch (IOException e) {
            throw new MusterException(MusterException.Kind.CONFIG, setting + ": " + file + " can't be read: " + e, e);
        }
    }

    NetServerOptions applyTo(NetServerOptions options, int handshakeTimeoutMs) {
        secure(options, handshakeTimeoutMs);
        return options.setClientAuth(ClientAuth.REQUIRED);
    }

    NetClientOptions applyTo(NetClientOptions options, int handshakeTimeoutMs) {
        secure(options, handshakeTimeoutMs);
        return options.setHostnameVerificationAlgorithm("");
    }

    /** Applies the same certificates to other options, such as those of the event bus. */
    public void secure(TCPSSLOptions options, int handshakeTimeoutMs) {
        options.setSsl(true)
                .setEnabledSecureTransportProtocols(PROTOCOLS)
                .setSslHandshakeTimeout(handshakeTimeoutMs)
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                .setKeyCertOptions(new PemKeyCertOptions()
                        .addCertPath(certificate.toString())
                        .addKeyPath(key.toString()))
                .setTrustOptions(new PemTrustOptions().addCertPath(authorities.toString()));
    }
}
