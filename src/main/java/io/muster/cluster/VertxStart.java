// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts Vert.x on a member of Hazelcast. Its cluster manager asks other members, and fails when one of them does not
 * answer. That is waited for and said, here and in the logs of the other processes, as other trouble of the store is.
 */
final class VertxStart {
    private static final Logger log = LoggerFactory.getLogger(VertxStart.class);
    /** How long a start may take until it is said that it does, and again. */
    private static final Duration WORD = Duration.ofSeconds(5);

    /** Each attempt already waits for other members. The pause only prevents a busy loop. */
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Supplier<Future<Vertx>> build;
    private final BooleanSupplier isMember;
    private final Supplier<String> diagnosis;
    private final Consumer<String> others;

    /**
     * @param build starts a Vert.x
     * @param isMember whether Hazelcast still runs here
     * @param diagnosis says why other members do not answer; blocks
     * @param others tells the other processes; does not block
     */
    VertxStart(
            Supplier<Future<Vertx>> build,
            BooleanSupplier isMember,
            Supplier<String> diagnosis,
            Consumer<String> others) {
        this.build = build;
        this.isMember = isMember;
        this.diagnosis = diagnosis;
        this.others = others;
    }

    /**
     * Blocks until Vert.x is up.
     *
     * @throws MusterException FATAL if Hazelcast ends first, or the thread is interrupted
     */
    Vertx await() {
        try {
            while (true) {
                try {
                    return await(build.get().toCompletionStage().toCompletableFuture());
                } catch (ExecutionException failed) {
                    if (!isMember.getAsBoolean()) {
                        throw new MusterException(
                                MusterException.Kind.FATAL,
                                "Hazelcast ended while Vert.x started on it: " + failed.getCause(),
                                failed);
                    }
                    String cause = String.valueOf(failed.getCause());
                    say("its start failed (" + cause.lines().findFirst().orElse("") + ") and is tried again");
                    Thread.sleep(PAUSE);
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while Vert.x started");
        }
    }

    private Vertx await(CompletableFuture<Vertx> starting) throws ExecutionException, InterruptedException {
        while (true) {
            try {
                return starting.get(WORD.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException _) {
                say("it has not started yet");
            }
        }
    }

    private void say(String what) {
        if (!isMember.getAsBoolean()) {
            return;
        }
        String why = diagnosis.get();
        log.warn(LogEvents.CLUSTER_TROUBLE + ": the event bus waits for other members: {}: {}", what, why);
        others.accept(why);
    }
}
