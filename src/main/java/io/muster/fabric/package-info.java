/**
 * Fabrics: GPUs that reach each other's memory across hosts, how much of that is proven here, and a fabric simulated by
 * files. Read {@link io.muster.fabric.Fabric} first. Imports cuda, group. Invariant: what is not proven by allocation,
 * export and import is never called proven; bytes from outside never throw.
 */
@NullMarked
package io.muster.fabric;

import org.jspecify.annotations.NullMarked;
