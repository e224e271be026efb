// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent.Reach;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.RemoteRegion;
import java.util.List;

/** Small symbolic members, entries, channels and answers: rank 1 opens the link to rank 0, rank 0 waits for rank 1. */
final class LinkFixture {
    static final GroupName GROUP = new GroupName("g");
    static final int WORLD_SIZE = 2;
    static final int WRITER_RANK = 1;
    static final int WAITER_RANK = 0;
    static final LinkTiming TIMING = LinkTiming.DEFAULT;
    static final Reach DIALABLE = new Reach.Dialable();
    static final WarmupAnswer EXCHANGE = new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "modes say so");
    static final WarmupAnswer FABRIC = new WarmupAnswer(WarmupAnswer.Plan.FABRIC, true, "tcp", "one clique");
    static final WarmupAnswer NO_IMPORT = new WarmupAnswer(WarmupAnswer.Plan.FABRIC, false, "tcp", "import failed");
    static final WarmupAnswer REFUSE =
            new WarmupAnswer(WarmupAnswer.Plan.REFUSE, false, "tcp", "mode mismatch local=exchange peer=fabric");

    private LinkFixture() {}

    static Member member(int rank, int life) {
        return new Member(rank, life, new LifeId(rank, life));
    }

    static Member writer(int life) {
        return member(WRITER_RANK, life);
    }

    static Member waiter(int life) {
        return member(WAITER_RANK, life);
    }

    static RankEntry entry(Member member, long revision) {
        return entry(member, revision, WORLD_SIZE);
    }

    static RankEntry entry(Member member, long revision, int worldSize) {
        var handle = new SegmentHandle(
                new ProcessId(member.rank(), member.incarnation()),
                "127.0.0.1",
                7000,
                "host",
                1,
                "uuid",
                "auto",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        return new RankEntry(GROUP, worldSize, member, RankEntry.State.LIVE, revision, handle);
    }

    static LinkSetup writerSetup(int life) {
        return new LinkSetup(GROUP, WORLD_SIZE, writer(life), WAITER_RANK, TIMING);
    }

    static LinkSetup waiterSetup(int life) {
        return new LinkSetup(GROUP, WORLD_SIZE, waiter(life), WRITER_RANK, TIMING);
    }

    static WarmupSlot slot(Member owner) {
        return new WarmupSlot(new RemoteRegion(1 + owner.rank(), owner.incarnation(), 64), 8);
    }

    /** The channel as the end of this rank sees it: its own nonce first. */
    static ChannelGeneration generation(int rank, int number) {
        return new ChannelGeneration(10L * number + rank, 10L * number + 1 - rank);
    }

    static int numberOf(ChannelGeneration generation) {
        return (int) (generation.mine() / 10);
    }

    static LinkMessage.Open open(int writerLife, int waiterLife, int attempt, long nonce, WarmupAnswer answer) {
        return new LinkMessage.Open(
                entry(writer(writerLife), 0), waiter(waiterLife), attempt, nonce, slot(writer(writerLife)), answer);
    }

    static LinkMessage.Accept accept(PairId pair, WarmupAnswer answer) {
        return new LinkMessage.Accept(GROUP, pair, slot(pair.waiter()), answer);
    }
}
