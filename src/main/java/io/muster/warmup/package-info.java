/**
 * Whether a link needs a warmup exchange, over what, and how it is known that it works. Read
 * {@link io.muster.warmup.WarmupPlan} first. Imports peer, segment, fabric, bus, group. Invariant: both ends of a link
 * come to the same plan, and no link is short-circuited unless both ends have imported.
 */
@NullMarked
package io.muster.warmup;

import org.jspecify.annotations.NullMarked;
