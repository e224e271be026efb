/**
 * Injects faults that a seed determines into real processes, and judges what the group reports about them. Read
 * {@link io.muster.chaos.ChaosRun} first. Imports launch and the packages below it. Invariant: every injected fault is
 * counted, and judged or counted as not judged.
 */
@NullMarked
package io.muster.chaos;

import org.jspecify.annotations.NullMarked;
