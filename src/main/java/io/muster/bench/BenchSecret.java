// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A group secret for one measurement, in a file that only this user can read and that {@link #close} deletes. */
record BenchSecret(Path file) implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(BenchSecret.class);
    private static final int BYTES = 32;

    static BenchSecret make() {
        byte[] secret = new byte[BYTES];
        new SecureRandom().nextBytes(secret);
        try {
            return new BenchSecret(Files.writeString(
                    Files.createTempFile("muster-bench", ".secret"),
                    Base64.getEncoder().encodeToString(secret)));
        } catch (IOException e) {
            throw new MusterException(
                    MusterException.Kind.CONFIG,
                    "can't write a group secret into the temporary folder (java.io.tmpdir): " + e,
                    e);
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.warn(LogEvents.BENCH_SECRET_LEFT + " file={} reason={}", file, e.toString());
        }
    }
}
