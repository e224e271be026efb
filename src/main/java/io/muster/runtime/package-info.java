/**
 * One process that hosts ranks: its channels, its groups, its GPU memory, and the contexts on which they run. Read
 * {@link io.muster.runtime.MusterProcess} first. May import every package below the API. Invariant: state belongs to
 * one context; other threads only send it messages.
 */
@NullMarked
package io.muster.runtime;

import org.jspecify.annotations.NullMarked;
