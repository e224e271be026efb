// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.muster.bus.Addresses;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.group.WriteException;
import io.muster.ops.StatusVerticle;
import io.muster.options.GroupOptions;
import io.muster.options.SecurityOptions;
import io.muster.options.TlsOptions;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkMessage;
import io.muster.peer.WarmupAnswer;
import io.muster.peer.WarmupSlot;
import io.muster.routing.Beat;
import io.muster.runtime.GroupSeals;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SealedSegmentStore;
import io.muster.testing.TransportFault;
import io.muster.testing.TransportFaults;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.SilentListener;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.Keyring;
import io.muster.transfer.tcp.TcpOptions;
import io.muster.transfer.tcp.TcpTransport;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/**
 * Whole groups with a secret, and what a stranger who can read and write the whole store, and reach every port, does to
 * them.
 */
// S-1, S-2
@ExtendWith(VertxExtension.class)
@org.junit.jupiter.api.Timeout(60)
class SecuredGroupTest {
    private static final String SECRET = "Zm9yIHRlc3RzIG9ubHk7IGtlZXAgaXQ";
    private static final String WRONG = "YW5vdGhlciBvbmUgb2YgdGhlIHNhbWU";
    private static final Addresses G = new Addresses(new GroupName("g"));

    @TempDir
    Path folder;

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final Queue<String> logged = new ConcurrentLinkedQueue<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event.getLoggerName() + " " + event.getFormattedMessage()
                    + (event.getThrowableProxy() == null
                            ? ""
                            : event.getThrowableProxy().getMessage()));
        }
    };
    private JsonObject secured = new JsonObject();

    @BeforeEach
    void listen() throws IOException {
        Files.writeString(folder.resolve("secret"), SECRET + "\n");
        Files.writeString(folder.resolve("wrong"), WRONG);
        secured = InMemoryCluster.secret(folder.resolve("secret"));
        appender.start();
        ((Logger) LoggerFactory.getLogger("io.muster")).addAppender(appender);
    }

    @AfterEach
    void close() {
        cluster.close();
        ((Logger) LoggerFactory.getLogger("io.muster")).detachAppender(appender);
        assertThat(logged)
                .as("the secret is in no log")
                .noneMatch(line -> line.contains(SECRET) || line.contains(WRONG));
    }

    private static MemorySegment eight(long value) {
        MemorySegment source = Arena.ofAuto().allocate(8, 8);
        source.set(ValueLayout.JAVA_LONG, 0, value);
        return source;
    }

    private long warnings(String event) {
        return logged.stream().filter(line -> line.contains(event)).count();
    }

    @Test
    void ranksWithTheSecretConnectWriteLeaveAndComeBack() {
        InMemoryCluster.Process first = cluster.start(secured);
        JoinedRank zero = first.join(GroupOptions.of("g", 0, 3).segment("kv", 64));
        JoinedRank one = first.join("g", 1, 3);
        InMemoryCluster.Process second = cluster.start(secured);
        JoinedRank two = second.join("g", 2, 3);
        assertThat(InMemoryCluster.await(zero, one, two).linkCount()).isEqualTo(6);
        Bounded.await(two.write(0, "kv", 8, eight(42)), "the write of rank 2");
        assertThat(zero.segment("kv").get(ValueLayout.JAVA_LONG, 8)).isEqualTo(42);
        long epoch = InMemoryCluster.await(zero).epoch();
        cluster.crash(second);
        JoinedRank again = cluster.start(secured).join("g", 2, 3);
        assertThat(InMemoryCluster.await(zero, one, again).epoch()).isGreaterThan(epoch);
        Bounded.await(again.leave(), "again leave");
        assertThat(first.muster().diagnostics().rejected().count()).isZero();
        InMemorySegmentStore stranger = cluster.stranger();
        for (String key : cluster.shared().keys()) {
            StoredBytes bytes = Objects.requireNonNull(Bounded.await(stranger.get(key), "the stranger's read"));
            for (Decoded<?> decoded :
                    List.of(Schema.rankEntry(bytes), Schema.readyMark(bytes), Schema.epochRecord(bytes))) {
                assertThat(decoded)
                        .as(key + " can't be believed without the secret")
                        .isInstanceOf(Decoded.Malformed.class);
            }
        }
    }

    // P-3: the accept proves the waiter to the writer, and goes over another connection than the value that goes with
    // it
    @Test
    void aWarmupValueFromAnUnprovedSenderIsWrittenAgain() {
        var faults = new TransportFaults();
        TransportFault late = faults.add(
                TransportFault.at(TransportFault.Point.SEND_LINK, new TransportFault.Act.Delay(Duration.ofMillis(50))));
        InMemoryCluster.Process waiter = cluster.start(secured, faults);
        InMemoryCluster.Process writer = cluster.start(secured);
        Future<JsonObject> connected = writer.link("g", 1, 0, "CONNECTED");
        InMemoryCluster.await(waiter.join("g", 0, 2), writer.join("g", 1, 2));
        assertThat(late.fired()).isPositive();
        assertThat(Bounded.await(connected, "connected").getInteger("attempt")).isEqualTo(1);
        assertThat(writer.muster().process().regions().refusals(WriteException.Reason.UNPROVED))
                .as("it was there first")
                .isPositive();
    }

    /** What one process knows that the others do not, or the other way round. */
    private enum Mistake {
        NONE_HERE,
        WRONG_HERE,
        NONE_THERE
    }

    @ParameterizedTest
    @EnumSource
    void aMissingOrWrongSecretIsRefusedCountedAndReported(Mistake mistake) {
        JsonObject unsecured = InMemoryCluster.secret(Path.of(""));
        InMemoryCluster.Process first = cluster.start(mistake == Mistake.NONE_THERE ? unsecured : secured);
        JoinedRank zero = first.join("g", 0, 2);
        InMemoryCluster.Process second = cluster.start(
                switch (mistake) {
                    case NONE_HERE -> unsecured;
                    case WRONG_HERE -> InMemoryCluster.secret(folder.resolve("wrong"));
                    case NONE_THERE -> secured;
                });
        io.vertx.core.Promise<String> refused = io.vertx.core.Promise.promise();
        second.vertx().eventBus().<io.muster.peer.LinkChange>localConsumer(G.linkState(), message -> {
            if (message.body().peer() == 0 && message.body().reason().contains("signature")) {
                refused.tryComplete(message.body().reason());
            }
        });
        JoinedRank one = second.join("g", 1, 2);
        Bounded.await(refused.future(), "the refusal");
        for (JoinedRank rank : List.of(zero, one)) {
            assertThatThrownBy(() -> Bounded.await(rank.allConnected(Duration.ofMillis(300)), "all connected"))
                    .isInstanceOf(MusterException.class)
                    .hasMessageContaining("signature: expected")
                    .hasMessageContaining("security.secretFile");
            StuckReport report = Bounded.await(rank.report(), "the report of the rank");
            boolean knowsNone = mistake == (rank == zero ? Mistake.NONE_THERE : Mistake.NONE_HERE);
            assertThat(report.missing()).anySatisfy(missing -> {
                assertThat(missing.rank()).isEqualTo(rank == zero ? 1 : 0);
                assertThat(missing.phase()).isEqualTo(knowsNone ? StuckReport.Phase.SIGNED : StuckReport.Phase.FOREIGN);
                assertThat(missing.host())
                        .as("where to look")
                        .startsWith("127.0.0.1:")
                        .endsWith(" (as it says itself)");
                assertThat(missing.pid()).isEqualTo(ProcessHandle.current().pid());
                assertThat(missing.whatToDo())
                        .contains("set the same group secret")
                        .contains("security.secretFile");
            });
        }
        assertThat(first.muster().diagnostics().rejected().count()
                        + second.muster().diagnostics().rejected().count())
                .isPositive();
        assertThat(logged.stream()
                        .filter(line -> line.contains("muster.entry.rejected group=g rank=0"))
                        .count())
                .as("once")
                .isEqualTo(1);
        ProcessAddress address = first.muster().address();
        assertThatThrownBy(() -> Bounded.await(
                        second.muster().process().routing().connect(address), "connecting to the process"))
                .hasMessageContaining("UNPROVED")
                .hasMessageContaining("security.secretFile");
        assertThatThrownBy(() -> Bounded.await(
                        first.muster()
                                .process()
                                .routing()
                                .connect(second.muster().address()),
                        "connecting to the process"))
                .hasMessageContaining("UNPROVED");
        assertThat(warnings("muster.connection.dropped"))
                .as("once per address, though it was refused more often")
                .isBetween(1L, 2L);
    }

    @Test
    void allGroupsOfAProcessHaveASecretOrNoneOfThemHas() {
        GroupSecret own = GroupSecret.ofText("a secret of group h alone");
        InMemoryCluster.Process process = cluster.start(InMemoryCluster.secret(Path.of("")));
        process.join("g", 0, 1);
        assertThatThrownBy(() -> process.join(GroupOptions.of("h", 0, 1).secret(own)))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("group h has a secret, and other groups of this process have none");
        InMemoryCluster.Process other = cluster.start(InMemoryCluster.secret(Path.of("")));
        JoinedRank secret = other.join(GroupOptions.of("h", 0, 2).secret(own));
        assertThatThrownBy(() -> other.join("k", 0, 1))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("group k has no secret, and other groups of this process have one");
        assertThatThrownBy(
                        () -> other.join(GroupOptions.of("h", 1, 2).secret(GroupSecret.ofText("another secret for h"))))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("another secret");
        JoinedRank peer = cluster.start(secured).join(GroupOptions.of("h", 1, 2).secret(own));
        assertThat(InMemoryCluster.await(secret, peer).linkCount()).isEqualTo(2);
        Bounded.await(secret.leave(), "leaving with the signed rank");
        Bounded.await(other.join("k", 0, 1).allConnected(InMemoryCluster.PATIENCE), "all connected");
    }

    @Test
    void theSecretComesFromFileOrEnvironmentAndErrorsOmitIt() throws IOException {
        var fromFile = new SecurityOptions(folder.resolve("secret").toString(), "VARIABLE", TlsOptions.DEFAULTS);
        Map<String, String> environment = Map.of("VARIABLE", SECRET + "\n", "SHORT", "short");
        assertThat(fromFile.secret(_ -> null))
                .isEqualTo(new SecurityOptions("", "VARIABLE", TlsOptions.DEFAULTS).secret(environment::get))
                .isNotNull();
        assertThat(new SecurityOptions("", "VARIABLE", TlsOptions.DEFAULTS).secret(_ -> null))
                .isNull();
        assertThat(new SecurityOptions("", "", TlsOptions.DEFAULTS).secret(environment::get))
                .isNull();
        assertThatThrownBy(() -> fromFile.secret(environment::get))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("two secrets");
        assertThatThrownBy(() -> new SecurityOptions("", "SHORT", TlsOptions.DEFAULTS).secret(environment::get))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("variable SHORT")
                .hasMessageContaining("got 5")
                .hasMessageContaining("openssl rand")
                .message()
                .doesNotContain("short");
        assertThatThrownBy(() ->
                        new SecurityOptions(folder.resolve("no").toString(), "", TlsOptions.DEFAULTS).secret(_ -> null))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("does not exist")
                .hasMessageContaining("openssl rand -base64 32");
        Path open = Files.writeString(folder.resolve("open"), SECRET);
        Files.setPosixFilePermissions(open, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(SecurityOptions.ofFile(open)).isNotNull();
        assertThat(warnings("muster.secret.open")).isPositive();
    }

    // ---- the stranger in the store

    /** What a stranger writes over what the group has written. */
    private enum Forgery {
        NEWER_LIFE_ELSEWHERE,
        NEWER_LIFE_OF_ANOTHER_SECRET,
        ANOTHER_RANKS_SIGNED_ENTRY,
        GONE,
        LEFT,
        DEGRADED,
        A_GREATER_EPOCH,
        A_MARK,
        REMOVED,
        GARBAGE
    }

    @ParameterizedTest
    @EnumSource
    void aForgeryInTheStoreHasNoEffectAndIsPutRight(Forgery forgery) throws Exception {
        List<InMemoryCluster.Process> processes =
                List.of(cluster.start(secured), cluster.start(secured), cluster.start(secured));
        List<JoinedRank> ranks = new ArrayList<>();
        for (int rank = 0; rank < 3; rank++) {
            ranks.add(processes.get(rank).join("g", rank, 3));
        }
        long epoch = InMemoryCluster.await(ranks).epoch();
        Queue<String> losses = new ConcurrentLinkedQueue<>();
        processes.forEach(process -> process.vertx()
                .eventBus()
                .<JsonObject>localConsumer(
                        G.degraded(), message -> losses.add(message.body().encode())));
        try (var trap = new Trap(new Keyring())) {
            InMemorySegmentStore stranger = cluster.stranger();
            Forged forged = forge(forgery, stranger, trap);
            awaitOther(stranger, forged.key(), forged.bytes());
            for (JoinedRank rank : ranks) {
                assertThat(InMemoryCluster.await(rank).epoch())
                        .as("the epoch stands")
                        .isEqualTo(epoch);
            }
            assertThat(losses).isEmpty();
            assertThat(trap.connected())
                    .as("nobody dials where a forged entry says")
                    .isZero();
        }
        InMemoryCluster.Process late = cluster.start(secured);
        assertThatThrownBy(() -> late.join("g", 1, 3))
                .as("the seats are still held")
                .hasMessageContaining("is held by pid");
        if (forgery != Forgery.REMOVED) { // of marks the store tells nobody: who reads them counts
            assertThat(Stream.concat(processes.stream(), Stream.of(late))
                            .mapToLong(process ->
                                    process.muster().diagnostics().rejected().count())
                            .sum())
                    .as("counted")
                    .isPositive();
        }
    }

    // S-2, O-2, B-3
    @Test
    void theStatusNamesTheRankWithoutTheSecretAndTheRemedy() {
        InMemoryCluster.Process waiter = cluster.start(secured);
        JoinedRank zero = waiter.join("g", 0, 3);
        JoinedRank one = waiter.join("g", 1, 3);
        assertThat(Bounded.await(waiter.muster().diagnostics().status("g"), "muster status")
                        .getFirst()
                        .toJson()
                        .getLong("distrusted"))
                .isZero();
        InMemoryCluster.Process forgetful = cluster.start(InMemoryCluster.secret(Path.of("")));
        JoinedRank unsigned = forgetful.join("g", 2, 3);
        String here = "rank 2: its entry is unsigned or foreign: refused for";
        JsonObject picture = pictureWith(waiter, here);
        String where = ", pid " + ProcessHandle.current().pid() + " at 127.0.0.1:"
                + forgetful.muster().address().port() + " (as it says itself)";
        String what = "set the same group secret for rank 2 as for the others (security.secretFile)";
        assertThat(StatusVerticle.text(picture))
                .contains(
                        where,
                        "signature: expected one by the group's secret, got none",
                        what,
                        "messages or values that were not signed with the group's secret:",
                        "store/g/rank/2 (",
                        "times, at 127.0.0.1:" + waiter.muster().address().port());
        assertThat(picture.getLong("distrusted")).isPositive();
        assertThat(picture.getJsonArray("distrust").encode()).contains("store/g/rank/2");
        assertThatThrownBy(() -> Bounded.await(zero.allConnected(Duration.ofMillis(50)), "all connected at rank 0"))
                .hasMessageContaining(here)
                .hasMessageContaining(where)
                .hasMessageContaining(what);
        assertThat(StatusVerticle.text(
                        pictureWith(forgetful, "rank 0: its entry is signed, and no secret is set here: refused")))
                .contains(
                        "set the same group secret here as for rank 0 (security.secretFile), or start all ranks without");
        Bounded.await(unsigned.leave(), "leaving with the unsigned rank");
        JoinedRank two = cluster.start(secured).join("g", 2, 3);
        InMemoryCluster.await(zero, one, two);
        assertThat(StatusVerticle.text(
                        Bounded.await(waiter.muster().diagnostics().status("g"), "muster status")
                                .getFirst()
                                .toJson()))
                .doesNotContain("unsigned or foreign");
    }

    private static JsonObject pictureWith(InMemoryCluster.Process process, String line) {
        return Eventually.value(
                "the status has the line: " + line,
                () -> Bounded.await(process.muster().diagnostics().status("g"), "the status of group g")
                        .getFirst()
                        .toJson(),
                picture -> StatusVerticle.text(picture).contains(line));
    }

    /** Who shares some other group has a channel, and may say on it what it likes: not fill the disk. */
    @Test
    void malformedMessagesOverAChannelAreLoggedOnce() throws InterruptedException {
        GroupSecret theirs = GroupSecret.ofText("the secret of group h");
        InMemoryCluster.Process process = cluster.start(secured);
        JoinedRank zero = process.join("g", 0, 2);
        Bounded.await(
                process.join(GroupOptions.of("h", 0, 1).secret(theirs)).allConnected(InMemoryCluster.PATIENCE),
                "all connected");
        InMemorySegmentStore store = cluster.stranger();
        var keyring = new Keyring();
        keyring.add(theirs);
        try (var stranger = new Trap(keyring)) {
            Channel channel =
                    Bounded.await(stranger.transport.connect(process.muster().address()), "connecting to the process");
            for (int i = 0; i < 500; i++) {
                for (ControlKind kind : ControlKind.values()) {
                    channel.send(kind, Buffer.buffer("nonsense"));
                }
                InMemoryCluster.overwrite(store, "g/rank/" + (1_000 + i), GARBAGE);
            }
            channel.send(
                    ControlKind.LINK,
                    LinkCodec.encode(new LinkMessage.Open(
                            zero.runtime().seat(0).ownEntry(),
                            zero.member(),
                            1,
                            1,
                            new WarmupSlot(new RemoteRegion(1, 1, 8), 0),
                            new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "last"))));
            assertThat(stranger.heard.poll(20, TimeUnit.SECONDS))
                    .as("all before it has been read")
                    .isInstanceOf(LinkMessage.Refuse.class);
        }
        Eventually.value(
                "500 rejected messages are counted",
                () -> process.muster().diagnostics().rejected().count(),
                counted -> counted >= 500);
        for (String event : List.of(
                "muster.message.malformed",
                "muster.claim.malformed",
                "muster.view.malformed",
                "muster.transfer.malformed",
                "muster.signature.rejected remote=store/g ")) {
            assertThat(warnings(event)).as(event).isEqualTo(1);
        }
        assertThat(warnings("remote=store/g/rank/1")).as("keys that nobody has").isZero();
    }

    private static final StoredBytes GARBAGE = StoredBytes.copyOf(new byte[] {1, 2, 3});

    private record Forged(String key, StoredBytes bytes) {}

    private static Forged forge(Forgery forgery, InMemorySegmentStore stranger, Trap trap) {
        var keys = InMemoryCluster.keys("g");
        var group = new GroupName("g");
        // the stranger can read everything but the secret: the schema is public
        var seen = new SealedSegmentStore(stranger, GroupSecret.ofText(SECRET), (_, _) -> {});
        RankEntry entry = ((Decoded.Valid<RankEntry>) Schema.rankEntry(
                        Objects.requireNonNull(Bounded.await(seen.get(keys.rank(1)), "reading the store"))))
                .value();
        EpochRecord epoch = ((Decoded.Valid<EpochRecord>) Schema.epochRecord(
                        Objects.requireNonNull(Bounded.await(seen.get(keys.epoch()), "reading the store"))))
                .value();
        SegmentHandle handle = trap.redirected(entry.handle());
        var newer =
                new Member(1, entry.member().incarnation() + 1_000_000, LifeId.random(RandomGenerator.getDefault()));
        StoredBytes bytes = switch (forgery) {
            case NEWER_LIFE_ELSEWHERE -> Schema.encode(new RankEntry(group, 3, newer, RankEntry.State.LIVE, 0, handle));
            case NEWER_LIFE_OF_ANOTHER_SECRET ->
                new SealedSegmentStore(stranger, GroupSecret.ofText(WRONG), (_, _) -> {})
                        .close(
                                keys.rank(1),
                                Schema.encode(new RankEntry(group, 3, newer, RankEntry.State.LIVE, 0, handle)));
            case ANOTHER_RANKS_SIGNED_ENTRY -> Bounded.await(stranger.get(keys.rank(0)), "the stranger's read");
            case GONE -> Schema.encode(entry.with(RankEntry.State.GONE, entry.handle()));
            case LEFT -> Schema.encode(entry.with(RankEntry.State.LEFT, entry.handle()));
            case DEGRADED ->
                Schema.encode(epoch.degraded(List.of(new LostMember(entry.member(), "SILENCE", "forged", 0))));
            case A_GREATER_EPOCH ->
                Schema.encode(new EpochRecord(
                        group,
                        epoch.number() + 50,
                        epoch.vector(),
                        EpochRecord.State.COMPLETE,
                        epoch.number() + 50,
                        List.of(),
                        ProofCounts.NONE));
            case A_MARK ->
                Schema.encode(new ReadyMark(group, entry.member(), epoch.number() + 1, epoch.digest(), List.of()));
            case GARBAGE -> GARBAGE;
            case REMOVED -> null;
        };
        String key = switch (forgery) {
            case DEGRADED, A_GREATER_EPOCH -> keys.epoch();
            case A_MARK -> keys.ready(1);
            default -> keys.rank(1);
        };
        if (bytes == null) {
            InMemoryCluster.remove(stranger, key);
        } else {
            InMemoryCluster.overwrite(stranger, key, bytes);
        }
        return new Forged(key, bytes);
    }

    /** Whoever owns the key puts it right, but for a mark, which only counts where its epoch is still open. */
    private static void awaitOther(InMemorySegmentStore stranger, String key, StoredBytes forged)
            throws InterruptedException {
        if (key.contains("/ready/")) {
            return;
        }
        Eventually.holds(
                key + " is put right",
                () -> !Objects.equals(Bounded.await(stranger.get(key), "reading " + key), forged));
    }

    @Test
    void aMarkOfARankThatIsNotReadyCompletesNoEpoch() {
        JoinedRank zero = cluster.start(secured).join("g", 0, 2);
        InMemorySegmentStore stranger = cluster.stranger();
        var keys = InMemoryCluster.keys("g");
        RankEntry good = ((Decoded.Valid<RankEntry>) Schema.rankEntry(Objects.requireNonNull(Bounded.await(
                        new SealedSegmentStore(stranger, GroupSecret.ofText(SECRET), (_, _) -> {}).get(keys.rank(0)),
                        "reading with the group's secret"))))
                .value();
        var nobody = new Member(1, 5, LifeId.random(RandomGenerator.getDefault()));
        var epoch = new EpochRecord(
                new GroupName("g"),
                1,
                List.of(good.member(), nobody),
                EpochRecord.State.OPEN,
                0,
                List.of(),
                ProofCounts.NONE);
        InMemoryCluster.overwrite(
                stranger,
                keys.rank(1),
                Schema.encode(new RankEntry(new GroupName("g"), 2, nobody, RankEntry.State.LIVE, 0, good.handle())));
        InMemoryCluster.overwrite(stranger, keys.epoch(), Schema.encode(epoch.complete(ProofCounts.NONE)));
        InMemoryCluster.overwrite(
                stranger,
                keys.ready(0),
                Schema.encode(new ReadyMark(new GroupName("g"), good.member(), 1, epoch.digest(), List.of())));
        InMemoryCluster.overwrite(
                stranger,
                keys.ready(1),
                Schema.encode(new ReadyMark(new GroupName("g"), nobody, 1, epoch.digest(), List.of())));
        assertThatThrownBy(() -> Bounded.await(zero.allConnected(Duration.ofMillis(500)), "all connected at rank 0"))
                .hasMessageContaining("signature: expected one by the group's secret");
        assertThat(InMemoryCluster.await(zero, cluster.start(secured).join("g", 1, 2))
                        .linkCount())
                .as("and the true rank is not kept out")
                .isEqualTo(2);
    }

    @Test
    void aReplayedEntryOfAnEarlierLifeOnlyDelays() {
        JoinedRank zero = cluster.start(secured).join("g", 0, 2);
        InMemoryCluster.Process former = cluster.start(secured);
        InMemoryCluster.await(zero, former.join("g", 1, 2));
        InMemorySegmentStore stranger = cluster.stranger();
        String key = InMemoryCluster.keys("g").rank(1);
        StoredBytes old = Objects.requireNonNull(Bounded.await(stranger.get(key), "the stranger's read"));
        cluster.crash(former);
        JoinedRank one = cluster.start(secured).join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        InMemoryCluster.overwrite(stranger, key, old);
        assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
        Bounded.await(one.leave(), "leaving with rank 1");
        InMemoryCluster.overwrite(stranger, key, old);
        JoinedRank next = cluster.start(secured).join("g", 1, 2);
        assertThat(InMemoryCluster.await(zero, next).epoch()).isGreaterThan(epoch);
    }

    // ---- the stranger on the ports

    /** A process that speaks the protocol, with whatever secrets it has, and does what a test wants. */
    private static final class Trap extends SilentListener implements AutoCloseable {
        final Vertx vertx = Vertx.vertx();
        final BlockingQueue<LinkMessage> heard = new LinkedBlockingQueue<>();
        final TcpTransport transport;
        private final io.vertx.core.net.NetServer listening;
        private final java.util.concurrent.atomic.AtomicInteger connected =
                new java.util.concurrent.atomic.AtomicInteger();

        Trap(Keyring keyring) {
            transport = Bounded.await(
                    TcpTransport.start(
                            vertx,
                            TcpOptions.defaults("127.0.0.1"),
                            ProcessId.random(RandomGenerator.getDefault()),
                            new RegionTable(vertx, vertx.createSharedWorkerExecutor("test")),
                            this,
                            keyring,
                            null),
                    "starting the transport");
            listening = Bounded.await(
                    vertx.createNetServer()
                            .connectHandler(_ -> connected.incrementAndGet())
                            .listen(0, "127.0.0.1"),
                    "opening a plain server");
        }

        SegmentHandle redirected(SegmentHandle from) {
            return new SegmentHandle(
                    ProcessId.random(RandomGenerator.getDefault()),
                    "127.0.0.1",
                    listening.actualPort(),
                    from.hostId(),
                    from.pid(),
                    from.memberUuid(),
                    from.warmupMode(),
                    from.transports(),
                    from.fabric(),
                    from.segments());
        }

        int connected() {
            return connected.get();
        }

        @Override
        public void received(Channel channel, ControlKind kind, Buffer payload) {
            if (kind == ControlKind.LINK
                    && LinkCodec.decode(payload) instanceof Decoded.Valid<LinkMessage>(LinkMessage message)) {
                heard.add(message);
            }
        }

        @Override
        public Buffer livenessPayload(Channel channel) {
            return new Beat(List.of(new Beat.GroupBeat("g", 999, EpochRecord.State.DEGRADED, java.util.Set.of())))
                    .encode();
        }

        @Override
        public void close() {
            Bounded.await(transport.close(), "closing the transport");
            Bounded.await(vertx.close(), "closing Vert.x");
        }
    }

    /**
     * The hardest case: a process that shares another group with the target, and so has a channel, but not this group's
     * secret.
     */
    @Test
    void aMemberOfAnotherGroupOpensNoLinkAndWritesNothing() throws InterruptedException {
        GroupSecret theirs = GroupSecret.ofText("the secret of group h");
        InMemoryCluster.Process process = cluster.start(secured);
        JoinedRank zero = process.join(GroupOptions.of("g", 0, 2).segment("kv", 64));
        Bounded.await(
                process.join(GroupOptions.of("h", 0, 1).secret(theirs)).allConnected(InMemoryCluster.PATIENCE),
                "all connected");
        JoinedRank one = cluster.start(secured).join("g", 1, 2);
        long epoch = InMemoryCluster.await(zero, one).epoch();
        var keyring = new Keyring();
        keyring.add(theirs);
        try (var stranger = new Trap(keyring)) {
            Channel channel =
                    Bounded.await(stranger.transport.connect(process.muster().address()), "connecting to the process");
            RankEntry own = zero.runtime().seat(0).ownEntry();
            var segment = own.handle().segments().getFirst(); // the handle is readable for every member of the cluster
            assertThatThrownBy(() -> Bounded.await(
                            channel.write(
                                    new RemoteRegion(segment.region(), segment.key(), segment.bytes()), 0, eight(7)),
                            "a write over the channel"))
                    .isInstanceOfSatisfying(
                            WriteException.class,
                            refused -> assertThat(refused.reason()).isEqualTo(WriteException.Reason.UNPROVED))
                    .hasMessageContaining("group g");
            assertThat(zero.segment("kv").get(ValueLayout.JAVA_LONG, 0)).isZero();
            var life =
                    new Member(1, own.member().incarnation() + 1_000_000, LifeId.random(RandomGenerator.getDefault()));
            var entry = new RankEntry(
                    new GroupName("g"), 2, life, RankEntry.State.LIVE, 0, stranger.redirected(own.handle()));
            Buffer open = LinkCodec.encode(new LinkMessage.Open(
                    entry,
                    own.member(),
                    1,
                    1,
                    new WarmupSlot(new RemoteRegion(1, 1, 8), 0),
                    new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "forged")));
            channel.send(ControlKind.LINK, open);
            assertThat(stranger.heard.poll(20, TimeUnit.SECONDS))
                    .isInstanceOfSatisfying(LinkMessage.Refuse.class, refuse -> {
                        assertThat(refuse.code()).isEqualTo(LinkMessage.Refuse.Code.FINAL);
                        assertThat(refuse.reason()).contains("not signed").contains("security.secretFile");
                        assertThat(refuse.current())
                                .as("it is told nothing of the group")
                                .isNull();
                    });
            channel.send(
                    ControlKind.SEALED_LINK,
                    new GroupSeals(
                                    new GroupName("g"),
                                    theirs,
                                    stranger.transport.address().process())
                            .seal(channel, ControlKind.SEALED_LINK, open));
            channel.send(
                    ControlKind.SEALED_LINK,
                    new GroupSeals(
                                    new GroupName("h"),
                                    theirs,
                                    stranger.transport.address().process())
                            .seal(channel, ControlKind.SEALED_LINK, open)); // h's signature, g's link
            channel.send(
                    ControlKind.GOSSIP,
                    new io.muster.barrier.Gossip(new GroupName("g"), "g/rank/1", Schema.encode(entry)).encode());
            Eventually.value(
                    "4 rejected messages are counted",
                    () -> process.muster().diagnostics().rejected().count(),
                    counted -> counted >= 4);
            assertThatThrownBy(() -> Bounded.await(
                            channel.write(
                                    new RemoteRegion(segment.region(), segment.key(), segment.bytes()), 0, eight(7)),
                            "a write over the channel"))
                    .isInstanceOf(WriteException.class);
            assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
            assertThat(stranger.connected()).isZero();
        }
        assertThat(InMemoryCluster.await(zero, one).epoch()).isEqualTo(epoch);
    }

    @Test
    void aForgedEventOnTheBusSilencesNoRank() {
        InMemoryCluster.Process process = cluster.start(secured);
        JoinedRank zero = process.join("g", 0, 2);
        process.vertx()
                .eventBus()
                .publish(G.allConnected(), new JsonObject().put("group", "g").put("epoch", Long.MAX_VALUE));
        process.vertx()
                .eventBus()
                .publish(G.degraded(), new JsonObject().put("group", "g").put("epoch", Long.MAX_VALUE));
        var told = process.next(G.allConnected(), body -> body.getLong("epoch") < Long.MAX_VALUE);
        InMemoryCluster.Process other = cluster.start(secured);
        JoinedRank one = other.join("g", 1, 2);
        InMemoryCluster.await(zero, one);
        assertThat(Bounded.await(told, "told").getString("signature")).hasSize(64);
        assertThat(process.muster().diagnostics().rejected().count()).isEqualTo(2);
    }
}
