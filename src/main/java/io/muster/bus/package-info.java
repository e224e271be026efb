/**
 * The event bus: every address in one place, and the codec that passes records by reference inside a process. Read
 * {@link io.muster.bus.Addresses} first. Imports group. Invariant: bodies on public addresses are JSON, records never
 * leave the process.
 */
@NullMarked
package io.muster.bus;

import org.jspecify.annotations.NullMarked;
