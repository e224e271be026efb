// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.muster.bus.Addresses;
import io.muster.group.AllConnected;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.options.GroupOptions;
import io.muster.peer.LinkState;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFaults;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** What the store may hold, and who may have a rank, in whole groups. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 60, timeUnit = TimeUnit.SECONDS)
class RendezvousGroupTest {
    private static final Addresses G = new Addresses(new GroupName("g"));
    /** Nothing is found by looking again: what happens, happens by push. */
    private static final JsonObject NO_POLLING =
            new JsonObject().put("store", new JsonObject().put("reconcileMs", 3_600_000));

    private final InMemoryCluster cluster = new InMemoryCluster();

    @AfterEach
    void close() {
        cluster.close();
    }

    //
    @Test
    void ranksThatPublishLateAreNoticedByPush() {
        List<JoinedRank> ranks = new ArrayList<>(List.of(
                cluster.start(NO_POLLING).join("g", 0, 4),
                cluster.start(NO_POLLING).join("g", 2, 4)));
        Future<JsonObject> link = cluster.start(NO_POLLING).link("g", 3, 2, "CONNECTED");
        assertThatThrownBy(() ->
                        Bounded.await(ranks.getFirst().allConnected(Duration.ofMillis(100)), "all connected at rank 0"))
                .hasMessageContaining("rank 1: never published")
                .hasMessageContaining("rank 3: never published");
        assertThat(link.isComplete()).isFalse();
        ranks.add(cluster.start(NO_POLLING).join("g", 3, 4));
        ranks.add(cluster.start(NO_POLLING).join("g", 1, 4));
        assertThat(InMemoryCluster.await(ranks).linkCount()).isEqualTo(12);
    }

    // R-2, P-5: what a late rank would have to wait for is done before it is published
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aPreparedRankHasItsConnectionsBeforeItIsPublished(int late) throws Exception {
        List<JoinedRank> ranks = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            if (rank != late) {
                ranks.add(cluster.start(NO_POLLING).join("g", rank, 3));
            }
        }
        InMemoryCluster.Process process = cluster.start(NO_POLLING);
        PreparedRank prepared =
                Bounded.await(process.muster().prepare(GroupOptions.of("g", late, 3)), "preparing the rank");
        Eventually.value("channels to both peers", () -> channels(process), channels -> channels.size() >= 2);
        Set<ChannelGeneration> before = channels(process);
        ranks.add(Bounded.await(prepared.publish(), "publishing the rank"));
        assertThat(InMemoryCluster.await(ranks).linkCount()).isEqualTo(6);
        assertThat(channels(process)).as("and needs no others").isEqualTo(before);
    }

    private static Set<ChannelGeneration> channels(InMemoryCluster.Process process) {
        return process.muster().process().routing().channels().all().stream()
                .map(Channel::generation)
                .collect(Collectors.toSet());
    }

    //
    @Test
    void aLaterRankWithAnotherWorldSizeIsRefusedWithoutHarm() {
        JoinedRank zero = cluster.start().join("g", 0, 2);
        InMemoryCluster.Process other = cluster.start();
        assertThatThrownBy(() -> other.join("g", 1, 3))
                .isInstanceOfSatisfying(
                        MusterException.class,
                        failure -> assertThat(failure.kind()).isEqualTo(MusterException.Kind.CONFIG))
                .hasMessageContaining("has 2 ranks")
                .hasMessageContaining("start all ranks with the same world size");
        assertThat(InMemoryCluster.await(zero, cluster.start().join("g", 1, 2)).linkCount())
                .isEqualTo(2);
    }

    /** What a stranger may put where the entry of rank 2 should be, made from a good entry of rank 0. */
    private enum Bad {
        GARBAGE(good -> StoredBytes.copyOf("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8)), ""),
        EMPTY(good -> StoredBytes.copyOf(new byte[0]), ""),
        SHORT(good -> cut(asRank(good, 2), -1), ""),
        LONG(good -> cut(asRank(good, 2), 1), ""),
        OTHER_VERSION(good -> version(asRank(good, 2)), "version"),
        OTHER_RANK(good -> Schema.encode(good), "rank: expected 2, got 0"),
        OTHER_GROUP(
                good -> Schema.encode(
                        new RankEntry(new GroupName("h"), 3, member(good, 2), good.state(), 0, good.handle())),
                "group: expected g, got h"),
        OTHER_WORLD_SIZE(
                good -> Schema.encode(
                        new RankEntry(good.group(), 4, member(good, 2), good.state(), 0, ofNobody(good.handle()))),
                "world size: expected 3, got 4");

        private final java.util.function.Function<RankEntry, StoredBytes> made;
        private final String reason;

        Bad(java.util.function.Function<RankEntry, StoredBytes> made, String reason) {
            this.made = made;
            this.reason = reason;
        }

        /**
         * A living process that says so would be believed, and the others told to start anew: this one is long gone.
         */
        private static SegmentHandle ofNobody(SegmentHandle handle) {
            return new SegmentHandle(
                    new ProcessId(1, 1),
                    handle.host(),
                    handle.port(),
                    handle.hostId(),
                    handle.pid(),
                    "",
                    handle.warmupMode(),
                    handle.transports(),
                    handle.fabric(),
                    handle.segments());
        }

        private static Member member(RankEntry good, int rank) {
            return new Member(rank, good.member().incarnation(), good.member().life());
        }

        private static StoredBytes asRank(RankEntry good, int rank) {
            return Schema.encode(new RankEntry(good.group(), 3, member(good, rank), good.state(), 0, good.handle()));
        }

        private static StoredBytes cut(StoredBytes bytes, int by) {
            byte[] all = bytes.toByteArray();
            return StoredBytes.copyOf(Arrays.copyOf(all, all.length + by));
        }

        private static StoredBytes version(StoredBytes bytes) {
            byte[] all = bytes.toByteArray();
            all[0]++;
            return StoredBytes.copyOf(all);
        }
    }

    //
    @ParameterizedTest
    @EnumSource
    void anUnusableEntryAffectsOnlyItsOwnRank(Bad bad) {
        InMemoryCluster.Process first = cluster.start();
        Future<JsonObject> connected = first.link("g", 0, 1, "CONNECTED");
        JoinedRank zero = first.join("g", 0, 3);
        InMemorySegmentStore stranger = cluster.stranger();
        RankEntry good =
                entry(Bounded.await(stranger.get(InMemoryCluster.keys("g").rank(0)), "the stranger's read"));
        InMemoryCluster.overwrite(stranger, InMemoryCluster.keys("g").rank(2), bad.made.apply(good));
        JoinedRank one = cluster.start().join("g", 1, 3);
        Bounded.await(connected, "connected");
        for (JoinedRank rank : List.of(zero, one)) {
            assertThat(missing(rank, 2)).satisfies(missing -> {
                assertThat(missing.phase()).isEqualTo(StuckReport.Phase.REJECTED);
                assertThat(missing.lastError()).isNotBlank().contains(bad.reason);
            });
        }
        JoinedRank two = cluster.start().join("g", 2, 3);
        assertThat(InMemoryCluster.await(zero, one, two).linkCount()).isEqualTo(6);
    }

    /** What is said of a rank once its entry has been read: connecting does not wait for that. */
    private static StuckReport.Missing missing(JoinedRank observer, int rank) {
        return Eventually.value(
                "the entry of rank " + rank + " has been read",
                () -> Bounded.await(observer.report(), "the report of the observer").missing().stream()
                        .filter(one -> one.rank() == rank)
                        .findFirst()
                        .orElseThrow(),
                missing -> missing.phase() != StuckReport.Phase.NEVER_PUBLISHED);
    }

    /** What a stranger, or a loss of data, may do to the entry of rank 1. */
    private enum Harm {
        REMOVED {
            void to(InMemoryCluster cluster, InMemorySegmentStore stranger) {
                InMemoryCluster.remove(stranger, InMemoryCluster.keys("g").rank(1));
            }
        },
        MARKED_GONE {
            void to(InMemoryCluster cluster, InMemorySegmentStore stranger) {
                replace(
                        stranger,
                        entry -> new RankEntry(
                                entry.group(),
                                entry.worldSize(),
                                entry.member(),
                                RankEntry.State.GONE,
                                entry.revision(),
                                entry.handle()));
            }
        },
        OVERWRITTEN {
            void to(InMemoryCluster cluster, InMemorySegmentStore stranger) {
                InMemoryCluster.overwrite(
                        stranger, InMemoryCluster.keys("g").rank(1), StoredBytes.copyOf(new byte[] {1, 2, 3}));
            }
        },
        ALL_LOST {
            void to(InMemoryCluster cluster, InMemorySegmentStore stranger) {
                var keys = InMemoryCluster.keys("g");
                Set<String> all = new HashSet<>(keys.ranks(3));
                all.addAll(keys.ready(java.util.stream.IntStream.range(0, 3)));
                all.add(keys.epoch());
                cluster.shared().lose(all);
            }
        };

        abstract void to(InMemoryCluster cluster, InMemorySegmentStore stranger);

        static void replace(InMemorySegmentStore stranger, UnaryOperator<RankEntry> change) {
            String key = InMemoryCluster.keys("g").rank(1);
            InMemoryCluster.overwrite(
                    stranger,
                    key,
                    Schema.encode(change.apply(entry(Bounded.await(stranger.get(key), "the stranger's read")))));
        }
    }

    //
    @ParameterizedTest
    @EnumSource
    void damageInTheStoreEndsNoLinkAndTheOwnerRestoresItsEntry(Harm harm) {
        List<JoinedRank> ranks = new ArrayList<>();
        List<InMemoryCluster.Process> processes = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            processes.add(cluster.start(NO_POLLING));
            ranks.add(processes.getLast().join("g", rank, 3));
        }
        long epoch = InMemoryCluster.await(ranks).epoch();
        Queue<Object> losses = new ConcurrentLinkedQueue<>();
        processes.forEach(process -> {
            process.vertx().eventBus().localConsumer(G.degraded(), message -> losses.add(message.body()));
            process.vertx().eventBus().<JsonObject>localConsumer(G.peerState(), message -> {
                if (message.body()
                        .getString("from")
                        .equals("CONNECTED")) { // the last CONNECTED may still be on its way here
                    losses.add(message.body());
                }
            });
        });
        InMemorySegmentStore stranger = cluster.stranger();
        Member member = ranks.get(1).member();
        Future<RankEntry> asserted = next(
                stranger,
                InMemoryCluster.keys("g").rank(1),
                entry -> entry.isLive() && entry.member().equals(member) && entry.revision() > 0);
        var lines = new ListAppender<ILoggingEvent>();
        lines.start();
        var log = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger("io.muster.runtime");
        log.addAppender(lines);
        harm.to(cluster, stranger);
        Bounded.await(asserted, "asserted");
        log.detachAppender(lines);
        assertThat(lines.list)
                .as("no part of the cluster has merged")
                .noneMatch(line -> line.getFormattedMessage().startsWith("muster.store.merged"));
        assertThat(InMemoryCluster.await(ranks).epoch()).isEqualTo(epoch);
        assertThat(losses).isEmpty();
        for (JoinedRank rank : ranks) {
            rank.runtime()
                    .linkTable()
                    .forEach((_, row) -> assertThat(row.state()).isInstanceOf(LinkState.Connected.class));
        }
    }

    //
    @Test
    void aLiveIncumbentKeepsItsRankAndIsNamedToTheNewcomer() {
        InMemoryCluster.Process first = cluster.start();
        JoinedRank zero = first.join("g", 0, 1);
        long epoch = InMemoryCluster.await(zero).epoch();
        InMemoryCluster.Process second = cluster.start();
        var refused = catchThrowableOfType(MusterException.class, () -> second.join("g", 0, 1));
        assertThat(refused.kind()).isEqualTo(MusterException.Kind.CONFIG);
        assertThat(second.muster().groups().groups()).isEmpty();
        assertThat(second.muster().process().regions().size()).isZero();
        assertThat(second.vertx().deploymentIDs()).isEmpty();
        assertThat(refused)
                .hasMessageContaining("held by pid " + ProcessHandle.current().pid() + " at "
                        + first.muster().address());
        assertThat(InMemoryCluster.await(zero).epoch()).isEqualTo(epoch);
    }

    //
    @Test
    void anIncumbentMarkedGoneKeepsItsRankIfItAnswers() {
        JoinedRank zero = cluster.start(NO_POLLING).join("g", 0, 1);
        InMemoryCluster.await(zero);
        InMemorySegmentStore stranger = cluster.stranger();
        String key = InMemoryCluster.keys("g").rank(0);
        RankEntry live = entry(Bounded.await(stranger.get(key), "the stranger's read"));
        InMemoryCluster.overwrite(
                stranger,
                key,
                Schema.encode(new RankEntry(
                        live.group(), 1, live.member(), RankEntry.State.GONE, live.revision(), live.handle())));
        assertThatThrownBy(() -> cluster.start(NO_POLLING).join("g", 0, 1)).hasMessageContaining("is held by pid");
    }

    // the newcomer does not wait for the liveness limit
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDeadIncumbentIsReplacedAtOnce(boolean storeKnows) {
        JsonObject slow = NO_POLLING.copy().put("liveness", new JsonObject().put("intervalMs", 600_000));
        JoinedRank zero = cluster.start(slow).join("g", 0, 2);
        InMemoryCluster.Process second = cluster.start(slow);
        JoinedRank one = second.join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        if (storeKnows) {
            cluster.crash(second);
        } else {
            Bounded.await(second.muster().process().transport().close(), "closing the transport");
        }
        JoinedRank again = cluster.start(slow).join("g", 1, 2);
        assertThat(again.member().isNewerThan(one.member())).isTrue();
        assertThat(InMemoryCluster.await(zero, again).epoch()).isGreaterThan(epoch);
    }

    // "and it stops when it wakes", also where it does not see the store that has the newer life
    @Test
    void peersNotifyALifeThatWasTakenOver() {
        try (var island = new InMemoryCluster()) {
            JoinedRank old = island.start(NO_POLLING).join("g", 1, 2);
            Future<AllConnected> waiting = old.allConnected(InMemoryCluster.PATIENCE);
            JoinedRank zero = cluster.start(NO_POLLING).join("g", 0, 2);
            JoinedRank one = cluster.start(NO_POLLING).join("g", 1, 2);
            long epoch = InMemoryCluster.await(zero, one).epoch();
            assertThat(one.member().isNewerThan(old.member())).isTrue();

            String key = InMemoryCluster.keys("g").rank(0);
            InMemoryCluster.overwrite(
                    island.stranger(), key, Bounded.await(cluster.stranger().get(key), "the stranger's read"));

            assertThatThrownBy(() -> Bounded.await(waiting, "the wait for all connected"))
                    .isInstanceOfSatisfying(
                            MusterException.class,
                            ended -> assertThat(ended.kind()).isEqualTo(MusterException.Kind.FATAL))
                    .hasMessageContaining("was taken over by a newer life, " + one.member());
            Eventually.value("no seat is held here", () -> old.runtime().localSeat(1), Objects::isNull);
            assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
        }
    }

    // rank 0 opens no link, so no peer refuses it
    @Test
    void notifiesASilentLifeOfItsTakeoverOnceItAnswersAgain() {
        try (var island = new InMemoryCluster()) {
            JoinedRank old = island.start(NO_POLLING).join("g", 0, 2);
            Future<AllConnected> waiting = old.allConnected(InMemoryCluster.PATIENCE);
            var faults = new TransportFaults();
            TransportFault unreachable =
                    faults.add(TransportFault.at(TransportFault.Point.DIAL, new TransportFault.Act.Fail("frozen")));
            InMemoryCluster.Process process = cluster.start(
                    NO_POLLING.copy().put("peer", new JsonObject().put("backoff", new JsonObject().put("maxMs", 128))),
                    faults);
            String key = InMemoryCluster.keys("g").rank(0);
            InMemoryCluster.overwrite(
                    cluster.stranger(), key, Bounded.await(island.stranger().get(key), "the stranger's read"));

            JoinedRank zero = process.join("g", 0, 2);
            assertThat(unreachable.fired())
                    .as("questions that the old life did not get")
                    .isPositive();
            faults.healAll();

            assertThatThrownBy(() -> Bounded.await(waiting, "the wait for all connected"))
                    .hasMessageContaining("was taken over by a newer life, " + zero.member());
        }
    }

    private static Future<RankEntry> next(InMemorySegmentStore store, String key, Predicate<RankEntry> wanted) {
        Promise<RankEntry> seen = Promise.promise();
        Bounded.await(
                store.listen(new SegmentStore.Listener() {
                    @Override
                    public void changed(String changed, @Nullable StoredBytes value) {
                        if (changed.equals(key)
                                && value != null
                                && Schema.rankEntry(value) instanceof Decoded.Valid<RankEntry>(RankEntry entry)
                                && wanted.test(entry)) {
                            seen.tryComplete(entry);
                        }
                    }

                    @Override
                    public void outdated() {}

                    @Override
                    public void membersChanged(SegmentStore.PresentMembers present) {}
                }),
                "listening to the store");
        return seen.future();
    }

    private static RankEntry entry(@Nullable StoredBytes bytes) {
        if (bytes != null && Schema.rankEntry(bytes) instanceof Decoded.Valid<RankEntry>(RankEntry entry)) {
            return entry;
        }
        throw new AssertionError("no entry");
    }
}
