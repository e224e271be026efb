// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

/** The outcome of decoding bytes that anybody may have written. */
public sealed interface Decoded<T> {
    /** They are a valid value. */
    record Valid<T>(T value) implements Decoded<T> {}

    /** They are not; the reason names what was expected and what was there. */
    record Malformed<T>(String reason) implements Decoded<T> {}
}
