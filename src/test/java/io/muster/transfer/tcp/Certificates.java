// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority and certificates of it, made by the JDK's keytool. */
public final class Certificates {
    private static final String PASSWORD = "for tests only";

    private final Path folder;
    private final String authority;

    public Certificates(Path folder, String authority) {
        this.folder = folder;
        this.authority = authority;
        keytool(
                "-genkeypair",
                "-alias",
                authority,
                "-dname",
                "CN=" + authority,
                "-ext",
                "bc=ca:true",
                "-ext",
                "ku=keyCertSign");
        write(authorities(), chain(authority));
    }

    /** A PEM file with the authority's own certificate. */
    public Path authorities() {
        return folder.resolve(authority + ".authority.pem");
    }

    /** A process's certificate and key; it takes certificates of {@code trusted}. */
    public Tls issue(String name, Path trusted) {
        keytool("-genkeypair", "-alias", name, "-dname", "CN=" + name, "-signer", authority);
        Path certificate = folder.resolve(name + ".pem");
        Path key = folder.resolve(name + ".key");
        write(certificate, chain(name));
        try {
            write(
                    key,
                    pem(
                            "PRIVATE KEY",
                            store(name).getKey(name, PASSWORD.toCharArray()).getEncoded()));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return new Tls(certificate, key, trusted);
    }

    private Path storeFile() {
        return folder.resolve(authority + ".p12");
    }

    private KeyStore store(String alias) throws Exception {
        KeyStore store = KeyStore.getInstance(storeFile().toFile(), PASSWORD.toCharArray());
        if (!store.containsAlias(alias)) {
            throw new IllegalStateException("no " + alias + " in " + storeFile());
        }
        return store;
    }

    private String chain(String alias) {
        try {
            StringBuilder text = new StringBuilder();
            for (Certificate one : store(alias).getCertificateChain(alias)) {
                text.append(pem("CERTIFICATE", one.getEncoded()));
            }
            return text.toString();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String pem(String what, byte[] der) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + what + "-----\n";
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void keytool(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of(
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "2",
                "-keystore",
                storeFile().toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(process.getInputStream().readAllBytes());
            if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IllegalStateException("keytool: " + said);
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
