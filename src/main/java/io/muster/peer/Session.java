// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.transfer.ChannelGeneration;
import io.muster.wire.Digest;
import java.nio.ByteBuffer;

/**
 * One attempt that both ends have agreed on. The two nonces are part of its values, so they prove no other attempt.
 *
 * @param attempt number of the attempt, chosen by the writer
 * @param generation the channel of the attempt
 * @param writerNonce new, from the link-open
 * @param waiterNonce new, from the accept
 * @param peerSlot the peer's warmup slot for this link
 * @param answer the answer of the own policy, for a repeated accept
 * @param peerAnswer the answer of the peer's policy; the reasons of both are kept
 */
public record Session(
        Member writer,
        Member waiter,
        int attempt,
        ChannelGeneration generation,
        long writerNonce,
        long waiterNonce,
        WarmupSlot peerSlot,
        WarmupAnswer answer,
        WarmupAnswer peerAnswer) {

    /**
     * The value that the writer writes into the waiter's slot when it has seen the waiter's value. Never 0, because a
     * cleared slot holds 0.
     */
    public long writerValue() {
        return value((byte) 'w');
    }

    /** The value that the waiter writes into the writer's slot when it accepts. Never 0. */
    public long waiterValue() {
        return value((byte) 'b');
    }

    /** The reasons of both policies. */
    String reasons() {
        return answer.reason().equals(peerAnswer.reason())
                ? answer.reason()
                : "here: " + answer.reason() + "; there: " + peerAnswer.reason();
    }

    public PairId pairId() {
        return new PairId(writer, waiter, attempt, writerNonce, waiterNonce);
    }

    private long value(byte direction) {
        ByteBuffer input = ByteBuffer.allocate(1 + 4 + 6 * 8);
        input.put(direction).putInt(attempt).putLong(writerNonce).putLong(waiterNonce);
        put(input, writer.life());
        put(input, waiter.life());
        long value = Digest.of(input.array()).a();
        return value == 0 ? 1 : value;
    }

    private static void put(ByteBuffer out, LifeId life) {
        out.putLong(life.high()).putLong(life.low());
    }
}
