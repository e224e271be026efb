// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.WriteException;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TransferMessageTest {
    private static final RemoteRegion REGION = new RemoteRegion(7, -8, 9);

    private static final List<TransferMessage> ALL = List.of(
            new TransferMessage.Attach(1, 2, 3, 4),
            new TransferMessage.Detached(5),
            new TransferMessage.Revoke(6),
            new TransferMessage.Read(1, REGION, 2, 3, REGION),
            new TransferMessage.Stage(1, 2),
            new TransferMessage.Commit(1, REGION, REGION, 2),
            TransferMessage.Answer.done(3),
            TransferMessage.Answer.refused(4, WriteException.Reason.CLOSING, "is being closed"));

    @Test
    void everyMessageSurvivesEncodingAndDecoding() {
        for (TransferMessage message : ALL) {
            assertThat(TransferMessage.decode(message.encode())).isEqualTo(new Decoded.Valid<>(message));
        }
    }

    // T-3
    @Test
    void malformedMessagesAreAnsweredAndNeverThrow() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (TransferMessage message : ALL) {
            byte[] whole = message.encode().getBytes();
            for (int length = 0; length < whole.length; length++) {
                assertThat(TransferMessage.decode(Buffer.buffer(whole).getBuffer(0, length)))
                        .isInstanceOf(Decoded.Malformed.class);
            }
            assertThat(TransferMessage.decode(Buffer.buffer(whole).appendByte((byte) 0)))
                    .isInstanceOf(Decoded.Malformed.class);
        }
        for (int i = 0; i < 2000; i++) {
            byte[] noise = new byte[random.nextInt(80)];
            random.nextBytes(noise);
            assertThat(TransferMessage.decode(Buffer.buffer(noise)))
                    .as("seed %d", seed)
                    .isNotNull();
        }
    }
}
