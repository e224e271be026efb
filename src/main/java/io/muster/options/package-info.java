/**
 * Settings as records, read from and written to JSON, and the configuration of Hazelcast. Exported. Read
 * {@link io.muster.options.MusterOptions} first. Imports store, segment, transfer.tcp, group. Invariant: options that
 * exist are valid, also against each other.
 */
@NullMarked
package io.muster.options;

import org.jspecify.annotations.NullMarked;
