/**
 * The API: start Muster, join a group, wait for all-connected, transfer, leave. Read {@link io.muster.Muster} first,
 * and {@link io.muster.MusterVerticle} for the same by JSON.
 *
 * <p>The exported packages are this one, {@link io.muster.options}, {@link io.muster.group} and
 * {@code io.muster.testing}. Public types in all other packages are internal: they may change in every version.
 * Signatures of exported types name only exported types, the JDK, Vert.x and Hazelcast.
 *
 * <p>May import every package except the commands, {@code launch} and {@code testing}. Invariant: closing Muster closes
 * only what Muster has opened.
 */
@NullMarked
package io.muster;

import org.jspecify.annotations.NullMarked;
