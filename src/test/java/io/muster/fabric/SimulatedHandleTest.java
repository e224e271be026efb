// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.fabric.SimulatedHandle.Token;
import io.muster.group.FabricIdentity;
import io.muster.group.LifeId;
import io.muster.group.Member;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class SimulatedHandleTest {
    private static final SimulatedHandle HANDLE = new SimulatedHandle(
            new FabricIdentity(new UUID(1, 2), 3),
            new Member(4, 5, new LifeId(6, 7)),
            new Token(new byte[32]),
            "12-34-0123456789abcdef.1.mem");

    @Test
    void readsBackWhatItWrote() {
        byte[] bytes = HANDLE.encode();
        assertThat(bytes.length).isLessThanOrEqualTo(ExportedHandle.MAX_BYTES);
        assertThat(SimulatedHandle.decode(bytes)).contains(HANDLE);
        assertThat(bytes).startsWith(HANDLE.header());
    }

    @Test
    void refusesEveryOtherLength() {
        byte[] bytes = HANDLE.encode();
        for (int length = 0; length <= 2 * ExportedHandle.MAX_BYTES; length++) {
            if (length != bytes.length) {
                assertThat(SimulatedHandle.decode(Arrays.copyOf(bytes, length)))
                        .as("length %d", length)
                        .isEmpty();
            }
        }
    }

    @Test
    void neverThrowsForRandomBytes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] good = HANDLE.encode();
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            refused += SimulatedHandle.decode(bytes).isEmpty() ? 1 : 0;
        }
        assertThat(refused).as("seed %d", seed).isPositive();
    }

    @Test
    void refusesAPathInPlaceOfAName() {
        byte[] bytes = HANDLE.encode();
        byte[] evil = "../../../../../../../etc/shad".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(
                evil,
                0,
                bytes,
                SimulatedHandle.HEADER_BYTES + 1,
                Math.min(evil.length, bytes.length - SimulatedHandle.HEADER_BYTES - 1));
        assertThat(SimulatedHandle.decode(bytes)).isEmpty();
    }

    @Test
    void printsNoToken() {
        assertThat(HANDLE.toString()).contains("(token)").doesNotContain("[B");
    }
}
