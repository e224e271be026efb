// SPDX-License-Identifier: Apache-2.0

package io.muster.bus;

import io.muster.group.GroupName;

/**
 * The event-bus addresses of a group. Public addresses have JSON bodies and are part of the API. The others carry
 * records within one node.
 */
public record Addresses(GroupName group) {

    /**
     * Public, published to the whole cluster at least once per epoch: group, epoch, worldSize, vector, elapsedMs,
     * links, paths.
     */
    public String allConnected() {
        return "muster." + group + ".all-connected";
    }

    /**
     * Public, published at once on the node that detects it, and to the whole cluster at least once: group, epoch,
     * lost.
     */
    public String degraded() {
        return "muster." + group + ".degraded";
    }

    /**
     * Public, published on this node only: group, rank, peer, incarnation, from, to, reason, attempt, transport, proof,
     * at.
     */
    public String peerState() {
        return "muster." + group + ".peer-state";
    }

    /**
     * Public, published on this node only when the blame for broken connections changes: group, heard, of, findings.
     */
    public String blame() {
        return "muster." + group + ".blame";
    }

    /** Public, request: the status picture, gathered from all nodes of the group. */
    public String status() {
        return "muster." + group + ".status";
    }

    /** Public, send, this node only: rank, peer, incarnation, reason. The application reports that this link failed. */
    public String report() {
        return "muster." + group + ".report";
    }

    /** Public, request, this node only: the flight record of this process. */
    public String flightRecord() {
        return "muster." + group + ".flight-record";
    }

    /**
     * Public, request, this node only: the application's own warmup policy, which answers for one link. A consumer that
     * is registered before the group is joined is asked about each link; one that is registered later is used within
     * 100 ms.
     */
    public String warmupPolicy() {
        return "muster." + group + ".warmup-policy";
    }

    /** Internal: the built-in warmup policy, asked where no application has a consumer at {@link #warmupPolicy()}. */
    public String builtInWarmupPolicy() {
        return "muster." + group + ".warmup-policy.built-in";
    }

    /** Internal: events for one link. */
    public String link(int rank, int peer) {
        return "muster." + group + ".link." + rank + "." + peer;
    }

    /** Internal: each transition of each link of this node. */
    public String linkState() {
        return "muster." + group + ".link-state";
    }

    /** Internal: each stage of an epoch, when this node learns of it. */
    public String epochStage() {
        return "muster." + group + ".epoch-stage";
    }
}
