// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.fabric.ExportedHandle;
import io.muster.fabric.Fabric;
import io.muster.fabric.FabricExport;
import io.muster.fabric.ImportFault;
import io.muster.fabric.NoFabric;
import io.muster.fabric.SimulatedFabric;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.WarmupMode;
import io.muster.peer.WarmupAnswer;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.Message;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Checkpoint;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The policy verticle answers every question. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 10, timeUnit = TimeUnit.SECONDS)
class WarmupPolicyVerticleTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final Addresses ADDRESSES = new Addresses(GROUP);
    private static final ProcessId HERE = new ProcessId(1, 1);
    private static final ProcessId THERE = new ProcessId(2, 2);
    private static final FabricIdentity CLIQUE = new FabricIdentity(new UUID(5, 5), 7);
    private static final Fabric NONE = new NoFabric(new FabricVerdict.NotAvailable("no GPU"));

    @TempDir
    private Path base;

    private final List<Fabric> opened = new ArrayList<>();

    @AfterEach
    void close() {
        opened.reversed().forEach(Fabric::close);
    }

    private SimulatedFabric open(FabricIdentity identity, ImportFault fault) {
        SimulatedFabric fabric = SimulatedFabric.open(identity, base, fault);
        opened.add(fabric);
        return fabric;
    }

    private static RankEntry entry(int rank, ProcessId process, String mode, SegmentHandle.FabricOffer fabric) {
        return new RankEntry(
                GROUP,
                2,
                new Member(rank, 1, new LifeId(rank, 1)),
                RankEntry.State.LIVE,
                0,
                new SegmentHandle(
                        process,
                        "127.0.0.1",
                        7000,
                        "host",
                        1,
                        "uuid",
                        mode,
                        List.of("local", "tcp"),
                        fabric,
                        List.of()));
    }

    private static SegmentHandle.FabricOffer offer(FabricIdentity identity, byte[] export) {
        return new SegmentHandle.FabricOffer.Exported(identity.toString(), true, export, "a file");
    }

    private static Future<WarmupAnswer> ask(Vertx vertx, Fabric fabric, Object question) {
        LocalCodec.register(vertx);
        return vertx.deployVerticle(new WarmupPolicyVerticle(ADDRESSES, fabric))
                .compose(_ -> vertx.eventBus()
                        .<WarmupAnswer>request(ADDRESSES.builtInWarmupPolicy(), question, LocalCodec.delivery()))
                .map(Message::body);
    }

    private static void answers(VertxTestContext test, Future<WarmupAnswer> asked, Consumer<WarmupAnswer> check) {
        asked.onComplete(test.succeeding(answer -> test.verify(() -> {
            check.accept(answer);
            test.completeNow();
        })));
    }

    private static WarmupPolicyVerticle.Question question(String mine, String theirs) {
        return new WarmupPolicyVerticle.Question(
                entry(1, HERE, mine, SegmentHandle.FabricOffer.NONE),
                entry(0, THERE, theirs, SegmentHandle.FabricOffer.NONE));
    }

    @Test
    void exchangesWithoutAFabric(Vertx vertx, VertxTestContext test) { // W-8
        answers(test, ask(vertx, NONE, question("auto", "auto")), answer -> {
            assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.EXCHANGE);
            assertThat(answer.transport()).isEqualTo("tcp");
            assertThat(answer.verdict()).isTrue();
            assertThat(answer.reason()).isEqualTo("bytes are exchanged, since neither host has a fabric");
        });
    }

    @Test
    void answersSkipInModeSkip(Vertx vertx, VertxTestContext test) {
        answers(test, ask(vertx, NONE, question("skip", "skip")), answer -> {
            assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.SKIP);
            assertThat(answer.reason()).contains("nothing is tried");
        });
    }

    @Test
    void refusesDifferentModesAndNamesThem(Vertx vertx, VertxTestContext test) { // W-6
        answers(test, ask(vertx, NONE, question("exchange", "skip")), answer -> {
            assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.REFUSE);
            assertThat(answer.verdict()).isFalse();
            assertThat(answer.reason()).contains("mode mismatch local=exchange peer=skip");
        });
    }

    // W-1, W-3: a real import, through files
    @Test
    void confirmsASharedFabricAfterImportingThePeersMemory(Vertx vertx, VertxTestContext test) {
        answers(test, askFabric(vertx, ImportFault.NONE, exported(open(CLIQUE, ImportFault.NONE)), CLIQUE), answer -> {
            assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.FABRIC_SIMULATED);
            assertThat(answer.verdict()).isTrue();
            assertThat(answer.reason()).contains("imported and touched");
        });
    }

    @Test
    void answersNoWithTheCauseIfTheImportFails(Vertx vertx, VertxTestContext test) { // W-1
        answers(
                test,
                askFabric(vertx, ImportFault.parse("1"), exported(open(CLIQUE, ImportFault.NONE)), CLIQUE),
                answer -> {
                    assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.FABRIC_SIMULATED);
                    assertThat(answer.verdict()).isFalse();
                    assertThat(answer.transport()).isEqualTo("tcp");
                    assertThat(answer.reason()).contains("INJECTED");
                });
    }

    @Test
    void answersNoWithTheCauseIfTheExportIsMalformed(Vertx vertx, VertxTestContext test) { // W-3
        answers(test, askFabric(vertx, ImportFault.NONE, new byte[] {1, 2, 3}, CLIQUE), answer -> {
            assertThat(answer.verdict()).isFalse();
            assertThat(answer.reason()).contains("MALFORMED");
        });
    }

    @Test
    void exchangesWithAPeerOfAnotherClique(Vertx vertx, VertxTestContext test) {
        var other = new FabricIdentity(new UUID(5, 5), 8);
        answers(test, askFabric(vertx, ImportFault.NONE, exported(open(other, ImportFault.NONE)), other), answer -> {
            assertThat(answer.plan()).isEqualTo(WarmupAnswer.Plan.EXCHANGE);
            assertThat(answer.reason()).contains("different fabrics");
        });
    }

    private byte[] exported(Fabric fabric) {
        if (fabric.export(WarmupPolicyVerticle.exporter(0, THERE))
                instanceof FabricExport.Exported(ExportedHandle handle)) {
            return handle.bytes();
        }
        throw new AssertionError("not exported");
    }

    private Future<WarmupAnswer> askFabric(Vertx vertx, ImportFault fault, byte[] export, FabricIdentity theirs) {
        return ask(
                vertx,
                open(CLIQUE, fault),
                new WarmupPolicyVerticle.Question(
                        entry(1, HERE, "auto", offer(CLIQUE, new byte[0])),
                        entry(0, THERE, "auto", offer(theirs, export))));
    }

    @ParameterizedTest
    @CsvSource({
        "auto,auto",
        "exchange,exchange",
        "skip,skip",
        "fabric,fabric",
        "exchange,skip",
        "auto,exchange",
        "auto,pray"
    })
    void answersAtOnceAsItDoesByMessage(String mine, String theirs, Vertx vertx, VertxTestContext test) {
        WarmupPolicyVerticle.Question question = question(mine, theirs);
        answers(
                test,
                ask(vertx, NONE, question),
                answer -> assertThat(WarmupPolicyVerticle.atOnce(question)).contains(answer));
    }

    @Test
    void bothEndsAnswerTheSameForEveryPairOfHandles() { // W-1
        List<SegmentHandle.FabricOffer> offers = List.of(
                SegmentHandle.FabricOffer.NONE,
                new SegmentHandle.FabricOffer.GpuSlots(new byte[] {1}, "slots"),
                offer(CLIQUE, new byte[] {1}),
                offer(new FabricIdentity(new UUID(5, 5), 8), new byte[] {1}));
        List<WarmupAnswer.Plan> plans = new ArrayList<>();
        int imports = 0;
        for (WarmupMode mine : WarmupMode.values()) {
            for (WarmupMode theirs : WarmupMode.values()) {
                for (SegmentHandle.FabricOffer myOffer : offers) {
                    for (SegmentHandle.FabricOffer theirOffer : offers) {
                        RankEntry here = entry(1, HERE, mine.toString(), myOffer);
                        RankEntry there = entry(0, THERE, theirs.toString(), theirOffer);
                        Optional<WarmupAnswer> one =
                                WarmupPolicyVerticle.atOnce(new WarmupPolicyVerticle.Question(here, there));
                        Optional<WarmupAnswer> other =
                                WarmupPolicyVerticle.atOnce(new WarmupPolicyVerticle.Question(there, here));
                        assertThat(other.map(answer -> List.of(answer.plan(), answer.verdict(), answer.transport())))
                                .as("%s with %s, %s with %s", mine, myOffer, theirs, theirOffer)
                                .isEqualTo(one.map(
                                        answer -> List.of(answer.plan(), answer.verdict(), answer.transport())));
                        one.ifPresent(answer -> plans.add(answer.plan()));
                        imports += one.isEmpty() ? 1 : 0;
                    }
                }
            }
        }
        assertThat(plans)
                .contains(WarmupAnswer.Plan.EXCHANGE, WarmupAnswer.Plan.SKIP, WarmupAnswer.Plan.REFUSE)
                .doesNotContain(WarmupAnswer.Plan.FABRIC, WarmupAnswer.Plan.FABRIC_SIMULATED);
        assertThat(imports).as("mode auto, twice the same clique of two").isEqualTo(2);
    }

    @Test
    void hasToImportWhereAFabricMayProveTheLink() {
        assertThat(WarmupPolicyVerticle.atOnce(new WarmupPolicyVerticle.Question(
                        entry(1, HERE, "auto", offer(CLIQUE, new byte[0])),
                        entry(0, THERE, "auto", offer(CLIQUE, new byte[0])))))
                .isEmpty();
    }

    @Test
    void answersUnreadableQuestionsWithARefusal(Vertx vertx, VertxTestContext test) {
        List<Object> questions = List.of(
                new JsonObject(),
                "garbage",
                7,
                question("auto", "pray"),
                new WarmupPolicyVerticle.Question(
                        entry(1, HERE, "auto", offer(CLIQUE, new byte[0])),
                        entry(
                                0,
                                THERE,
                                "auto",
                                new SegmentHandle.FabricOffer.Exported("not/a clique", true, new byte[0], ""))));
        LocalCodec.register(vertx);
        List<Checkpoint> answered =
                questions.stream().map(_ -> test.checkpoint()).toList();
        vertx.deployVerticle(new WarmupPolicyVerticle(ADDRESSES, NONE))
                .onComplete(test.succeeding(_ -> questions.forEach(question -> vertx.eventBus()
                        .<WarmupAnswer>request(ADDRESSES.builtInWarmupPolicy(), question, LocalCodec.delivery())
                        .onComplete(test.succeeding(reply -> test.verify(() -> {
                            assertThat(reply.body().plan()).isEqualTo(WarmupAnswer.Plan.REFUSE);
                            assertThat(reply.body().reason()).contains("could not read");
                            answered.get(questions.indexOf(question)).flag();
                        }))))));
    }
}
