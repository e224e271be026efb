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

/** Questions to other processes that are not answered yet. Thread-safe. */
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

    /** Asks; fails with a {@link WriteException} for a refusal, for silence, and when the channel ends first. */
    Future<TransferMessage.Answer> ask(Channel channel, LongFunction<TransferMessage> question) {
        long number = next.incrementAndGet();
        Promise<TransferMessage.Answer> answer = Promise.promise();
        asked.put(number, new Asked(channel.generation(), answer));
        long timer = vertx.setTimer(
                timeoutMs,
                _ -> answer.tryFail(new WriteException(
                        WriteException.Reason.TIMEOUT,
                        channel.peer() + " has not answered within " + timeoutMs + " ms")));
        channel.send(ControlKind.TRANSFER, question.apply(number).encode());
        if (!channel.isAlive()) {
            lost(channel.generation());
        }
        return answer.future().onComplete(_ -> {
            vertx.cancelTimer(timer);
            asked.remove(number);
        });
    }

    /** Only from whom it was asked. */
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
                                "the channel ended before it was answered; whether it was done is not known")));
    }
}
