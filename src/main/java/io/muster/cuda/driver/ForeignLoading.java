// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** Whether a library could be loaded, with the functions that are needed: one of these. */
public sealed interface ForeignLoading<T> {

    record Loaded<T>(T library) implements ForeignLoading<T> {}

    record Absent<T>(String reason) implements ForeignLoading<T> {}
}
