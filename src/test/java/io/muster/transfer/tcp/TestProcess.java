// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/** One process of a test: its regions, its transport, and the events of its listener, in order. */
public final class TestProcess implements Transport.Listener {
    record Lost(Channel channel, LossEvidence evidence) {}

    public record Received(Channel channel, ControlKind kind, String text) {}

    final BlockingQueue<Channel> opened = new LinkedBlockingQueue<>();
    final BlockingQueue<Lost> lost = new LinkedBlockingQueue<>();
    final BlockingQueue<LossEvidence> unopened = new LinkedBlockingQueue<>();
    public final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    final BlockingQueue<String> liveness = new LinkedBlockingQueue<>();
    final AtomicInteger aliveWhenLost = new AtomicInteger();
    public final ProcessId id;
    public final RegionTable regions;
    public final TcpTransport transport;

    private TestProcess(Vertx vertx, ProcessId id, TcpOptions options, Keyring keyring, Tls tls, LongSupplier nanos) {
        this.id = id;
        this.regions = new RegionTable(vertx, vertx.createSharedWorkerExecutor("test"));
        this.transport = await(TcpTransport.start(new Node(vertx, options, id, regions, this, keyring, nanos), tls));
    }

    public static TestProcess start(Vertx vertx) {
        return start(vertx, TcpOptions.defaults("127.0.0.1"));
    }

    public static TestProcess start(Vertx vertx, TcpOptions options) {
        return start(vertx, options, new Keyring());
    }

    public static TestProcess start(Vertx vertx, TcpOptions options, Keyring keyring) {
        return new TestProcess(
                vertx, ProcessId.random(RandomGenerator.getDefault()), options, keyring, null, System::nanoTime);
    }

    public static TestProcess start(Vertx vertx, TcpOptions options, Keyring keyring, Tls tls) {
        return new TestProcess(
                vertx, ProcessId.random(RandomGenerator.getDefault()), options, keyring, tls, System::nanoTime);
    }

    public static TestProcess start(Vertx vertx, ProcessId id, TcpOptions options, LongSupplier nanos) {
        return new TestProcess(vertx, id, options, new Keyring(), null, nanos);
    }

    Channel connect(TestProcess peer) {
        return await(transport.connect(peer.transport.address()));
    }

    public void close() {
        await(transport.close());
    }

    @Override
    public void opened(Channel channel) {
        opened.add(channel);
    }

    @Override
    public void lost(Channel channel, LossEvidence evidence) {
        if (channel.isAlive()) {
            aliveWhenLost.incrementAndGet();
        }
        lost.add(new Lost(channel, evidence));
    }

    @Override
    public void notOpened(ProcessAddress peer, LossEvidence evidence) {
        unopened.add(evidence);
    }

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {
        received.add(new Received(channel, kind, payload.toString()));
    }

    @Override
    public Buffer livenessPayload(Channel channel) {
        return Buffer.buffer("alive " + id);
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {
        liveness.add(payload.toString());
    }

    public static <T> T await(Future<T> future) {
        try {
            return future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
        } catch (java.util.concurrent.ExecutionException failed) {
            throw failed.getCause() instanceof RuntimeException cause
                    ? cause
                    : new IllegalStateException(failed.getCause());
        } catch (TimeoutException late) {
            throw new AssertionError("a future has not completed within 20 s", late);
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
    }

    public static Throwable failure(Future<?> future) {
        try {
            Object result = future.toCompletionStage().toCompletableFuture().get(20, TimeUnit.SECONDS);
            throw new AssertionError("expected a failure, got " + result);
        } catch (java.util.concurrent.ExecutionException failed) {
            return failed.getCause();
        } catch (TimeoutException late) {
            throw new AssertionError("a future that must fail has not completed within 20 s", late);
        } catch (Exception failed) {
            throw new IllegalStateException(failed);
        }
    }

    public static <T> T next(BlockingQueue<T> queue) {
        try {
            T element = queue.poll(20, TimeUnit.SECONDS);
            if (element == null) {
                throw new AssertionError("no event within 20 s");
            }
            return element;
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    public static MemorySegment bytes(int... values) {
        MemorySegment segment =
                Arena.ofAuto().allocate(Math.max(1, values.length)).asSlice(0, values.length);
        for (int i = 0; i < values.length; i++) {
            segment.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) values[i]);
        }
        return segment;
    }

    /** Memory with a different value at each position. */
    public static MemorySegment pattern(long bytes, long seed) {
        MemorySegment segment = Arena.ofAuto().allocate(bytes, 8);
        long word = seed;
        for (long at = 0; at + 8 <= bytes; at += 8) {
            word = word * 6364136223846793005L + 1442695040888963407L;
            segment.set(java.lang.foreign.ValueLayout.JAVA_LONG, at, word);
        }
        return segment;
    }
}
