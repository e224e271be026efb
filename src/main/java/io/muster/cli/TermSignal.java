// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.group.LogEvents;
import io.muster.launch.ExitCode;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs an action when SIGTERM arrives, then ends the JVM with the usual exit code. A shutdown hook would not do,
 * because it can't distinguish a signal from an end in order. The JDK offers signals only in an internal class of the
 * module jdk.unsupported, about which the compiler warns; so the class is used by reflection. If it is absent, a signal
 * only ends the JVM.
 */
final class TermSignal {
    private static final Logger LOG = LoggerFactory.getLogger(TermSignal.class);

    private TermSignal() {}

    /** @param first must limit its own time; the JVM ends when it returns */
    static void before(Runnable first) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            @SuppressWarnings("ReferenceEquality") // a proxy equals itself alone
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
            LOG.debug(LogEvents.SIGNAL_UNAVAILABLE + " reason={} SIGTERM will not dump a flight record", e.toString());
        }
    }

    private static void end(Runnable first) {
        try {
            first.run();
        } catch (RuntimeException e) {
            LOG.warn(LogEvents.SIGNAL_FAILED + " reason={}", e.toString());
        } finally {
            System.exit(ExitCode.TERMINATED);
        }
    }
}
