/**
 * Canonical bytes: how values are written, read and compared. Read {@link io.muster.wire.CanonicalWriter} first.
 * Imports group. Invariant: equal values have equal bytes.
 */
@NullMarked
package io.muster.wire;

import org.jspecify.annotations.NullMarked;
