/**
 * The segment handle, its canonical schema, and the store that handles are published in. Read
 * {@link io.muster.store.SegmentStore} first. Imports group. Invariant: no key ever returns to bytes that it had
 * before.
 */
@NullMarked
package io.muster.segment;

import org.jspecify.annotations.NullMarked;
