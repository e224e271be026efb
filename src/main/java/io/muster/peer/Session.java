// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.transfer.ChannelGeneration;
import io.muster.wire.Digest;
import java.nio.ByteBuffer;

/**
 * One attempt that both ends have agreed on: the two nonces make its proofs worthless for any other.
 *
 * @param attempt number of the attempt, drawn by the writer
 * @param generation the channel it runs over
 * @param writerNonce fresh, from the link-open
 * @param waiterNonce fresh, from the accept
 * @param peerSlot where the peer's warmup slot for this link is
 * @param answer this end's policy, for a repeated accept
 * @param peerAnswer the other end's: the reasons of both are kept
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
     * What the writer puts into the waiter's slot, once it has seen the waiter's value. Never 0, which is what a
     * cleared slot holds.
     */
    public long writerValue() {
        return value((byte) 'w');
    }

    /** What the waiter puts into the writer's slot as it accepts. Never 0. */
    public long waiterValue() {
        return value((byte) 'b');
    }

    /** What the policies of both ends have said. */
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
