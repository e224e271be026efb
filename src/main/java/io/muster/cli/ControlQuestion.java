// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;

/** A request of a command to the control port of a running process. */
public final class ControlQuestion {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private ControlQuestion() {}

    /**
     * @throws MusterException CONFIG if nothing answers there or the request is wrong, RETRY if the process failed to
     *     answer
     */
    static JsonObject ask(ControlAddress target, JsonObject request) {
        return body(target, ControlClient.ask(target, request, PATIENCE));
    }

    /** The answer in a reply, with the exceptions of {@link #ask}. */
    public static JsonObject body(ControlAddress target, ControlClient.Reply reply) {
        return switch (reply) {
            case ControlClient.Reply.Refused _ ->
                throw MusterException.config("nothing listens on " + target
                        + ": start a process with 'muster run', or give the control port of a running "
                        + "one with --control HOST:PORT");
            case ControlClient.Reply.Silent(String why) ->
                throw MusterException.config("no answer from " + target + " (" + why
                        + "): give the control port of a running process with --control HOST:PORT");
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
