/**
 * The commands of {@code launcher/muster}. Read {@link io.muster.cli.DoctorCommand} first, the smallest of them.
 * Imports everything; nothing imports it.
 * Invariant: results go to standard output, everything else to standard error; a mistake of the user ends with exit code 2.
 */
@NullMarked
package io.muster.cli;

import org.jspecify.annotations.NullMarked;
