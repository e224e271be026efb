// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.HexFormat;
import java.util.random.RandomGenerator;

/** One JVM that hosts ranks: 128 random bits, drawn once per process. Ordered as an unsigned 128-bit number. */
public record ProcessId(long high, long low) implements Comparable<ProcessId> {

    public static ProcessId random(RandomGenerator random) {
        return new ProcessId(random.nextLong(), random.nextLong());
    }

    /** @throws IllegalArgumentException if the text is not 32 hexadecimal digits */
    public static ProcessId parse(String hex) {
        if (hex.length() != 32) {
            throw new IllegalArgumentException("expected 32 hexadecimal digits, got " + hex.length());
        }
        return new ProcessId(HexFormat.fromHexDigitsToLong(hex, 0, 16), HexFormat.fromHexDigitsToLong(hex, 16, 32));
    }

    @Override
    public int compareTo(ProcessId other) {
        int order = Long.compareUnsigned(high, other.high);
        return order != 0 ? order : Long.compareUnsigned(low, other.low);
    }

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
