/**
 * Forming and watching the Hazelcast cluster: the decision to found or to join, the control port, the search for split
 * parts. Read {@link io.muster.cluster.ClusterFormation} first. Imports options, ops and what is below them. Invariant:
 * only the first listed process founds a cluster, and only if none has formed.
 */
@NullMarked
package io.muster.cluster;

import org.jspecify.annotations.NullMarked;
