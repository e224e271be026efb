/**
 * Canonical bytes: how values are written, read and compared. Read {@link io.muster.wire.CanonicalWriter} first.
 * Imports no other package of Muster. Invariant: equal values have equal bytes.
 */
@NullMarked
package io.muster.wire;

import org.jspecify.annotations.NullMarked;
