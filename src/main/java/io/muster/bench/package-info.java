/**
 * The benchmark commands: start times, rounds of connecting, memory, transfers. Read
 * {@link io.muster.bench.BenchCommand} first. Imports launch and what is below it. Invariant: a figure that is printed
 * was measured in that run.
 */
@NullMarked
package io.muster.bench;

import org.jspecify.annotations.NullMarked;
