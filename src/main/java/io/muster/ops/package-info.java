/**
 * What a person asks of a host or a running process: what this host offers, and what to do about what is missing.
 * Read {@link io.muster.ops.Doctor} first. Imports barrier, warmup, peer, transfer, segment, fabric, cuda, group.
 * Invariant: looking changes nothing.
 */
@NullMarked
package io.muster.ops;

import org.jspecify.annotations.NullMarked;
