/**
 * The values that processes publish: rank entries with segment handles, ready marks, epoch records, and their canonical
 * schema. Read {@link io.muster.segment.RankEntry} first. Imports wire and group. Invariant: no key ever returns to
 * bytes that it had before.
 */
@NullMarked
package io.muster.segment;

import org.jspecify.annotations.NullMarked;
