// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.GroupSecret;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Secrets and certificates. The secret itself is not a setting: Muster reads it from this file or variable when it
 * starts.
 *
 * @param secretFile file with the secret of this process's groups, empty: none
 * @param secretVariable environment variable with the secret, empty: none is read
 * @param tls certificates for the connections between processes, and the event bus
 */
public record SecurityOptions(String secretFile, String secretVariable, TlsOptions tls) {
    static final SecurityOptions DEFAULTS = new SecurityOptions("", "MUSTER_SECRET", TlsOptions.DEFAULTS);

    private static final Logger LOG = LoggerFactory.getLogger(SecurityOptions.class);
    private static final Set<PosixFilePermission> OF_OTHERS =
            Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_READ, PosixFilePermission.OTHERS_WRITE);

    public SecurityOptions {
        Mistakes mistakes = new Mistakes("security");
        if (!secretVariable.isEmpty()) {
            mistakes.pattern(
                    "secretVariable",
                    secretVariable,
                    "[A-Za-z_][A-Za-z0-9_]{0,99}",
                    "the name of an environment variable, or empty");
        }
        mistakes.throwIfAny();
    }

    /**
     * The secret, null if there is none. Blocks.
     *
     * @throws MusterException of kind CONFIG if it can't be read, is too short, or is given twice
     */
    @Nullable
    public GroupSecret secret() {
        return secret(System::getenv);
    }

    /** @param environment the variables' values, null for one that is not set */
    @Nullable
    public GroupSecret secret(UnaryOperator<@Nullable String> environment) {
        String variable = secretVariable.isEmpty() ? null : environment.apply(secretVariable);
        if (variable == null || variable.isBlank()) {
            return secretFile.isEmpty() ? null : ofFile(Path.of(secretFile));
        }
        if (!secretFile.isEmpty()) {
            throw MusterException.config("there are two secrets, in security.secretFile (" + secretFile
                    + ") and in the environment variable " + secretVariable + ": unset one of them");
        }
        return secretOf("the environment variable " + secretVariable, variable);
    }

    /**
     * The secret in a file.
     *
     * @throws MusterException of kind CONFIG if the file can't be read, or its content is too short
     */
    public static GroupSecret ofFile(Path file) {
        try {
            if (Files.size(file) > 64 * 1024) {
                throw MusterException.config("the secret file " + file + " has " + Files.size(file)
                        + " bytes, and a secret has at most 4096");
            }
            warnIfOpen(file);
            return secretOf("the secret file " + file, Files.readString(file, StandardCharsets.ISO_8859_1));
        } catch (NoSuchFileException e) {
            throw new MusterException(
                    MusterException.Kind.CONFIG,
                    "the secret file " + file + " does not exist; make one with: umask 077; "
                            + "openssl rand -base64 32 > " + file,
                    e);
        } catch (IOException e) {
            throw new MusterException(
                    MusterException.Kind.CONFIG, "the secret file " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static GroupSecret secretOf(String where, String text) {
        try {
            return GroupSecret.ofText(text);
        } catch (MusterException e) {
            throw MusterException.config(where + ": " + e.getMessage());
        }
    }

    private static void warnIfOpen(Path file) throws IOException {
        try {
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OF_OTHERS::contains)) {
                LOG.warn(LogEvents.SECRET_OPEN + " file={}: others can read or change it; chmod 600 it", file);
            }
        } catch (UnsupportedOperationException _) {
            LOG.debug(LogEvents.SECRET_PERMISSIONS + " file={}: this file system has none", file);
        }
    }

    public SecurityOptions withSecretFile(String secretFile) {
        return new SecurityOptions(secretFile, secretVariable, tls);
    }

    public SecurityOptions withSecretVariable(String secretVariable) {
        return new SecurityOptions(secretFile, secretVariable, tls);
    }

    public SecurityOptions withTls(UnaryOperator<TlsOptions> change) {
        return new SecurityOptions(secretFile, secretVariable, change.apply(tls));
    }
}
