/**
 * Blame for broken connections: the views of the observing processes, and pure rules over them. Read
 * {@link io.muster.blame.BlameRules} first. Imports wire, group, and the JSON of Vert.x. Invariant: the same views give
 * the same findings at every process.
 */
@NullMarked
package io.muster.blame;

import org.jspecify.annotations.NullMarked;
