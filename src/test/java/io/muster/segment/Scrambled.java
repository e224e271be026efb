// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.wire.Decoded;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;

/**
 * Inputs that every decoder must survive: truncation, one extra byte, any byte changed, noise. A decoder may refuse
 * them, but must not throw.
 */
public final class Scrambled {
    private Scrambled() {}

    /** Each prefix is malformed, and so is one byte too many. */
    public static void cutAnywhere(byte[] valid, Function<byte[], Decoded<?>> decoder) {
        for (int length = 0; length < valid.length; length++) {
            assertThat(decoder.apply(Arrays.copyOf(valid, length)))
                    .as("cut to " + length + " bytes")
                    .isInstanceOf(Decoded.Malformed.class);
        }
        assertThat(decoder.apply(Arrays.copyOf(valid, valid.length + 1))).isInstanceOf(Decoded.Malformed.class);
    }

    /** Each byte is changed: an input that still decodes must encode to exactly those bytes again. */
    public static <T> void flipAnywhere(
            byte[] valid, Function<byte[], Decoded<T>> decoder, Function<T, byte[]> encoder) {
        for (int at = 0; at < valid.length; at++) {
            for (int change : new int[] {0x01, 0x02, 0x10, 0x80, 0xFF}) {
                byte[] bytes = valid.clone();
                bytes[at] ^= (byte) change;
                if (decoder.apply(bytes) instanceof Decoded.Valid<T>(T value)) {
                    assertThat(encoder.apply(value))
                            .as("byte " + at + " changed by " + change)
                            .isEqualTo(bytes);
                }
            }
        }
    }

    /** Noise, with and without a valid beginning. */
    public static void noise(byte[] valid, Random random, Function<byte[], Decoded<?>> decoder) {
        for (int round = 0; round < 2_000; round++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            System.arraycopy(valid, 0, bytes, 0, Math.min(random.nextInt(40), Math.min(bytes.length, valid.length)));
            assertThat(decoder.apply(bytes)).isNotNull();
        }
    }
}
