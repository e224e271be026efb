/**
 * Settings as records, read from and written to JSON. Read {@link io.muster.options.MusterOptions} first. Imports cuda,
 * segment, transfer, group. Invariant: options that exist are valid, also against each other.
 */
@NullMarked
package io.muster.options;

import org.jspecify.annotations.NullMarked;
