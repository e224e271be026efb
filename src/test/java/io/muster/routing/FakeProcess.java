// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.BarrierCalls;
import io.muster.barrier.BarrierTiming;
import io.muster.barrier.BlameWatch;
import io.muster.barrier.Gossip;
import io.muster.barrier.GroupCore;
import io.muster.barrier.Links;
import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.peer.History;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.peer.Session;
import io.muster.peer.WarmupAnswer;
import io.muster.peer.WarmupSlot;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RecordingChannel;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A process with rank 0 of a group of three: the routing and the core of the group are real; what goes to links, to
 * blame and to other processes is kept for the test.
 */
final class FakeProcess implements ProcessPorts, RoutedGroup, BarrierCalls, Links, Trust {
    static final GroupName GROUP = new GroupName("g");
    static final int WORLD_SIZE = 3;
    static final ProcessId SELF = new ProcessId(0, 1);
    static final ProcessId PEER = new ProcessId(1, 1);
    static final WarmupAnswer EXCHANGE = new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "modes say so");

    /** An event that was sent to a link. */
    record Sent(int rank, int peer, LinkEvent event) {}

    /** The end of a connection, as the blame of the group got it. */
    record Lost(ProcessId process, LossEvidence evidence) {}

    final LinkTable linkTable = new LinkTable(() -> 0);
    final List<Sent> sent = new ArrayList<>();
    final List<Lost> lost = new ArrayList<>();
    final List<Lost> unopened = new ArrayList<>();
    final List<String> distrusted = new ArrayList<>();
    final Queue<Runnable> timers = new ArrayDeque<>();
    final RecordingChannel channel = new RecordingChannel(PEER);
    /** The messages that went to the peer. */
    final List<RecordingChannel.Message> said = channel.sent();

    final FakeCore core = new FakeCore();
    final ProcessRouting routing = new ProcessRouting(this, this, new ProcessRouting.Timing(100, 100));
    final GroupNetwork network = new GroupNetwork(routing, this);
    final Set<GroupName> secured = new HashSet<>();
    /** By rank. */
    final Map<Integer, Member> seated = new HashMap<>(Map.of(0, member(0, 1)));

    final Set<Member> claimed = new HashSet<>(Set.of(member(0, 1)));
    /** The outcomes of the next dials, in order; later dials succeed. */
    final Queue<ConnectException> dialsFail = new ArrayDeque<>();

    int dials;
    int tasks;
    int sealed;
    Buffer statusPart = Buffer.buffer("part");
    LinkEvent.Reach reach = new LinkEvent.Reach.Dialable();

    @Nullable
    EpochRecord epochSeen;

    @Nullable
    Decoded<Verified> verified;

    static Member member(int rank, long incarnation) {
        return new Member(rank, incarnation, new LifeId(rank, incarnation));
    }

    static RankEntry entry(Member member, ProcessId process) {
        var handle = new SegmentHandle(
                process,
                "10.0.0.1",
                7_000,
                "host",
                1,
                "uuid",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        return new RankEntry(GROUP, WORLD_SIZE, member, RankEntry.State.LIVE, 0, handle);
    }

    static WarmupSlot slot() {
        return new WarmupSlot(new RemoteRegion(1, 1, 24), 0);
    }

    /** A session between rank 0 and a peer, over a channel. */
    static Session session(int peer, ChannelGeneration generation) {
        return new Session(member(peer, 1), member(0, 1), 1, generation, 11 + peer, 22, slot(), EXCHANGE, EXCHANGE);
    }

    /** The link of rank 0 to a peer is connected with this session. */
    void connected(int peer, Session session) {
        note(peer, new LinkState.Connected(history(peer, PEER), session, Proof.WARMUP, ""));
    }

    void note(int peer, LinkState state) {
        linkTable.note(new LinkChange(
                GROUP,
                member(0, 1),
                peer,
                new LinkState.WaitingStore(History.EMPTY),
                state,
                "",
                "FAILED",
                Instant.EPOCH));
    }

    static History history(int peer, ProcessId process) {
        Member member = member(peer, 1);
        return new History(
                new History.Target(entry(member, process), new LinkEvent.Reach.Dialable()),
                member,
                false,
                1,
                0,
                null,
                List.of());
    }

    /** Which processes the group takes part in, as its blame sees it. */
    View blameView() {
        var setup = new BarrierSetup(GROUP, WORLD_SIZE, SELF, 30, 200, 5, 250, 100);
        return new BlameWatch(
                        setup,
                        new BlameWatch.Ports() {
                            @Override
                            public boolean reaches(ProcessId process) {
                                return true;
                            }

                            @Override
                            public LinkTable links() {
                                return linkTable;
                            }

                            @Override
                            public Future<Collection<View>> askObservers(
                                    View own, Collection<ProcessId> others, long withinMs) {
                                return Future.succeededFuture(List.of(own));
                            }

                            @Override
                            public Runnable after(long delayMs, Runnable task) {
                                return () -> {};
                            }

                            @Override
                            public void changed(Blame blame) {}
                        },
                        core.core,
                        new BarrierTiming(1_000, 0, 100, 100, 500))
                .view();
    }

    // ---- ports of the process

    @Override
    public ProcessAddress address() {
        return new ProcessAddress(SELF, "10.0.0.9", 9);
    }

    @Override
    public Collection<FakeProcess> groups() {
        return List.of(this);
    }

    @Override
    public @Nullable FakeProcess group(GroupName name) {
        return name.equals(GROUP) ? this : null;
    }

    @Override
    public Future<Channel> dial(ProcessAddress address) {
        dials++;
        ConnectException failure = dialsFail.poll();
        return failure == null ? Future.succeededFuture(channel) : Future.failedFuture(failure);
    }

    @Override
    public LinkEvent.Reach reach(RankEntry entry) {
        return reach;
    }

    @Override
    public long nonce() {
        return 77;
    }

    @Override
    public Runnable after(long delayMs, Runnable task) {
        timers.add(task);
        return () -> timers.remove(task);
    }

    @Override
    public void malformed(Channel from, String expected, String reason) {
        distrusted.add("malformed " + expected);
    }

    // ---- the group

    @Override
    public GroupName name() {
        return GROUP;
    }

    @Override
    public int worldSize() {
        return WORLD_SIZE;
    }

    @Override
    public Set<Integer> ranks() {
        return Set.of(0);
    }

    @Override
    public @Nullable Member localSeat(int rank) {
        return seated.get(rank);
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
    public LinkTable linkTable() {
        return linkTable;
    }

    @Override
    public BarrierCalls barrier() {
        return this;
    }

    @Override
    public @Nullable StoredBytes opened(String key, @Nullable StoredBytes stored) {
        return stored;
    }

    @Override
    public Future<Buffer> statusPart() {
        return Future.succeededFuture(statusPart);
    }

    @Override
    public Gossip sealed(Gossip gossip) {
        sealed++;
        return gossip;
    }

    @Override
    public void open(Member self) {}

    @Override
    public void close(Member self, String reason) {}

    @Override
    public void send(int rank, int peer, LinkEvent event) {
        sent.add(new Sent(rank, peer, event));
    }

    // ---- its barrier

    @Override
    public void execute(Consumer<GroupCore> task) {
        tasks++;
        task.accept(core.core);
    }

    @Override
    public boolean claims(Member member) {
        return claimed.contains(member);
    }

    @Override
    public @Nullable EpochRecord epochSeen() {
        return epochSeen;
    }

    @Override
    public Future<Answer> asked(RankEntry about, long limitMs) {
        return Future.succeededFuture(Answer.HOLDS);
    }

    @Override
    public Future<View> view() {
        return Future.succeededFuture(blameView());
    }

    @Override
    public void processLost(ProcessId process, LossEvidence evidence) {
        lost.add(new Lost(process, evidence));
    }

    @Override
    public void notOpened(ProcessId process, LossEvidence evidence) {
        unopened.add(new Lost(process, evidence));
    }

    // ---- trust

    @Override
    public boolean isSecured(GroupName group) {
        return secured.contains(group);
    }

    @Override
    public Channel over(Channel from, GroupName group) {
        return from;
    }

    @Override
    public Beat.GroupBeat signed(Channel to, GroupName group, Beat.GroupBeat beat) {
        return secured.contains(group) ? beat.signed(new byte[] {1}) : beat;
    }

    @Override
    public boolean isAuthentic(Channel from, GroupName group, Beat.GroupBeat beat) {
        return !secured.contains(group) || beat.signature().length == 1;
    }

    @Override
    public @Nullable Decoded<Verified> verified(Channel from, ControlKind kind, Buffer payload) {
        return verified;
    }

    @Override
    public void distrust(Channel from, GroupName group, String what) {
        distrusted.add(what);
    }
}
