// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.ProcessId;
import io.muster.options.MusterOptions;
import io.muster.store.SegmentStore;
import io.muster.transfer.Transport;
import io.muster.transfer.tcp.TcpTransport;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.shareddata.Shareable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a process that a test replaces: the store, the hardware and the transport.
 *
 * <p>Package {@code io.muster.testing} can't hand them to {@code Muster.start}, whose signature names exported types
 * only. So it leaves them in a local map of the Vert.x ({@link #leaveFor}), and the next start in that Vert.x takes
 * them out ({@link #takeFor}). Both happen on the calling thread, one right after the other.
 *
 * @param store null: the one over the Hazelcast of Vert.x
 */
public record StartDependencies(
        @Nullable OwnStore store, Function<MusterOptions, Hardware> openHardware, TransportStart transport)
        implements Shareable {
    /** The parts of a process in production. */
    public static final StartDependencies USUAL = new StartDependencies(
            null, Hardware::open, (_, listener, tcp) -> tcp.apply(listener).map(started -> started));

    private static final String MAP = "io.muster.start";

    /** A store that is open, and the id of the process that it was opened for. */
    public record OwnStore(SegmentStore store, ProcessId process) {}

    /** Starts the transport of a process. */
    @FunctionalInterface
    public interface TransportStart {
        /** @param tcp starts the transport of production with a listener */
        Future<Transport> start(
                Vertx vertx, Transport.Listener listener, Function<Transport.Listener, Future<TcpTransport>> tcp);
    }

    public StartDependencies with(OwnStore other) {
        return new StartDependencies(other, openHardware, transport);
    }

    public StartDependencies with(Function<MusterOptions, Hardware> other) {
        return new StartDependencies(store, other, transport);
    }

    public StartDependencies with(TransportStart other) {
        return new StartDependencies(store, openHardware, other);
    }

    /** The next start in this Vert.x uses these. */
    public void leaveFor(Vertx vertx) {
        vertx.sharedData().<String, StartDependencies>getLocalMap(MAP).put("next", this);
    }

    /** Those that were left for this start, else {@link #USUAL}. */
    public static StartDependencies takeFor(Vertx vertx) {
        StartDependencies left =
                vertx.sharedData().<String, StartDependencies>getLocalMap(MAP).remove("next");
        return left == null ? USUAL : left;
    }
}
