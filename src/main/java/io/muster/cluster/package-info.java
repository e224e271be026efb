/**
 * Forming and watching the Hazelcast cluster: the decision to found or to join, the control port, the search for split
 * parts. Read {@link io.muster.cluster.ClusterFormation} first. Imports options, store, transfer, group. Invariant:
 * only the first listed process founds a cluster, and only if it has found none.
 */
@NullMarked
package io.muster.cluster;

import org.jspecify.annotations.NullMarked;
