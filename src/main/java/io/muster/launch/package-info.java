/**
 * Parts that the commands share: child processes, their JVM flags, events on standard output, settings files, exit
 * codes. Read {@link io.muster.launch.LaunchedProcess} first. Imports the API and the packages below it. Invariant: a
 * command's child processes never outlive it.
 */
@NullMarked
package io.muster.launch;

import org.jspecify.annotations.NullMarked;
