// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.transfer.tcp.Tls;
import io.vertx.core.eventbus.EventBusOptions;
import io.vertx.core.http.ClientAuth;

/**
 * TLS 1.3 with certificates on both sides, for the connections between processes and the event bus. All three files or
 * none.
 *
 * @param certificateFile PEM: this process's certificate
 * @param keyFile PEM: its private key, PKCS#8
 * @param authoritiesFile PEM: the authorities whose certificates are accepted
 */
public record TlsOptions(String certificateFile, String keyFile, String authoritiesFile) {
    public static final TlsOptions DEFAULTS = new TlsOptions("", "", "");

    /** The default of Vert.x, whose event bus this is. */
    private static final int HANDSHAKE_MS = 10_000;

    public TlsOptions {
        Mistakes mistakes = new Mistakes("security.tls");
        boolean on = !certificateFile.isEmpty() || !keyFile.isEmpty() || !authoritiesFile.isEmpty();
        if (on && certificateFile.isEmpty()) {
            mistakes.add("certificateFile", "must be set if another of security.tls is");
        }
        if (on && keyFile.isEmpty()) {
            mistakes.add("keyFile", "must be set if another of security.tls is");
        }
        if (on && authoritiesFile.isEmpty()) {
            mistakes.add("authoritiesFile", "must be set if another of security.tls is");
        }
        mistakes.throwIfAny();
    }

    /**
     * Puts the same certificates on an event bus, if they are set: for an application that builds its Vert.x itself.
     * Every member of the Vert.x cluster needs them then. Reads the files.
     *
     * @return the same options
     * @throws io.muster.group.MusterException of kind CONFIG if a file can't be read
     */
    public EventBusOptions applyTo(EventBusOptions options) {
        Tls tls = Tls.ofFiles(certificateFile, keyFile, authoritiesFile);
        if (tls != null) {
            tls.secure(options, HANDSHAKE_MS);
            options.setClientAuth(ClientAuth.REQUIRED);
        }
        return options;
    }

    /** All three files, PEM. */
    public TlsOptions withFiles(String certificate, String key, String authorities) {
        return new TlsOptions(certificate, key, authorities);
    }
}
