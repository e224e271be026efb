// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.group.LogEvents;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does something first when SIGTERM comes, then ends the JVM as it would have ended. A shutdown hook can't tell a
 * signal from an end in order. The JDK offers signals by an internal class of the module jdk.unsupported only, which
 * the compiler warns of: so by reflection, and where that is not there, a signal only ends the JVM.
 */
final class TermSignal {
    private static final Logger LOG = LoggerFactory.getLogger(TermSignal.class);
    private static final int EXIT_CODE = 128 + 15;

    private TermSignal() {}

    /** @param first bounded by itself; the JVM ends when it returns */
    static void before(Runnable first) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler ends = (proxy, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    end(first);
                    yield null;
                }
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "SIGTERM ends this JVM";
            };
            signal.getMethod("handle", signal, handler)
                    .invoke(
                            null,
                            signal.getConstructor(String.class).newInstance("TERM"),
                            Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, ends));
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.debug(LogEvents.SIGNAL_UNAVAILABLE + " reason={} SIGTERM dumps no flight record", e.toString());
        }
    }

    private static void end(Runnable first) {
        try {
            first.run();
        } catch (RuntimeException e) {
            LOG.warn(LogEvents.SIGNAL_FAILED + " reason={}", e.toString());
        } finally {
            System.exit(EXIT_CODE);
        }
    }
}
