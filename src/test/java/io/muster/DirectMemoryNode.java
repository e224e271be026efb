// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.AllConnected;
import io.muster.options.GroupOptions;
import io.netty.buffer.ByteBuf;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.impl.buffer.VertxByteBufAllocator;
import io.vertx.core.impl.cpu.CpuCoreSensor;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.json.JsonObject;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Two processes of Muster in a JVM with little direct memory, which is used up and given back. Says what comes of it.
 */
public final class DirectMemoryNode {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private DirectMemoryNode() {}

    public static void main(String[] arguments) throws Exception {
        var cluster = new InMemoryCluster();
        JsonObject settings = new JsonObject().put("transport", new JsonObject().put("writeTimeoutMs", 3000));
        InMemoryCluster.Process first = cluster.start(settings);
        InMemoryCluster.Process second = cluster.start(settings);
        JoinedRank zero = first.join(GroupOptions.of("g", 0, 2));
        JoinedRank one = second.join(GroupOptions.of("g", 1, 2).segment("kv", 4 << 20));
        AllConnected connected = zero.allConnected(PATIENCE).await();
        one.allConnected(PATIENCE).await();
        System.out.println("connected " + connected.epoch());
        List<ByteBuf> hoard = new CopyOnWriteArrayList<>();
        for (Vertx vertx : List.of(first.vertx(), second.vertx())) {
            for (int loop = 0; loop < 2 * CpuCoreSensor.availableProcessors(); loop++) {
                hoardOn(
                        ((VertxInternal) vertx).createEventLoopContext(),
                        hoard); // each event loop has an arena and caches of its own
            }
        }
        System.out.println("exhausted " + hoard.size());
        try (Arena arena = Arena.ofShared()) {
            for (int i = 0; i < 5; i++) {
                System.out.println("write " + outcome(zero, arena));
            }
            hoard.forEach(ByteBuf::release);
            System.out.println("released");
            zero.allConnected(PATIENCE).await();
            one.allConnected(PATIENCE).await();
            for (int tries = 0; tries < 20; tries++) {
                String outcome = outcome(zero, arena);
                if (outcome.equals("applied")) {
                    System.out.println(
                            "recovered " + zero.allConnected(PATIENCE).await().epoch());
                    break;
                }
                TimeUnit.MILLISECONDS.sleep(200);
            }
        }
        System.exit(0);
    }

    private static String outcome(JoinedRank rank, Arena arena) throws InterruptedException {
        try {
            rank.write(1, "kv", 0, arena.allocate(4 << 20)).await(30, TimeUnit.SECONDS);
            return "applied";
        } catch (java.util.concurrent.TimeoutException e) {
            return "HANGS";
        } catch (RuntimeException e) {
            return "failed " + String.valueOf(e.getMessage()).replace('\n', ' ');
        }
    }

    /** All that Vert.x's allocator gives there, down to the last kibibyte. */
    private static void hoardOn(Context context, List<ByteBuf> hoard) throws InterruptedException {
        var done = new CountDownLatch(1);
        context.runOnContext(_ -> {
            List<ByteBuf> own = new ArrayList<>();
            for (int bytes = 4 << 20; bytes >= 256; bytes /= 2) {
                try {
                    while (own.size() < 100_000) {
                        own.add(VertxByteBufAllocator.POOLED_ALLOCATOR.directBuffer(bytes));
                    }
                } catch (OutOfMemoryError _) {
                    // that was it for this size
                }
            }
            hoard.addAll(own);
            done.countDown();
        });
        done.await();
    }
}
