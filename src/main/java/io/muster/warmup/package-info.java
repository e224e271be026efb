/**
 * The warmup policy: the plan of a link from both handles, and the verticle that imports memory for it. Read
 * {@link io.muster.warmup.WarmupPlan} first. Imports peer, segment, fabric, bus, group. Invariant: both ends of a link
 * compute the same plan, and a fabric short-circuits a link only after both ends have imported.
 */
@NullMarked
package io.muster.warmup;

import org.jspecify.annotations.NullMarked;
