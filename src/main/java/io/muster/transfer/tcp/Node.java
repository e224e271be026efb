// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.LogEvents;
import io.muster.group.ProcessId;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The values that all parts of one {@code tcp} transport share.
 *
 * @param nanos a monotonic clock, for liveness only
 */
record Node(
        Vertx vertx,
        TcpOptions options,
        ProcessId self,
        RegionTable regions,
        Transport.Listener listener,
        Keyring keyring,
        LongSupplier nanos) {
    private static final Logger log = LoggerFactory.getLogger(Node.class);
    /** A predictable nonce would allow replays, hence secure random numbers. */
    private static final SecureRandom NONCES = new SecureRandom();

    static long nonce() {
        return NONCES.nextLong();
    }

    /** Runs code of a listener. An exception is logged and does not reach the transport. */
    static void guarded(Runnable listenerCode) {
        try {
            listenerCode.run();
        } catch (Throwable failure) { // code of the application, in any language of the JVM
            log.error(LogEvents.LISTENER_FAILED + ": {}", failure.toString(), failure);
        }
    }
}
