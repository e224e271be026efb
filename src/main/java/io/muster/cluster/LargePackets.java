// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * Finds a path on which small packets pass and large ones are lost: asks a control port for an answer that takes
 * several full packets in both directions.
 */
final class LargePackets {
    private static final String ASK = "echo";
    private static final String FIELD = "text";
    /** More than two packets of an Ethernet, and less than a control port takes. */
    private static final String TEXT = "x".repeat(4000);

    /** A process that answers later is taken for stopped, of which nothing can be said. */
    private static final Duration SMALL = Duration.ofSeconds(1);
    /** Longer than two retransmissions of TCP, so that one lost packet is not taken for a bad path. */
    private static final Duration LARGE = Duration.ofSeconds(2);

    private static final Executor VIRTUAL =
            task -> Thread.ofVirtual().name("muster-large").start(task);

    private LargePackets() {}

    static void answerAt(ControlPort port) {
        port.handle(ASK, LargePackets::echo);
    }

    private static CompletionStage<JsonObject> echo(JsonObject request) {
        return CompletableFuture.completedFuture(new JsonObject().put(FIELD, request.getValue(FIELD)));
    }

    /**
     * Whether a large question is lost, while small ones before and after it are answered. Blocks for three seconds at
     * most, and for one if the process does not answer at all.
     */
    static boolean areLost(ControlAddress address) {
        var large = CompletableFuture.supplyAsync(() -> ask(address, TEXT, LARGE), VIRTUAL);
        return isAnswered(address) && large.join() instanceof ControlClient.Reply.Silent && isAnswered(address);
    }

    private static boolean isAnswered(ControlAddress address) {
        return ask(address, "", SMALL) instanceof ControlClient.Reply.Answered;
    }

    private static ControlClient.Reply ask(ControlAddress address, String text, Duration patience) {
        return ControlClient.ask(address, new JsonObject().put("ask", ASK).put(FIELD, text), patience);
    }

    static String sentence(ControlAddress one, ControlAddress other) {
        return "small packets pass between " + one + " and " + other
                + ", and packets above some size are lost: check the MTU of the path";
    }
}
