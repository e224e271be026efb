// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.epoch.BarrierSetup;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.store.SegmentStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Which tombstones are written on behalf of others. Found by simulation: lives of which only some have
 * heard.
 */
class TombstonesTest implements Tombstones.Ports {
    private static final GroupName GROUP = new GroupName("g");
    private static final BarrierSetup SETUP = new BarrierSetup(GROUP, 2, new ProcessId(0, 1), 30, 200, 5, 250, 100);
    private static final SegmentStore.PresentMembers PEER_IS_THERE =
            new SegmentStore.PresentMembers(Set.of(new ProcessId(0, 2).toString()), Set.of());
    private static final SegmentStore.PresentMembers PEER_IS_GONE = new SegmentStore.PresentMembers(Set.of(), Set.of());

    private final Directory directory = new Directory(SETUP, new StoredValues(SETUP), null, () -> 0);
    private final Tombstones tombstones = new Tombstones(SETUP, directory, this);
    private final List<RankEntry> asked = new ArrayList<>();
    private final List<StoredBytes> written = new ArrayList<>();
    private Answer answer = Answer.HOLDS;
    private boolean holds;

    private static RankEntry entry(long incarnation, long process) {
        var handle = new SegmentHandle(
                new ProcessId(0, process),
                "10.0.0." + process,
                4_000,
                "",
                100 + process,
                "",
                "exchange",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        return new RankEntry(
                GROUP, 2, new Member(1, incarnation, new LifeId(0, incarnation)), RankEntry.State.LIVE, 0, handle);
    }

    private static Versioned<RankEntry> seen(RankEntry entry) {
        return new Versioned<>(Schema.encode(entry), entry);
    }

    private static StoredBytes tombstone(RankEntry entry) {
        return Schema.encode(entry.with(RankEntry.State.GONE, entry.handle()));
    }

    @Test
    void aLifeKnownOnlyFromALinkOpenGetsItsTombstone() {
        directory.remember(entry(90, 2));
        tombstones.restore(PEER_IS_GONE, 1, seen(entry(50, 3)));

        assertThat(written).containsExactly(tombstone(entry(90, 2)));
        assertThat(asked).isEmpty();
    }

    @Test
    void aLifeThatItsProcessHasGivenUpGetsATombstone() {
        directory.remember(entry(90, 2));
        answer = Answer.GONE;
        tombstones.restore(PEER_IS_THERE, 1, seen(entry(50, 3)));

        assertThat(asked).containsExactly(entry(90, 2));
        assertThat(written).containsExactly(tombstone(entry(90, 2)));
    }

    @Test
    void writesNoTombstoneForALifeThatItsProcessHolds() {
        directory.remember(entry(90, 2));
        tombstones.restore(PEER_IS_THERE, 1, seen(entry(50, 3)));
        tombstones.restore(PEER_IS_THERE, 1, seen(entry(50, 3)));

        assertThat(asked).as("asked each time that it is seen").hasSize(2);
        assertThat(written).isEmpty();
    }

    @Test
    void writesNoTombstoneToAnEmptyKeyOfALiveProcess() {
        directory.remember(entry(90, 2));
        tombstones.restore(PEER_IS_THERE, 1, null);

        assertThat(asked).isEmpty();
        assertThat(written).isEmpty();
    }

    // The store may report the members without this process's own for a moment
    @Test
    void writesNoTombstoneOverALifeOfItsOwn() {
        directory.learn(1, seen(entry(90, 1)));
        tombstones.clean(PEER_IS_GONE);

        assertThat(written).isEmpty();
    }

    @Test
    void restoresNoTombstoneOfALifeThatItHolds() {
        directory.remember(entry(90, 1));
        holds = true;
        tombstones.restore(PEER_IS_GONE, 1, null);

        assertThat(written).isEmpty();
    }

    @Test
    void restoresTheTombstoneOfAClaimOfItsOwnThatItGaveUp() {
        directory.remember(entry(90, 1));
        tombstones.restore(PEER_IS_THERE, 1, null);

        assertThat(written).containsExactly(tombstone(entry(90, 1)));
    }

    @Test
    void marksTheLifeOfAProcessThatIsGone() {
        directory.learn(1, seen(entry(90, 2)));
        tombstones.clean(PEER_IS_THERE);
        assertThat(written).isEmpty();
        tombstones.clean(PEER_IS_GONE);
        RankEntry gone = entry(90, 2);
        assertThat(written)
                .containsExactly(Schema.encode(
                        new RankEntry(GROUP, 2, gone.member(), RankEntry.State.GONE, gone.revision(), gone.handle())));
    }

    @Override
    public boolean holds(RankEntry entry) {
        return holds;
    }

    @Override
    public Future<Network.SeatAnswer> ask(RankEntry entry) {
        asked.add(entry);
        return Future.succeededFuture(new Network.SeatAnswer(answer, ""));
    }

    @Override
    public void write(int rank, @Nullable StoredBytes expected, StoredBytes next, Consumer<Boolean> applied) {
        written.add(next);
        applied.accept(true);
    }

    @Override
    public void rankSeen(int rank, StoredBytes value) {}
}
