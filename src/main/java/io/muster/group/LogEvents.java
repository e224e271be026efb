// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * The names of all log events. Each log line is one of them, then {@code key=value} pairs. Names are part of the API:
 * an alert may match them. The text after the name may change. {@code operations.md} lists them with their levels.
 *
 * <p>A name is {@code muster.<subject>.<event>}. Each logger call begins with a constant of this class, so the message
 * is still a constant expression of the compiler.
 */
public final class LogEvents {
    // ---- groups and ranks

    /** WARN, INFO for an orderly leave: a complete epoch has lost a member. */
    public static final String EPOCH_DEGRADED = "muster.epoch.degraded";

    /** WARN, INFO when it ends, DEBUG if {@code barrier.reportEveryMs} is 0: who is to blame for a loss has changed. */
    public static final String BLAME_CHANGED = "muster.blame.changed";

    /** INFO: the report of who is missing, while a wait is pending. */
    public static final String WAIT_PENDING = "muster.wait.pending";

    /** INFO: the process of a rank has died; this process wrote its tombstone. */
    public static final String RANK_GONE = "muster.rank.gone";

    /** INFO: a tombstone that was lost or overwritten was written again. */
    public static final String RANK_RESTORED = "muster.rank.restored";

    /**
     * ERROR: a rank of this process has ended without being asked to; {@code how} says whether it was taken over or
     * found its rank taken.
     */
    public static final String RANK_ENDED = "muster.rank.ended";

    /** INFO: the former holder of a rank was informed that a newer life has taken it over. */
    public static final String TAKEOVER_ANNOUNCED = "muster.takeover.announced";

    /** WARN, DEBUG for most repetitions: an entry cannot be used: another version, group, world size or signature. */
    public static final String ENTRY_REJECTED = "muster.entry.rejected";

    /** WARN, limited per address: a question or answer about a claim of a rank could not be decoded. */
    public static final String CLAIM_MALFORMED = "muster.claim.malformed";

    /** WARN, limited per address: a question or answer about reachability could not be decoded. */
    public static final String VIEW_MALFORMED = "muster.view.malformed";

    /** DEBUG: a transition of a link. */
    public static final String LINK_CHANGED = "muster.link.changed";

    /** DEBUG: an event came for a link that has not begun; it is dropped. */
    public static final String LINK_EARLY = "muster.link.early";

    /** WARN: something that is no event of a link was sent to its address on the event bus. */
    public static final String LINK_UNKNOWN = "muster.link.unknown";

    /** INFO: a report of the application named no present link. */
    public static final String REPORT_IGNORED = "muster.report.ignored";

    // ---- connections

    /**
     * INFO, DEBUG for an unused channel: the connection to a process has ended; {@code how} and {@code evidence} say
     * why.
     */
    public static final String CHANNEL_LOST = "muster.channel.lost";

    /** WARN, limited per address: a connection to a process has ended before it was open. */
    public static final String CHANNEL_UNOPENED = "muster.channel.unopened";

    /** DEBUG: both TCP connections to a process are open. */
    public static final String CHANNEL_OPENED = "muster.channel.opened";

    /** DEBUG: the TCP transport has given a channel up; {@code muster.channel.lost} follows. */
    public static final String CHANNEL_ENDED = "muster.channel.ended";

    /**
     * WARN, limited per address: a connection was closed before it said who it is: a stranger, another version, or no
     * secret.
     */
    public static final String CONNECTION_DROPPED = "muster.connection.dropped";

    /** ERROR: a callback of the connections has thrown; this is a bug. */
    public static final String LISTENER_FAILED = "muster.listener.failed";

    /** WARN, limited per address: a message could not be decoded. */
    public static final String MESSAGE_MALFORMED = "muster.message.malformed";

    /** WARN, limited per address: a message about a write to GPU memory could not be decoded. */
    public static final String TRANSFER_MALFORMED = "muster.transfer.malformed";

    /** WARN, limited per address: a value or message was not signed with the group's secret. */
    public static final String SIGNATURE_REJECTED = "muster.signature.rejected";

    /** WARN: the TLS library exports no keys: proofs of the secret are not bound to the TLS session. */
    public static final String TLS_UNBOUND = "muster.tls.unbound";

    /** WARN: a write of another process into memory of this one has failed. */
    public static final String WRITE_FAILED = "muster.write.failed";

    /** WARN: memory of a region stays allocated: a transfer may still use it, or freeing it failed. */
    public static final String REGION_LEAKED = "muster.region.leaked";

    // ---- store and cluster

    /** WARN: the store does not answer. */
    public static final String STORE_TROUBLE = "muster.store.trouble";

    /** WARN: a split cluster has merged; this process writes its own entries again. */
    public static final String STORE_MERGED = "muster.store.merged";

    /** INFO: the entries of a group that all ranks have left stay in the store, because it did not answer. */
    public static final String GROUP_KEPT = "muster.group.kept";

    /** ERROR: Hazelcast has shut down in this process: restart it. */
    public static final String STORE_ENDED = "muster.store.ended";

    /** INFO: Hazelcast has merged this member's part of a split cluster into another. */
    public static final String MAP_MERGED = "muster.map.merged";

    /** WARN: more members died at once than the map has backups; the processes write their own entries again. */
    public static final String MAP_PARTITIONS_LOST = "muster.map.partitions-lost";

    /** WARN, DEBUG for most repetitions: a value that is not of Muster was in a key and has been overwritten. */
    public static final String MAP_FOREIGN = "muster.map.foreign";

    /** WARN: a listener could not be removed at every member; it stays there until this member leaves. */
    public static final String MAP_LISTENER_LEFT = "muster.map.listener-left";

    /** DEBUG: Hazelcast has stopped before the store was closed, so its listeners need no removal. */
    public static final String MAP_LISTENER_GONE = "muster.map.listener-gone";

    /** INFO: the process waits for the cluster to form, and for whom. */
    public static final String CLUSTER_WAITING = "muster.cluster.waiting";

    /** DEBUG: the answer of a member to the question whether this process may join now. */
    public static final String CLUSTER_TURN = "muster.cluster.turn";

    /** WARN: the process founds the cluster although some listed processes did not answer. */
    public static final String CLUSTER_FOUNDING = "muster.cluster.founding";

    /** INFO: a member of Hazelcast that carries no Vert.x has left. */
    public static final String CLUSTER_FOREIGN_LEFT = "muster.cluster.foreign-left";

    /** WARN: the process is not in its own list of members. */
    public static final String CLUSTER_UNLISTED = "muster.cluster.unlisted";

    /** INFO: the process has founded the cluster. */
    public static final String CLUSTER_FOUNDED = "muster.cluster.founded";

    /** INFO: the process has joined the cluster. */
    public static final String CLUSTER_JOINED = "muster.cluster.joined";

    /** WARN: joining failed and is tried again. */
    public static final String CLUSTER_JOIN_FAILED = "muster.cluster.join-failed";

    /** WARN: this host resolves its own entry of the member list to another address than the one it listens on. */
    public static final String CLUSTER_OWN_ENTRY = "muster.cluster.own-entry";

    /** WARN: this process, or another one that says so, waits for a member of Hazelcast that does not answer. */
    public static final String CLUSTER_TROUBLE = "muster.cluster.trouble";

    /** DEBUG: the oldest member looks for former members that may be another part of a split cluster. */
    public static final String CLUSTER_SEARCHED = "muster.cluster.searched";

    /** WARN, limited per address: the control port closed a connection: one too many, or no valid question. */
    public static final String CONTROL_DROPPED = "muster.control.dropped";

    /** WARN: the control port could not accept a connection. */
    public static final String CONTROL_ACCEPT_FAILED = "muster.control.accept-failed";

    /** WARN: a handler of the control port has thrown. */
    public static final String CONTROL_ANSWER_FAILED = "muster.control.answer-failed";

    /** WARN: a handler of the control port did not end in time; closing goes on without it. */
    public static final String CONTROL_CLOSE_LATE = "muster.control.close-late";

    // ---- GPU memory

    /** WARN: a GPU cannot be used any more, and why. */
    public static final String GPU_LOST = "muster.gpu.lost";

    /** WARN: a callback of a copy has thrown; this is a bug. */
    public static final String GPU_LISTENER_FAILED = "muster.gpu.listener-failed";

    /** WARN: a GPU, or the GPU transport, could not be closed. */
    public static final String GPU_NOT_CLOSED = "muster.gpu.not-closed";

    /** DEBUG: the GPU memory of another process was mapped. */
    public static final String GPU_MAPPED = "muster.gpu.mapped";

    /** INFO: the GPU memory of another process could not be mapped. */
    public static final String GPU_NOT_MAPPED = "muster.gpu.not-mapped";

    /** WARN: the GPU memory of another process could not be unmapped. */
    public static final String GPU_NOT_UNMAPPED = "muster.gpu.not-unmapped";

    /** WARN: memory could not be shared across hosts through the NVLink fabric, and why. */
    public static final String FABRIC_NOT_PROVEN = "muster.fabric.not-proven";

    /** DEBUG: the socket that hands out file descriptors of GPU memory refused a request. */
    public static final String DESCRIPTOR_REFUSED = "muster.descriptor.refused";

    /** WARN: a file descriptor of GPU memory could not be closed. */
    public static final String DESCRIPTOR_NOT_CLOSED = "muster.descriptor.not-closed";

    /** WARN: the socket that hands out file descriptors of GPU memory accepts no more requests. */
    public static final String DESCRIPTOR_SERVER_ENDED = "muster.descriptor.server-ended";

    /** WARN: the socket that hands out file descriptors of GPU memory could not be closed. */
    public static final String DESCRIPTOR_SERVER_NOT_CLOSED = "muster.descriptor.server-not-closed";

    // ---- process

    /** WARN: a call of the API has no answer yet, and why. */
    public static final String CALL_OPEN = "muster.call.open";

    /** WARN: a part did not close in time; closing goes on without it. */
    public static final String CLOSE_LATE = "muster.close.late";

    /** WARN: consumers are not registered with the cluster yet; they get no messages of other processes until then. */
    public static final String BUS_REGISTRATION_LATE = "muster.bus.registration-late";

    /** WARN: the process of the launcher could not close everything. */
    public static final String CLOSE_INCOMPLETE = "muster.close.incomplete";

    /** WARN: an event loop that Muster needs stands still, because something blocks it. */
    public static final String LOOP_STALLED = "muster.loop.stalled";

    /** WARN: an event loop that stood still runs again. */
    public static final String LOOP_RUNS = "muster.loop.runs";

    /** WARN: a flight record was written. */
    public static final String FLIGHT_DUMPED = "muster.flight.dumped";

    /** WARN: a flight record could not be written. */
    public static final String FLIGHT_NOT_DUMPED = "muster.flight.not-dumped";

    /** WARN: others can read or change the file with the secret. */
    public static final String SECRET_OPEN = "muster.secret.open";

    /** DEBUG: the file system of the file with the secret has no permissions to check. */
    public static final String SECRET_PERMISSIONS = "muster.secret.permissions";

    /**
     * DEBUG: this JVM has no signal handlers: SIGTERM writes no flight record, and the exit code is 128 + the signal.
     */
    public static final String SIGNAL_UNAVAILABLE = "muster.signal.unavailable";

    /** WARN: the flight record on SIGTERM could not be written. */
    public static final String SIGNAL_FAILED = "muster.signal.failed";

    /** DEBUG: the rehearsal that warms the JVM up has ended. */
    public static final String PRIME_DONE = "muster.prime.done";

    /** INFO: the rehearsal that warms the JVM up has failed; the first group is slower to connect. */
    public static final String PRIME_FAILED = "muster.prime.failed";

    /** DEBUG: {@code bench} has received a greeting over the event bus. */
    public static final String BENCH_GREETED = "muster.bench.greeted";

    /** WARN: {@code bench} could not delete the file with the secret that it made. */
    public static final String BENCH_SECRET_LEFT = "muster.bench.secret-left";

    private LogEvents() {}
}
