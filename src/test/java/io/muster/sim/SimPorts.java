// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.barrier.BarrierCalls;
import io.muster.barrier.Gossip;
import io.muster.barrier.GroupCore;
import io.muster.barrier.Links;
import io.muster.blame.View;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkTable;
import io.muster.routing.Beat;
import io.muster.routing.ProcessPorts;
import io.muster.routing.RoutedGroup;
import io.muster.routing.Trust;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the production routing needs of a process and of its one group, in the simulated world. Messages between
 * processes are not signed here: the stranger of the simulation writes into the store only.
 */
final class SimPorts implements ProcessPorts, RoutedGroup, BarrierCalls, Trust {
    private final SimProcess process;
    private final Lane tasks;

    SimPorts(SimProcess process) {
        this.process = process;
        this.tasks = new Lane(process);
    }

    @Override
    public GroupName name() {
        return World.GROUP;
    }

    @Override
    public int worldSize() {
        return process.world.scenario.worldSize();
    }

    @Override
    public Set<Integer> ranks() {
        return process.seats.keySet();
    }

    @Override
    public LinkTable linkTable() {
        return process.linkTable;
    }

    @Override
    public BarrierCalls barrier() {
        return this;
    }

    @Override
    public ProcessAddress address() {
        return new ProcessAddress(process.id, process.host, process.port);
    }

    @Override
    public Collection<SimPorts> groups() {
        return List.of(this);
    }

    @Override
    public @Nullable SimPorts group(GroupName name) {
        return name.equals(World.GROUP) ? this : null;
    }

    @Override
    public Future<Channel> dial(ProcessAddress address) {
        return process.world.network.connect(process, address).map(Channel.class::cast);
    }

    @Override
    public LinkEvent.Reach reach(RankEntry entry) {
        return entry.handle().process().equals(process.id)
                ? new LinkEvent.Reach.SameProcess()
                : new LinkEvent.Reach.Dialable();
    }

    @Override
    public long nonce() {
        return process.world.chance.any();
    }

    @Override
    public void malformed(Channel channel, String expected, String reason) {
        throw new Invariants.Violation("what one process encodes another decodes as " + expected + ": " + reason);
    }

    @Override
    public @Nullable Member localSeat(int rank) {
        return process.localSeat(rank);
    }

    @Override
    public Links links() {
        return process;
    }

    @Override
    public @Nullable StoredBytes opened(String key, @Nullable StoredBytes stored) {
        return process.opened(key, stored);
    }

    @Override
    public Future<Buffer> statusPart() {
        return Future.failedFuture("nobody asks for the status in the simulation");
    }

    @Override
    public Gossip sealed(Gossip gossip) {
        return process.sealed(gossip);
    }

    @Override
    public Runnable after(long delayMs, Runnable task) {
        return process.cancellable(delayMs, task);
    }

    // ---- what the routing calls on the barrier

    /** In their order, as on one context. */
    @Override
    public void execute(Consumer<GroupCore> task) {
        tasks.send(process.world.busUs(), () -> task.accept(process.core));
    }

    @Override
    public boolean claims(Member member) {
        return process.core.claims(member);
    }

    @Override
    public @Nullable EpochRecord epochSeen() {
        return process.core.barrier().recorded();
    }

    @Override
    public Future<Answer> asked(RankEntry about, long limitMs) {
        Promise<Answer> answer = Promise.promise();
        execute(core -> core.asked(about, limitMs).onComplete(answer));
        return answer.future();
    }

    @Override
    public Future<View> view() {
        Promise<View> seen = Promise.promise();
        execute(_ -> {
            View view = process.blame.view();
            process.world.accusations.seen(process, view);
            seen.complete(view);
        });
        return seen.future();
    }

    @Override
    public void processLost(ProcessId lost, LossEvidence evidence) {
        execute(_ -> process.blame.lost(lost, evidence));
    }

    @Override
    public void notOpened(ProcessId lost, LossEvidence evidence) {
        execute(_ -> process.blame.notOpened(lost, evidence));
    }

    // ---- trust

    @Override
    public boolean isSecured(GroupName group) {
        return false;
    }

    @Override
    public Channel over(Channel channel, GroupName group) {
        return channel;
    }

    @Override
    public Beat.GroupBeat signed(Channel channel, GroupName group, Beat.GroupBeat beat) {
        return beat;
    }

    @Override
    public boolean isAuthentic(Channel channel, GroupName group, Beat.GroupBeat beat) {
        return true;
    }

    @Override
    public @Nullable Decoded<Verified> verified(Channel channel, ControlKind kind, Buffer payload) {
        throw new Invariants.Violation("no process signs, and a message of kind " + kind + " has come");
    }

    @Override
    public void distrust(Channel channel, GroupName group, String what) {
        throw new Invariants.Violation("no process is a stranger, and " + channel.peer() + " has sent " + what);
    }
}
