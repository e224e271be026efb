/**
 * Who is to blame when processes miss each other: views of the observing processes, and the rules over them. Read
 * {@link io.muster.blame.BlameRules} first. Imports segment, wire, group. Invariant: the same views give the same
 * findings at every process.
 */
@NullMarked
package io.muster.blame;

import org.jspecify.annotations.NullMarked;
