// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.GroupOptions;
import io.muster.options.MusterOptions;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.WrappedStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Muster is closed while a call of its API is open. At every distance between the two, the call ends at once: with its
 * result, or with FATAL. Nothing of it is left behind, so Muster starts again on the same Vert.x.
 */
// L-3
@Timeout(120)
class CloseWithOpenCallsTest {
    /** Much less than any timeout inside Muster, so an operation that only a timeout ends is found. */
    private static final long AT_ONCE_MS = 1_500;

    private static final Duration LONG = Duration.ofDays(1);

    /** Longer than any step of the store takes to come. */
    private static final long WHILE_NANOS = 300_000_000;

    /** Turns of Muster's context between the call and the close. */
    private static final int TURNS = 40;

    private final Vertx vertx = Vertx.vertx();
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final Arena arena = Arena.ofShared();
    private final List<Muster> others = new ArrayList<>();

    /** A call of the API: what comes before it, and the call. */
    private enum Call {
        JOIN(false, muster -> () -> muster.join(options(0))),
        PREPARE(false, muster -> () -> muster.prepare(options(0))),
        PUBLISH(false, muster -> Bounded.await(muster.prepare(options(0)), "preparing")::publish),
        REGISTER(false, muster -> with(muster, rank -> rank.register("more", 64))),
        UNREGISTER(false, muster -> with(muster, rank -> rank.unregister("kv"))),
        ALL_CONNECTED(false, muster -> with(muster, rank -> rank.allConnected(LONG))),
        REPORT(false, muster -> with(muster, JoinedRank::report)),
        LEAVE(false, muster -> with(muster, JoinedRank::leave)),
        STATUS(false, muster -> with(muster, _ -> muster.diagnostics().status("g"))),
        WRITE(true, muster -> connected(muster, (rank, memory) -> rank.write(1, "kv", 0, memory))),
        READ(true, muster -> connected(muster, (rank, memory) -> rank.read(1, "kv", 0, memory)));

        private final boolean withPeer;
        private final Function<Muster, Supplier<Future<?>>> prepared;

        Call(boolean withPeer, Function<Muster, Supplier<Future<?>>> prepared) {
            this.withPeer = withPeer;
            this.prepared = prepared;
        }
    }

    private interface Transfers {
        Future<Void> start(JoinedRank rank, MemorySegment memory);
    }

    /** Those of its group, and one for each link. */
    private static final int VERTICLES_OF_PEER = 5 + 2;

    private static final long BYTES = 8 << 20;

    private static GroupOptions options(int rank) {
        return GroupOptions.of("g", rank, 2).segment("kv", BYTES);
    }

    private static Supplier<Future<?>> with(Muster muster, Function<JoinedRank, Future<?>> call) {
        JoinedRank rank = Bounded.await(muster.join(options(0)), "joining");
        return () -> call.apply(rank);
    }

    private static Supplier<Future<?>> connected(Muster muster, Transfers call) {
        JoinedRank rank = Bounded.await(muster.join(options(0)), "joining");
        Bounded.await(rank.allConnected(LONG), "all connected");
        MemorySegment memory = Arena.ofAuto().allocate(BYTES);
        return () -> call.start(rank, memory);
    }

    @AfterEach
    void close() {
        others.forEach(other -> Bounded.await(other.close(), "closing the peer"));
        Bounded.await(vertx.close(), "closing Vert.x");
        arena.close();
    }

    private Muster start(Vertx on, Function<SegmentStore, SegmentStore> around) {
        var id = ProcessId.random(RandomGenerator.getDefault());
        SegmentStore store = around.apply(shared.store(on.getOrCreateContext(), id));
        var options = MusterOptions.defaults()
                .withFlight(flight -> flight.withKeepFiles(0))
                .withShutdown(shutdown -> shutdown.withTimeout(Duration.ofSeconds(1)));
        return Bounded.await(Muster.start(on, store, id, options), "starting Muster");
    }

    private void startPeer(Call call) {
        if (call.withPeer) {
            Muster peer = start(vertx, store -> store);
            others.add(peer);
            Bounded.await(peer.join(options(1)), "joining rank 1");
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCallEndsAtOnceAfterAnyNumberOfTurns(Call call) {
        startPeer(call);
        for (int turns = 0; turns < TURNS; turns++) {
            Muster muster = start(vertx, store -> store);
            Supplier<Future<?>> prepared = call.prepared.apply(muster);
            Promise<Void> closed = Promise.promise();
            Future<?> open = prepared.get();
            closeAfter(turns, muster, closed);
            assertEnded(call, "closed after " + turns + " turns", open, closed.future());
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCallEndsAtOnceAfterAnyTime(Call call) {
        startPeer(call);
        for (int micros = 0; micros < 40_000; micros += 50 + micros / 4) {
            Muster muster = start(vertx, store -> store);
            Supplier<Future<?>> prepared = call.prepared.apply(muster);
            Future<?> open = prepared.get();
            spin(micros);
            assertEnded(call, "closed after " + micros + " µs", open, muster.close());
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCallEndsAtOnceAtEachStepOfTheStore(Call call) {
        startPeer(call);
        for (boolean answers : List.of(true, false)) {
            boolean reached = true;
            for (int step = 1; reached; step++) {
                var closing = new ClosingStore(answers);
                Muster muster = start(vertx, closing::around);
                Supplier<Future<?>> prepared = call.prepared.apply(muster);
                closing.closeAt(step, muster);
                Future<?> open = prepared.get();
                reached = closing.isReachedBefore(open);
                String when = "closed at operation " + step + " of the store, which "
                        + (answers ? "is answered" : "is never answered");
                assertEnded(call, when, open, reached ? closing.closed() : muster.close());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCallEndsAtOnceIfVertxIsClosedFirst(Call call) {
        startPeer(call);
        for (int micros = 0; micros < 20_000; micros += 200 + micros / 2) {
            Vertx own = Vertx.vertx();
            Muster muster = start(own, store -> store);
            Supplier<Future<?>> prepared = call.prepared.apply(muster);
            Future<?> open = prepared.get();
            spin(micros);
            Future<Void> closed = own.close();
            ended(call + " with Vert.x closed after " + micros + " µs", open);
            Bounded.await(closed, "closing Vert.x");
            ended(call + " after Vert.x was closed", prepared.get());
        }
    }

    @Test
    void aStartEndsAtOnceIfVertxIsClosed() {
        for (int micros = 0; micros < 20_000; micros += 200 + micros / 2) {
            Vertx own = Vertx.vertx();
            var id = ProcessId.random(RandomGenerator.getDefault());
            InMemorySegmentStore store = shared.store(own.getOrCreateContext(), id);
            Future<Muster> starting = Muster.start(own, store, id, MusterOptions.defaults());
            spin(micros);
            Future<Void> closed = own.close();
            ended("a start with Vert.x closed after " + micros + " µs", starting);
            Bounded.await(closed, "closing Vert.x");
            shared.crash(store);
        }
    }

    private static void spin(long micros) {
        long from = System.nanoTime();
        while (System.nanoTime() - from < micros * 1000L) {
            Thread.onSpinWait();
        }
    }

    private static void closeAfter(int turns, Muster muster, Promise<Void> closed) {
        if (turns == 0) {
            muster.close().onComplete(closed);
        } else {
            muster.process().own().context().runOnContext(_ -> closeAfter(turns - 1, muster, closed));
        }
    }

    private void assertEnded(Call call, String when, Future<?> open, Future<Void> closed) {
        ended(call + " " + when + ": the call", open);
        Bounded.await(closed, call + " " + when + ": close");
        Eventually.value(
                call + " " + when + ": only the verticles of the peer are left",
                vertx::deploymentIDs,
                left -> left.size() == (call.withPeer ? VERTICLES_OF_PEER : 0));
    }

    private static void ended(String what, Future<?> future) {
        long from = System.nanoTime();
        try {
            future.toCompletionStage().toCompletableFuture().get(AT_ONCE_MS, TimeUnit.MILLISECONDS);
        } catch (ExecutionException failed) {
            assertThat(failed.getCause())
                    .as(what)
                    .isInstanceOfSatisfying(
                            MusterException.class,
                            failure -> assertThat(failure.kind())
                                    .as(what + ": " + failure.getMessage())
                                    .isEqualTo(MusterException.Kind.FATAL));
        } catch (TimeoutException late) {
            fail(what + " has not ended after " + (System.nanoTime() - from) / 1_000_000 + " ms");
        } catch (InterruptedException interrupted) {
            throw new AssertionError(what, interrupted);
        }
    }

    /** Closes Muster at one of its operations, and answers that one or never answers again. */
    private static final class ClosingStore {
        private final boolean answers;
        private final AtomicInteger left = new AtomicInteger(Integer.MAX_VALUE);
        private final Promise<Void> closed = Promise.promise();
        private final Set<Promise<?>> pending = ConcurrentHashMap.newKeySet();
        private volatile @Nullable Muster muster;
        private volatile boolean reached;
        private volatile boolean shut;

        ClosingStore(boolean answers) {
            this.answers = answers;
        }

        void closeAt(int step, Muster closes) {
            muster = closes;
            left.set(step);
        }

        /** Whether the step comes before the call ends, or, if the call waits for something else, within a while. */
        boolean isReachedBefore(Future<?> call) {
            long from = System.nanoTime();
            while (!reached && !call.isComplete() && System.nanoTime() - from < WHILE_NANOS) {
                Thread.onSpinWait();
            }
            return reached;
        }

        Future<Void> closed() {
            return closed.future();
        }

        private <T> Future<T> at(Supplier<Future<T>> operation) {
            Muster closes = muster;
            if (closes != null && left.decrementAndGet() == 0) {
                reached = true;
                closes.close().onComplete(closed);
            }
            if (!reached || answers || shut) {
                return operation.get(); // a closed store answers at once
            }
            Promise<T> unanswered = Promise.promise();
            pending.add(unanswered);
            return unanswered.future();
        }

        SegmentStore around(SegmentStore real) {
            return new WrappedStore() {
                @Override
                public SegmentStore store() {
                    return real;
                }

                @Override
                public Future<Void> close() {
                    shut = true;
                    pending.forEach(one -> one.tryFail(MusterException.fatal("the segment store is closed")));
                    return real.close();
                }

                @Override
                public Future<@Nullable StoredBytes> get(String key) {
                    return at(() -> real.get(key));
                }

                @Override
                public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
                    return at(() -> real.getAll(keys));
                }

                @Override
                public Future<Boolean> compareAndSet(
                        String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
                    return at(() -> real.compareAndSet(key, expected, next));
                }
            };
        }
    }
}
