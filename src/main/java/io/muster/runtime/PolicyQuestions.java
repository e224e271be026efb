// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.peer.WarmupAnswer;
import io.muster.segment.RankEntry;
import io.muster.warmup.WarmupPolicyVerticle;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;

/**
 * Asks who decides about the warmups of a group: the application, if it has a consumer for that, else the built-in
 * policy, whose verticle is asked where it has to act, and whose rule is applied at once where it has not. That the
 * application has none is believed for {@value #NONE_MS} ms: all links of a group ask at once. May be used from any
 * thread.
 */
public final class PolicyQuestions {
    /** All links of a group ask within this time. */
    public static final int NONE_MS = 100;

    private final Vertx vertx;
    private final Addresses addresses;
    private final int timeoutMs;
    private volatile long noneUntilNanos = System.nanoTime();

    PolicyQuestions(Vertx vertx, Addresses addresses, int timeoutMs) {
        this.vertx = vertx;
        this.addresses = addresses;
        this.timeoutMs = timeoutMs;
    }

    /** Never fails: if there is no valid answer in time, the built-in rule decides, and the answer says why. */
    Future<WarmupAnswer> ask(RankEntry own, RankEntry peer) {
        var question = new WarmupPolicyVerticle.Question(own, peer);
        boolean none = noneUntilNanos - System.nanoTime() > 0;
        return (none ? builtIn(question) : application(question))
                .otherwise(failure -> WarmupPolicyVerticle.byDefault(
                        own.handle(), peer.handle(), "the warmup policy has not answered: " + failure.getMessage()));
    }

    private Future<WarmupAnswer> application(WarmupPolicyVerticle.Question question) {
        return vertx.eventBus()
                .<JsonObject>request(
                        addresses.warmupPolicy(), question.toJson(), within(new DeliveryOptions().setLocalOnly(true)))
                .map(answer -> WarmupPolicyVerticle.answerOf(answer.body()))
                .recover(failure -> {
                    if (failure instanceof ReplyException reply && reply.failureType() == ReplyFailure.NO_HANDLERS) {
                        noneUntilNanos = System.nanoTime() + NONE_MS * 1_000_000L;
                        return builtIn(question);
                    }
                    return Future.failedFuture(failure);
                });
    }

    private Future<WarmupAnswer> builtIn(WarmupPolicyVerticle.Question question) {
        return WarmupPolicyVerticle.atOnce(question)
                .map(Future::succeededFuture)
                .orElseGet(() -> verticle(question));
    }

    private Future<WarmupAnswer> verticle(WarmupPolicyVerticle.Question question) {
        return vertx.eventBus()
                .<WarmupAnswer>request(addresses.builtInWarmupPolicy(), question, within(LocalCodec.delivery()))
                .map(Message::body);
    }

    private DeliveryOptions within(DeliveryOptions options) {
        return options.setSendTimeout(timeoutMs);
    }
}
