/**
 * The benchmark commands: start times, rounds of connecting, transfers. Read {@link io.muster.bench.BenchCommand}
 * first. Imports launch and the packages below it. Invariant: every printed figure was measured in that run.
 */
@NullMarked
package io.muster.bench;

import org.jspecify.annotations.NullMarked;
