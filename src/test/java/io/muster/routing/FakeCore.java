// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Gossip;
import io.muster.barrier.GroupCore;
import io.muster.barrier.GroupPorts;
import io.muster.barrier.Links;
import io.muster.barrier.Network;
import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.KeyOwner;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.store.SegmentStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The production core of a group whose store never answers: it knows only the messages of the routing. */
final class FakeCore implements GroupPorts, GroupPorts.Listener, SegmentStore, Links, Network {
    final GroupCore core = new GroupCore(
            new BarrierSetup(FakeProcess.GROUP, FakeProcess.WORLD_SIZE, FakeProcess.SELF, 30, 200, 5, 250, 100), this);
    int reads;

    @Override
    public SegmentStore store() {
        return this;
    }

    @Override
    public long wallClockMs() {
        return 1;
    }

    @Override
    public long nanoTime() {
        return 0;
    }

    @Override
    public LifeId newLife() {
        return new LifeId(9, 9);
    }

    @Override
    public void after(long delayMs, Runnable task) {}

    @Override
    public long randomUpTo(long maxMs) {
        return 0;
    }

    @Override
    public Future<Void> prove() {
        return Future.succeededFuture();
    }

    @Override
    public Links links() {
        return this;
    }

    @Override
    public Network network() {
        return this;
    }

    @Override
    public <T> Future<T> here(Future<T> there) {
        return there;
    }

    @Override
    public GroupPorts.Listener listener() {
        return this;
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return never();
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        reads++;
        return never();
    }

    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return Future.succeededFuture(false);
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        return never();
    }

    @Override
    public Future<Void> listen(SegmentStore.Listener listener) {
        return never();
    }

    @Override
    public Future<Void> close() {
        return never();
    }

    private static <T extends @Nullable Object> Future<T> never() {
        return Promise.<T>promise().future();
    }

    @Override
    public PresentMembers presentMembers() {
        return new PresentMembers(Set.of(), Set.of());
    }

    @Override
    public String localMemberUuid() {
        return "uuid";
    }

    @Override
    public @Nullable KeyOwner keyOwner(GroupName group) {
        return null;
    }

    @Override
    public void open(Member self) {}

    @Override
    public void close(Member self, String reason) {}

    @Override
    public void send(int rank, int peer, LinkEvent event) {}

    @Override
    public Future<SeatAnswer> askIncumbent(RankEntry incumbent) {
        return never();
    }

    @Override
    public Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
        return never();
    }

    @Override
    public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
        return never();
    }

    @Override
    public LinkEvent.Reach reach(RankEntry entry) {
        return new LinkEvent.Reach.Dialable();
    }

    @Override
    public boolean reaches(ProcessId process) {
        return false;
    }

    @Override
    public void dialAhead(RankEntry entry) {}

    @Override
    public void broadcast(Gossip gossip, Predicate<ProcessId> to) {}

    @Override
    public void seatPublished(RankEntry entry) {}

    @Override
    public void seatTaken(RankEntry entry) {}

    @Override
    public void seatEnded(int rank, SeatState.End end, String reason) {}

    @Override
    public void allConnected(EpochRecord record) {}

    @Override
    public void publishAllConnected(EpochRecord record) {}

    @Override
    public void degradedHere(long epoch, List<LostMember> lost) {}

    @Override
    public void publishDegraded(long epoch, List<LostMember> lost) {}

    @Override
    public void storeTrouble(@Nullable String reason) {}
}
