/**
 * The store of handles, marks and epoch records: on Hazelcast, in memory, and sealed by a group secret. Read
 * {@link io.muster.store.SegmentStore} first. Imports segment, wire, group. Invariant: every change is a
 * compare-and-set on the bytes that were read.
 */
@NullMarked
package io.muster.store;

import org.jspecify.annotations.NullMarked;
