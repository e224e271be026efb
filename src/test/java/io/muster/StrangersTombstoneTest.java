// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SealedSegmentStore;
import io.muster.store.SegmentStore;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Any process of a group writes GONE for one whose process it sees go, and writes it again when the store has lost it.
 * What a stranger who can read and write the whole store, but has not the secret, makes of that: it has nobody buried
 * alive, and keeps nobody out.
 */
// S-1, R-7, R-8
@Timeout(60)
class StrangersTombstoneTest {
    private static final String SECRET = "Zm9yIHRlc3RzIG9ubHk7IGtlZXAgaXQ";
    private static final GroupName GROUP = new GroupName("g");
    private static final String KEY = InMemoryCluster.keys("g").rank(1);

    @TempDir
    Path folder;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private JsonObject secured = new JsonObject();

    @BeforeEach
    void write() throws IOException {
        secured = InMemoryCluster.secret(Files.writeString(folder.resolve("secret"), SECRET));
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private static SealedSegmentStore member(SegmentStore raw, String secret) {
        return new SealedSegmentStore(raw, GroupSecret.ofText(secret), (_, _) -> {});
    }

    private static @Nullable RankEntry believed(SegmentStore raw, String key, @Nullable StoredBytes stored) {
        StoredBytes seen = member(raw, SECRET).open(key, stored);
        return seen != null && Schema.rankEntry(seen) instanceof Decoded.Valid<RankEntry>(RankEntry entry)
                ? entry
                : null;
    }

    private static @Nullable RankEntry believed(InMemorySegmentStore raw, String key) {
        return believed(raw, key, Bounded.await(raw.get(key), "reading the stored bytes"));
    }

    private static boolean isTombstoneOf(Member life, @Nullable RankEntry entry) {
        return entry != null
                && entry.state() == RankEntry.State.GONE
                && entry.member().equals(life);
    }

    /**
     * A rank whose process dies, and what the store held of it, as the stranger has kept it: its entry, and its
     * tombstone.
     */
    private record Former(StoredBytes entry, StoredBytes tombstone) {}

    private Former former(int rank, List<JoinedRank> others, InMemorySegmentStore stranger)
            throws InterruptedException {
        InMemoryCluster.Process process = cluster.start(secured);
        JoinedRank joined = process.join("g", rank, 3);
        String key = InMemoryCluster.keys("g").rank(rank);
        StoredBytes entry = Objects.requireNonNull(Bounded.await(stranger.get(key), "the stranger's read"));
        cluster.crash(process);
        Eventually.holds(
                "the tombstone of rank " + rank, () -> isTombstoneOf(joined.member(), believed(stranger, key)));
        assertThat(others)
                .allSatisfy(other -> assertThat(Bounded.await(other.report(), "the report of the other rank")
                                .missing())
                        .isNotEmpty());
        return new Former(entry, Objects.requireNonNull(Bounded.await(stranger.get(key), "the stranger's read")));
    }

    /** What the stranger does to the entry of a rank that lives. */
    private enum Burial {
        DELETED,
        FORMER_LIFE_PUT_BACK,
        FORMER_TOMBSTONE_PUT_BACK,
        UNSIGNED_TOMBSTONE,
        UNSIGNED_TOMBSTONE_OF_A_LATER_LIFE,
        TOMBSTONE_OF_ANOTHER_SECRET,
        ANOTHER_RANKS_TOMBSTONE,
        OWN_TOMBSTONE_OF_AN_EARLIER_REVISION_PUT_BACK
    }

    @ParameterizedTest
    @EnumSource
    void noLiveRankGetsATombstone(Burial burial) throws Exception {
        JoinedRank zero = cluster.start(secured).join("g", 0, 3);
        InMemorySegmentStore stranger = cluster.stranger();
        Former one = former(1, List.of(zero), stranger);
        Former two = former(2, List.of(zero), stranger);
        InMemoryCluster.Process living = cluster.start(secured);
        JoinedRank livingOne = living.join("g", 1, 3);
        List<JoinedRank> ranks = List.of(zero, livingOne, cluster.start(secured).join("g", 2, 3));
        long epoch = InMemoryCluster.await(ranks).epoch();
        StoredBytes buried = buried(burial, stranger, livingOne.member(), one, two);
        Queue<StoredBytes> history = new ConcurrentLinkedQueue<>();
        record(stranger, history);
        Queue<String> losses = new ConcurrentLinkedQueue<>();
        cluster.processes()
                .forEach(process -> process.vertx()
                        .eventBus()
                        .<JsonObject>localConsumer(
                                new Addresses(GROUP).degraded(),
                                message -> losses.add(message.body().encode())));

        for (int times = 0; times < 5; times++) {
            if (buried == null) {
                InMemoryCluster.remove(stranger, KEY);
            } else {
                InMemoryCluster.overwrite(stranger, KEY, buried);
            }
            Eventually.holds(
                    "it is put right",
                    () -> believed(stranger, KEY) instanceof RankEntry entry
                            && entry.isLive()
                            && entry.member().equals(livingOne.member()));
        }
        Eventually.holds("the stranger's acts were seen", () -> history.size() >= (buried == null ? 5 : 10));
        assertThat(history.stream().filter(value -> !value.equals(buried)).map(value -> believed(stranger, KEY, value)))
                .as("nobody of the group has signed a tombstone of the life that lives")
                .allMatch(entry -> entry != null && entry.isLive());
        assertThat(losses).as("no link was lost").isEmpty();
        assertThat(InMemoryCluster.await(ranks).epoch()).isEqualTo(epoch);
        InMemoryCluster.Process late = cluster.start(secured);
        assertThatThrownBy(() -> late.join("g", 1, 3)).as("the seat is held").hasMessageContaining("is held by pid");
    }

    private static void record(InMemorySegmentStore stranger, Queue<StoredBytes> history) {
        Bounded.await(
                stranger.listen(new SegmentStore.Listener() {
                    @Override
                    public void changed(String key, @Nullable StoredBytes value) {
                        if (key.equals(KEY) && value != null) {
                            history.add(value);
                        }
                    }

                    @Override
                    public void outdated() {}

                    @Override
                    public void membersChanged(SegmentStore.PresentMembers present) {}
                }),
                "the stranger listens to the store");
    }

    private static @Nullable StoredBytes buried(
            Burial burial, InMemorySegmentStore stranger, Member living, Former one, Former two)
            throws InterruptedException {
        RankEntry entry = Objects.requireNonNull(believed(stranger, KEY));
        RankEntry gone =
                new RankEntry(GROUP, 3, living, RankEntry.State.GONE, entry.revision() + 1_000, entry.handle());
        return switch (burial) {
            case DELETED -> null;
            case FORMER_LIFE_PUT_BACK -> one.entry();
            case FORMER_TOMBSTONE_PUT_BACK -> one.tombstone();
            case UNSIGNED_TOMBSTONE -> Schema.encode(gone);
            case UNSIGNED_TOMBSTONE_OF_A_LATER_LIFE ->
                Schema.encode(new RankEntry(GROUP, 3, later(living), RankEntry.State.GONE, 0, entry.handle()));
            case TOMBSTONE_OF_ANOTHER_SECRET ->
                member(stranger, "YW5vdGhlciBvbmUgb2YgdGhlIHNhbWU").close(KEY, Schema.encode(gone));
            case ANOTHER_RANKS_TOMBSTONE -> two.tombstone();
            case OWN_TOMBSTONE_OF_AN_EARLIER_REVISION_PUT_BACK -> {
                // as one half of a split writes it: by a member, rightly, and long ago
                SealedSegmentStore half = member(stranger, SECRET);
                StoredBytes tombstone = Schema.encode(entry.with(RankEntry.State.GONE, entry.handle()));
                Eventually.holds(
                        "the tombstone is written",
                        () -> Bounded.await(
                                half.compareAndSet(KEY, Bounded.await(half.get(KEY), "reading the entry"), tombstone),
                                "writing the tombstone"));
                Eventually.holds(
                        "its owner asserts it",
                        () -> believed(stranger, KEY) instanceof RankEntry now
                                && now.isLive()
                                && now.revision() > entry.revision());
                yield half.close(KEY, tombstone);
            }
        };
    }

    private static Member later(Member life) {
        return new Member(
                life.rank(), life.incarnation() + 1_000_000_000_000L, LifeId.random(RandomGenerator.getDefault()));
    }

    @Test
    void destroyedTombstonesAreRestoredAndForgedOnesBlockNoRank() throws InterruptedException {
        secured.put(
                "store",
                new JsonObject().put("reconcileMs", 100)); // what nobody asserts is looked for by reading again
        JoinedRank zero = cluster.start(secured).join("g", 0, 3);
        JoinedRank two = cluster.start(secured).join("g", 2, 3);
        InMemorySegmentStore stranger = cluster.stranger();
        Former one = former(1, List.of(zero, two), stranger);
        RankEntry dead = Objects.requireNonNull(believed(stranger, KEY));
        InMemoryCluster.remove(stranger, KEY);
        Eventually.holds(
                "the tombstone is restored and signed", () -> isTombstoneOf(dead.member(), believed(stranger, KEY)));
        InMemoryCluster.overwrite(stranger, KEY, one.entry());
        Eventually.holds(
                "the tombstone replaces the entry that it ended",
                () -> isTombstoneOf(dead.member(), believed(stranger, KEY)));
        Member forged = later(dead.member());
        InMemoryCluster.overwrite(
                stranger, KEY, Schema.encode(new RankEntry(GROUP, 3, forged, RankEntry.State.GONE, 0, dead.handle())));
        JoinedRank next = cluster.start(secured).join("g", 1, 3);
        InMemoryCluster.await(zero, next, two);
        assertThat(next.member().incarnation())
                .as("after the true one, and not after the forged one")
                .isGreaterThan(dead.member().incarnation())
                .isLessThan(forged.incarnation());
    }

    /**
     * Presence in the cluster is all that a tombstone follows from, and a stranger may be there under any name: it
     * delays the tombstone only.
     */
    @Test
    void posingAsADeadProcessBlocksNoRank() throws InterruptedException {
        JoinedRank zero = cluster.start(secured).join("g", 0, 2);
        InMemoryCluster.Process former = cluster.start(secured);
        JoinedRank one = former.join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        var context = cluster.processes().getFirst().vertx().getOrCreateContext();
        InMemorySegmentStore impostor =
                cluster.shared().store(context, former.muster().processId());
        cluster.crash(former);
        Eventually.holds(
                "its loss is seen on the path",
                () -> !Bounded.await(zero.report(), "the report of rank 0")
                        .missing()
                        .isEmpty());
        assertThat(Objects.requireNonNull(believed(impostor, KEY)).isLive())
                .as("no tombstone: it seems to be there")
                .isTrue();
        InMemoryCluster.remove(impostor, KEY);
        JoinedRank next = cluster.start(secured).join("g", 1, 2);
        assertThat(InMemoryCluster.await(zero, next).epoch()).isGreaterThan(epoch);
        assertThat(next.member().isNewerThan(one.member())).isTrue();
    }
}
