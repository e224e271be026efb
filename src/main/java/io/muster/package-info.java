/**
 * What an application needs: join a group, wait for all-connected, leave, options. Read {@link io.muster.Muster} first,
 * and {@link io.muster.MusterVerticle} for the same by JSON; {@link io.muster.options.MusterOptions} has the settings.
 * Imports every package but cli. Invariant: options that exist are valid, also against each other.
 */
@NullMarked
package io.muster;

import org.jspecify.annotations.NullMarked;
