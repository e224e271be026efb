// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.HexFormat;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One stay of a rank in its group: 128 random bits, drawn by the process that publishes it. Ordered as an unsigned
 * 128-bit number.
 */
public record LifeId(long high, long low) implements Comparable<LifeId> {

    public static LifeId random(RandomGenerator random) {
        return new LifeId(random.nextLong(), random.nextLong());
    }

    @Override
    public int compareTo(LifeId other) {
        int order = Long.compareUnsigned(high, other.high);
        return order != 0 ? order : Long.compareUnsigned(low, other.low);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LifeId life && low == life.low && high == life.high;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(high ^ low);
    }

    /** 32 hexadecimal digits. */
    @Override
    public String toString() {
        return HexFormat.of().toHexDigits(high) + HexFormat.of().toHexDigits(low);
    }
}
