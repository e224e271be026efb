// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** The result of loading a library with the functions it needs: exactly one of these. */
public sealed interface ForeignLoading<T> {

    record Loaded<T>(T library) implements ForeignLoading<T> {}

    record Absent<T>(String reason) implements ForeignLoading<T> {}
}
