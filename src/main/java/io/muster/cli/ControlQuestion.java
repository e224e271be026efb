// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.group.MusterException;
import io.muster.launch.DurationConverter;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import picocli.CommandLine.Option;

/** A request of a command to the control port of a running process, and its options. */
public final class ControlQuestion {
    @Option(
            names = "--control",
            paramLabel = "HOST[:PORT]",
            defaultValue = "127.0.0.1:7600",
            description = "Control port of the process (default: ${DEFAULT-VALUE}).")
    private String control = "";

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            defaultValue = "10s",
            converter = DurationConverter.class,
            description = "Limit of the wait for the answer, such as 500ms or 20s (default: ${DEFAULT-VALUE}).")
    private Duration timeout = Duration.ofSeconds(10);

    /** The process does not answer. Its command exits with {@link io.muster.launch.ExitCode#NO_ANSWER}. */
    public static final class NoAnswerException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private NoAnswerException(String message) {
            super(message);
        }
    }

    ControlAddress target() {
        return ControlAddress.parse(control);
    }

    /**
     * Asks the process, and waits for the answer at most until the timeout.
     *
     * @throws NoAnswerException if there is no answer
     * @throws MusterException CONFIG if the request is wrong, RETRY if the process failed to answer
     */
    JsonObject ask(JsonObject request) {
        if (timeout.isZero()) {
            throw MusterException.config("--timeout must be longer than 0, such as 500ms or 20s");
        }
        return body(target(), ControlClient.ask(target(), request, timeout));
    }

    /** The answer in a reply, with the exceptions of {@link #ask}. */
    public static JsonObject body(ControlAddress target, ControlClient.Reply reply) {
        return switch (reply) {
            case ControlClient.Reply.Refused(String why) ->
                throw new NoAnswerException("nothing listens on " + target + " (" + why
                        + "): start a process with 'muster run', or give the control port of a running "
                        + "one with --control HOST:PORT");
            case ControlClient.Reply.Silent(String why) ->
                throw new NoAnswerException("no answer from " + target + " (" + why
                        + "): see whether its process runs, is stopped or overloaded, and whether this host reaches it; "
                        + "or ask another process with --control HOST:PORT");
            case ControlClient.Reply.Answered(JsonObject body)
            when body.getString("error") != null ->
                throw new MusterException(
                        "CONFIG".equals(body.getString("kind"))
                                ? MusterException.Kind.CONFIG
                                : MusterException.Kind.RETRY,
                        body.getString("error"),
                        null);
            case ControlClient.Reply.Answered(JsonObject body) -> body;
        };
    }
}
