// SPDX-License-Identifier: Apache-2.0

package io.muster.wire;

/** The outcome of decoding bytes of an unknown writer. */
public sealed interface Decoded<T> {
    /** The bytes are a valid value. */
    record Valid<T>(T value) implements Decoded<T> {}

    /** The bytes are malformed. The reason names what was expected and what was found. */
    record Malformed<T>(String reason) implements Decoded<T> {}
}
