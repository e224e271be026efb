// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.slf4j.LoggerFactory;

/** A stranger makes every process of every schedule warn of what it writes: not in the log of a build. */
final class WithoutRejections implements BeforeAllCallback, AfterAllCallback {
    private static final Logger LOG = (Logger) LoggerFactory.getLogger("io.muster.barrier.Directory");
    private @Nullable Level before;

    @Override
    public void beforeAll(ExtensionContext context) {
        before = LOG.getLevel();
        LOG.setLevel(Level.ERROR);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        LOG.setLevel(before);
    }
}
