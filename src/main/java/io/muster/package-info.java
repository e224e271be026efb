/**
 * What an application needs: join a group, wait for all-connected, leave, options. Read {@link io.muster.MusterOptions} for the settings.
 * Imports every package but cli. Invariant: options that exist are valid, also against each other.
 */
@NullMarked
package io.muster;

import org.jspecify.annotations.NullMarked;
