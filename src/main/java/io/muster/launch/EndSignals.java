// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.LogEvents;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes SIGTERM and SIGINT (Ctrl-C) an end in order with exit code 0. Without it the JVM runs the same shutdown hooks
 * and exits with 128 plus the number of the signal, which supervisors take for a failure. The JDK offers signals only
 * in an internal class of the module jdk.unsupported, about which the compiler warns; so the class is used by
 * reflection. If it is absent, a signal only ends the JVM. A signal that this process was started to ignore stays
 * ignored.
 */
public final class EndSignals {
    private static final Logger LOG = LoggerFactory.getLogger(EndSignals.class);

    private EndSignals() {}

    /** At either signal, ends the JVM in order: its shutdown hooks run, and it exits with 0. */
    public static void endInOrder() {
        endInOrder(() -> {});
    }

    /** @param onTerm runs first on SIGTERM only; it must limit its own time */
    public static void endInOrder(Runnable onTerm) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Method handle = signal.getMethod("handle", signal, handler);
            Constructor<?> named = signal.getConstructor(String.class);
            handle.invoke(null, named.newInstance("TERM"), handler(handler, onTerm));
            handle.invoke(null, named.newInstance("INT"), handler(handler, () -> {}));
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.debug(
                    LogEvents.SIGNAL_UNAVAILABLE + " reason={} a signal ends this JVM with another exit code",
                    e.toString());
        }
    }

    @SuppressWarnings("ReferenceEquality") // a proxy equals itself alone
    private static Object handler(Class<?> handler, Runnable first) {
        InvocationHandler ends = (proxy, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
                end(first);
                yield null;
            }
            case "equals" -> proxy == arguments[0];
            case "hashCode" -> System.identityHashCode(proxy);
            default -> "a signal ends this JVM in order";
        };
        return Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, ends);
    }

    private static void end(Runnable first) {
        try {
            first.run();
        } catch (RuntimeException e) {
            LOG.warn(LogEvents.SIGNAL_FAILED + " reason={}", e.toString());
        } finally {
            System.exit(ExitCode.OK);
        }
    }
}
