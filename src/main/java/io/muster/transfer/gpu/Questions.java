// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.group.WriteException;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;

/** The unanswered requests to other processes. Thread-safe. */
final class Questions {
    private final Vertx vertx;
    private final long timeoutMs;
    private final AtomicLong next = new AtomicLong();
    private final ConcurrentMap<Long, Asked> asked = new ConcurrentHashMap<>();

    private record Asked(ChannelGeneration channel, Promise<TransferMessage.Answer> answer) {}

    Questions(Vertx vertx, long timeoutMs) {
        this.vertx = vertx;
        this.timeoutMs = timeoutMs;
    }

    /**
     * Sends a request. Fails with a {@link WriteException} if it is refused, if it is not answered in time, or if the
     * channel ends first.
     */
    Future<TransferMessage.Answer> ask(Channel channel, LongFunction<TransferMessage> question) {
        long number = next.incrementAndGet();
        Promise<TransferMessage.Answer> answer = Promise.promise();
        asked.put(number, new Asked(channel.generation(), answer));
        long timer = vertx.setTimer(
                timeoutMs,
                _ -> answer.tryFail(new WriteException(
                        WriteException.Reason.TIMEOUT,
                        "no answer from process " + channel.peer() + " within " + timeoutMs
                                + " ms; check the load of that process, or raise peer.open.timeoutMs")));
        channel.send(ControlKind.TRANSFER, question.apply(number).encode());
        if (!channel.isAlive()) {
            lost(channel.generation());
        }
        return answer.future().onComplete(_ -> {
            vertx.cancelTimer(timer);
            asked.remove(number);
        });
    }

    /** Ignores answers that did not come over the channel of the request. */
    void answered(Channel channel, TransferMessage.Answer answer) {
        Asked question = asked.get(answer.request());
        if (question == null || !question.channel().equals(channel.generation())) {
            return;
        }
        if (answer.status() == 0) {
            question.answer().tryComplete(answer);
        } else {
            question.answer()
                    .tryFail(new WriteException(WriteException.Reason.values()[answer.status() - 1], answer.detail()));
        }
    }

    void lost(ChannelGeneration channel) {
        asked.values().stream()
                .filter(question -> question.channel().equals(channel))
                .toList()
                .forEach(question -> question.answer()
                        .tryFail(new WriteException(
                                WriteException.Reason.CHANNEL_LOST,
                                "the channel ended before the answer; it is not known whether the request was done")));
    }
}
