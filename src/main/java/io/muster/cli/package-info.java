/**
 * {@code launcher/muster}: the commands. Read {@link io.muster.cli.Main} first. Imports anything; nothing imports it.
 * Invariant: standard output belongs to the command, everything else goes to standard error.
 */
@NullMarked
package io.muster.cli;

import org.jspecify.annotations.NullMarked;
