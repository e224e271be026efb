/**
 * The commands of {@code launcher/muster}. Read {@link io.muster.cli.Main} first. May import every package; no package
 * imports it. Invariant: standard output has only the output of the command, and everything else goes to standard
 * error.
 */
@NullMarked
package io.muster.cli;

import org.jspecify.annotations.NullMarked;
