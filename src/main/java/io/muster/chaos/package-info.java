/**
 * Faults on real processes by a seed, and a verdict on what the group says of them. Read
 * {@link io.muster.chaos.ChaosRun} first. Imports launch and what is below it. Invariant: every fault that is injected
 * is counted and judged.
 */
@NullMarked
package io.muster.chaos;

import org.jspecify.annotations.NullMarked;
