/**
 * What the commands share: child processes, their JVM flags, events on standard output, settings files, exit codes.
 * Read {@link io.muster.launch.LaunchedProcess} first. Imports the API and what is below it. Invariant: no process that
 * was started outlives the command that started it.
 */
@NullMarked
package io.muster.launch;

import org.jspecify.annotations.NullMarked;
