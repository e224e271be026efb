// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static io.muster.barrier.BarrierNode.ADDRESSES;
import static io.muster.barrier.BarrierNode.GROUP;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.AllConnected;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.group.StuckReport;
import io.muster.peer.History;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkState;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.transfer.LossEvidence;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Checkpoint;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The barrier as a verticle: states of links in, outcomes out; two processes with one rank each. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 10, timeUnit = TimeUnit.SECONDS)
class BarrierVerticleTest {
    private static final StoreKeys KEYS = new StoreKeys(GROUP);

    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final Vertx secondVertx = Vertx.vertx();

    @AfterEach
    void close(VertxTestContext test) {
        secondVertx.close().onComplete(test.succeedingThenComplete());
    }

    /** Two nodes that hold their seats. */
    private record Pair(BarrierNode zero, BarrierNode one, Member m0, Member m1) {
        void connectAll() {
            zero.connect(m0, m0, Proof.LOCAL);
            zero.connect(m0, m1, Proof.WARMUP);
            one.connect(m1, m0, Proof.WARMUP);
            one.connect(m1, m1, Proof.LOCAL);
        }

        Future<AllConnected> allConnected() {
            return Future.all(zero.barrier.allConnected(0, 5_000), one.barrier.allConnected(1, 5_000))
                    .map(both -> both.resultAt(0));
        }
    }

    private Future<Pair> joined(Vertx vertx) {
        return joined(new BarrierNode(vertx, shared, 0), new BarrierNode(secondVertx, shared, 1));
    }

    private static Future<Pair> joined(BarrierNode zero, BarrierNode one) {
        zero.other = one;
        one.other = zero;
        return Future.all(zero.join(), one.join())
                .map(both -> new Pair(zero, one, both.<Member>resultAt(0), both.<Member>resultAt(1)));
    }

    private Future<Pair> complete(Vertx vertx) {
        return joined(vertx).compose(pair -> {
            pair.connectAll();
            return pair.allConnected().map(_ -> pair);
        });
    }

    // B-1, B-7: both nodes receive it, whichever completed the epoch
    @Test
    void connectedLinksLeadToAMarkAndThenAllConnected(Vertx vertx, VertxTestContext test) {
        Checkpoint marked = test.checkpoint();
        Checkpoint first = test.checkpoint();
        Checkpoint second = test.checkpoint();
        joined(vertx).onComplete(test.succeeding(pair -> {
            test.verify(() -> assertThat(pair.zero().opened).containsExactly(pair.m0()));
            Map<BarrierNode, Checkpoint> nodes = Map.of(pair.zero(), first, pair.one(), second);
            nodes.forEach((node, heard) -> node.next(ADDRESSES.allConnected())
                    .onComplete(test.succeeding(json -> test.verify(() -> {
                        assertThat(json.fieldNames())
                                .containsExactlyInAnyOrder(
                                        "group", "epoch", "worldSize", "vector", "elapsedMs", "links", "paths");
                        assertThat(json.getString("group")).isEqualTo("g");
                        assertThat(json.getLong("epoch")).isEqualTo(1);
                        assertThat(json.getInteger("worldSize")).isEqualTo(2);
                        assertThat(json.getLong("elapsedMs")).isBetween(0L, 10_000L);
                        assertThat(json.getJsonObject("links")).isEqualTo(new JsonObject().put("warmup", 2));
                        assertThat(json.getJsonObject("paths")).isEqualTo(new JsonObject().put("warmup", 1));
                        heard.flag();
                    }))));
            pair.connectAll();
            pair.allConnected()
                    .compose(_ -> pair.zero().store.get(KEYS.ready(1)))
                    .onComplete(test.succeeding(bytes -> test.verify(() -> {
                        assertThat(bytes)
                                .as("a mark that was sent and needs no write")
                                .isNull();
                        marked.flag();
                    })));
        }));
    }

    // a connection may have died without a sign while it was idle
    @Test
    void aMarkWaitsForTheProofOfIdlePaths(Vertx vertx, VertxTestContext test) {
        Promise<Void> proof = Promise.promise();
        joined(vertx)
                .compose(pair -> {
                    pair.zero().proof = proof.future();
                    pair.connectAll();
                    return pair.zero().barrier.allConnected(0, 300).transform(early -> {
                        test.verify(() -> assertThat(early.cause())
                                .as("rank 0 has not marked, and says why")
                                .hasMessageContaining("a path that was idle is being proved"));
                        pair.zero().proof = Future.succeededFuture();
                        proof.complete();
                        return pair.allConnected();
                    });
                })
                .onComplete(test.succeedingThenComplete());
    }

    // the loss of a link arrives by itself; here another link has come instead, and nothing else happens
    @Test
    void aMarkIsMadeAfterAProofThatFailed(Vertx vertx, VertxTestContext test) {
        Promise<Void> proof = Promise.promise();
        joined(vertx)
                .compose(pair -> {
                    pair.zero().proof = proof.future();
                    pair.connectAll();
                    return pair.one().barrier.allConnected(1, 300).transform(_ -> {
                        pair.zero().proof = Future.succeededFuture();
                        proof.fail("the channel ended");
                        return pair.allConnected();
                    });
                })
                .onComplete(test.succeedingThenComplete());
    }

    // ADR 33: the store sends no event when it moves the keys
    @Test
    void noMarkStaysWithAFormerOwnerOfTheKeys(Vertx vertx, VertxTestContext test) {
        long never = TimeUnit.HOURS.toMillis(1);
        joined(new BarrierNode(vertx, shared, 0, never), new BarrierNode(secondVertx, shared, 1, never))
                .compose(pair -> vertx.timer(500, TimeUnit.MILLISECONDS).map(pair))
                .compose(
                        pair -> { // all is read once more when a seat has been taken
                            List<BarrierNode> both = List.of(pair.zero(), pair.one());
                            both.forEach(node -> node.store.keysMoveTo(pair.zero()));
                            return looksForKeyOwner(pair.zero())
                                    .compose(_ -> {
                                        both.forEach(node -> node.store.keysMoveTo(pair.one()));
                                        return looksForKeyOwner(pair.one());
                                    })
                                    .compose(_ -> {
                                        pair.connectAll();
                                        return pair.allConnected();
                                    });
                        })
                .onComplete(test.succeedingThenComplete());
    }

    private static Future<Void> looksForKeyOwner(BarrierNode node) {
        Promise<Void> done = Promise.promise();
        node.barrier.execute(core -> {
            core.membersChanged(node.store.presentMembers());
            done.complete();
        });
        return done.future();
    }

    // B-8, ADR 31: other processes would read a record again and again that is in no store
    @Test
    void anImpliedEpochIsInTheStatusButNotAnnouncedAsSeen(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        var one = new BarrierNode(secondVertx, shared, 1);
        zero.join()
                .compose(_ -> {
                    zero.store.stall();
                    return one.join();
                })
                .compose(_ -> one.store.get(KEYS.rank(1)))
                .compose(entry -> {
                    zero.barrier.execute(core -> core.keyChanged(KEYS.rank(1), entry));
                    return zero.barrier.picture();
                })
                .onComplete(test.succeeding(picture -> test.verify(() -> {
                    assertThat(picture.epoch()).isNotNull().satisfies(epoch -> {
                        assertThat(epoch.number()).isEqualTo(1);
                        assertThat(epoch.state()).isEqualTo(EpochRecord.State.OPEN);
                    });
                    assertThat(zero.barrier.epochSeen()).isNull();
                    test.completeNow();
                })));
    }

    // B-1, B-3: its links are older than the epoch whose mark is missing
    @Test
    void oneMissingLinkPreventsTheMark(Vertx vertx, VertxTestContext test) {
        joined(vertx).onComplete(test.succeeding(pair -> {
            pair.zero().linksAgoNanos = TimeUnit.HOURS.toNanos(1);
            pair.zero().connect(pair.m0(), pair.m0(), Proof.LOCAL);
            pair.zero().connect(pair.m0(), pair.m1(), Proof.WARMUP);
            pair.one().connect(pair.m1(), pair.m1(), Proof.LOCAL);
            pair.zero().barrier.allConnected(0, 100).onComplete(test.failing(late -> {
                test.verify(() ->
                        assertThat(late).hasMessageMatching("(?s).*rank 1: ready mark missing for [0-9]{1,6} ms, .*"));
                pair.zero()
                        .store
                        .get(KEYS.ready(1))
                        .onComplete(test.succeeding(mark -> test.verify(() -> {
                            assertThat(mark).isNull();
                            test.completeNow();
                        })));
            }));
        }));
    }

    // P-9, P-10: it was stopped; the other end misses it, and it does not miss the other, as long as no dial has failed
    @Test
    void aRankWhosePeerLostItDoesNotMissThePeer(Vertx vertx, VertxTestContext test) {
        complete(vertx)
                .compose(pair -> {
                    pair.zero()
                            .barrier
                            .processLost(
                                    pair.one().process, new LossEvidence(LossEvidence.Kind.SOCKET_CLOSED, "reset"));
                    return pair.zero()
                            .barrier
                            .view()
                            .compose(view -> {
                                test.verify(() -> assertThat(view.misses(pair.one().process))
                                        .as("otherwise it does")
                                        .isTrue());
                                pair.zero()
                                        .barrier
                                        .processLost(
                                                pair.one().process,
                                                new LossEvidence(
                                                        LossEvidence.Kind.UNHEARD, "nothing heard for 3000 ms"));
                                return pair.zero().barrier.view();
                            })
                            .map(view -> view.misses(pair.one().process));
                })
                .onComplete(test.succeeding(misses -> test.verify(() -> {
                    assertThat(misses).isFalse();
                    test.completeNow();
                })));
    }

    // P-10, B-4: the others miss a process that receives nothing and whose own dials fail too
    @Test
    void aRankWhosePeerLostItMissesThePeerIfItStaysAway(Vertx vertx, VertxTestContext test) {
        complete(vertx).onComplete(test.succeeding(pair -> {
            Future<JsonObject> told = pair.zero().next(ADDRESSES.blame());
            pair.zero()
                    .barrier
                    .processLost(
                            pair.one().process,
                            new LossEvidence(LossEvidence.Kind.UNHEARD, "nothing heard for 3000 ms"));
            told.onComplete(test.succeeding(blame -> test.verify(() -> {
                assertThat(blame.getJsonArray("findings").getJsonObject(0).getString("kind"))
                        .isEqualTo("pair");
                assertThat(blame.getString("text"))
                        .contains("nothing heard for 3000 ms, and it has not come back for 250 ms");
                test.completeNow();
            })));
        }));
    }

    // P-10: a channel that the other process dialled and that never opened
    @Test
    void bothSidesNameTheProcessThatLacksMemory(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        var one = new BarrierNode(vertx, shared, 1);
        Future.all(zero.join(), one.join())
                .compose(_ -> {
                    zero.barrier.notOpened(
                            one.process,
                            new LossEvidence(LossEvidence.Kind.PEER_OUT_OF_MEMORY, "too little direct memory: 1 MiB"));
                    one.barrier.notOpened(
                            zero.process,
                            new LossEvidence(LossEvidence.Kind.OUT_OF_MEMORY, "too little direct memory: 1 MiB"));
                    return Future.all(zero.barrier.report(), one.barrier.report());
                })
                .onComplete(test.succeeding(reports -> test.verify(() -> {
                    for (StuckReport report : reports.<StuckReport>list()) {
                        assertThat(report.blame().text())
                                .contains(
                                        "the process of rank 1 (pid 101 at 127.0.0.1:7001) has too little direct memory:"
                                                + " 1 MiB; start pid 101 at 127.0.0.1:7001 with a greater"
                                                + " -XX:MaxDirectMemorySize")
                                .doesNotContain("neither is blamed");
                        assertThat(report.missing())
                                .filteredOn(missing -> missing.rank() != missing.seenBy())
                                .singleElement()
                                .matches(missing -> missing.whatToDo().startsWith("start pid 101 "));
                    }
                    assertThat(reports.<StuckReport>list().getFirst().text())
                            .contains("last error: the process of rank 1 (pid 101 at 127.0.0.1:7001) has too little");
                    test.completeNow();
                })));
    }

    @Test
    void aReportSaysThatTwoProcessesHaveOneAddress(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        var one = new BarrierNode(vertx, shared, 1);
        one.port = zero.port;
        Future.all(zero.join(), one.join())
                .compose(_ -> zero.barrier.report())
                .onComplete(test.succeeding(report -> test.verify(() -> {
                    assertThat(report.text())
                            .contains("rank 0 (pid 100) has the same address 127.0.0.1:7000: if both processes run, two"
                                    + " hosts have this address")
                            .contains("if pid 101 has ended, start rank 1 again");
                    test.completeNow();
                })));
    }

    // B-3: as after a stop that was so long that the store's cluster put the process out, until the two parts have
    // merged
    @Test
    void reportsAConnectedRankThatIsMissingInTheStore(Vertx vertx, VertxTestContext test) {
        complete(vertx).onComplete(test.succeeding(pair -> {
            Future<JsonObject> degraded = pair.zero().next(ADDRESSES.degraded());
            pair.zero().lose(pair.m0(), pair.m1());
            pair.one().lose(pair.m1(), pair.m0());
            degraded.compose(_ -> reportWhileGone(pair))
                    .onComplete(test.succeeding(report -> test.verify(() -> {
                        assertThat(report).contains("its entry says GONE").contains("merge automatically");
                        test.completeNow();
                    })));
        }));
    }

    /**
     * Node 0 hears that rank 1 is gone, as often as it reads the contrary, and has the link to it; asked until it says
     * so.
     */
    private static Future<String> reportWhileGone(Pair pair) {
        pair.zero().barrier.execute(core -> {
            RankEntry live =
                    Objects.requireNonNull(Versioned.valueOf(core.directory().get(1)));
            core.keyChanged(
                    KEYS.rank(1),
                    Schema.encode(new RankEntry(
                            live.group(),
                            live.worldSize(),
                            live.member(),
                            RankEntry.State.GONE,
                            live.revision(),
                            live.handle())));
        });
        pair.zero().connect(pair.m0(), pair.m1(), Proof.WARMUP);
        return pair.zero()
                .barrier
                .report()
                .compose(report -> report.text().contains("rank 1: connected, but not in the store")
                        ? Future.succeededFuture(report.text())
                        : reportWhileGone(pair));
    }

    // B-6: at once, from the evidence on the path
    @Test
    void aLossIsPublishedLocallyFirstAndClusterWideAfterTheStore(Vertx vertx, VertxTestContext test) {
        Checkpoint here = test.checkpoint();
        Checkpoint everywhere = test.checkpoint();
        Checkpoint there = test.checkpoint();
        complete(vertx).onComplete(test.succeeding(pair -> {
            pair.zero().store.stall();
            vertx.eventBus()
                    .<JsonObject>localConsumer(
                            ADDRESSES.degraded(),
                            message -> test.verify(() -> {
                                JsonObject body = message.body();
                                assertThat(body.getLong("epoch")).isEqualTo(1);
                                assertThat(body.getJsonArray("lost").getJsonObject(0))
                                        .isEqualTo(new JsonObject()
                                                .put("rank", 1)
                                                .put("incarnation", pair.m1().incarnation())
                                                .put("reason", "SOCKET_CLOSED")
                                                .put("evidence", "because the test says so")
                                                .put("reportedBy", 0));
                                if (body.containsKey("seenHere")) {
                                    assertThat(pair.zero().store.isStalled()).isTrue();
                                    here.flag();
                                    pair.zero().store.release();
                                } else {
                                    everywhere.flag();
                                }
                            }));
            pair.one().next(ADDRESSES.degraded()).onComplete(test.succeeding(_ -> there.flag()));
            pair.zero().lose(pair.m0(), pair.m1());
        }));
    }

    // B-6: repaired, with the same vector
    @Test
    void aRepairedLossOpensAGreaterEpoch(Vertx vertx, VertxTestContext test) {
        complete(vertx)
                .compose(pair -> {
                    Future<?> degraded = Future.all(
                            pair.zero().next(ADDRESSES.degraded()), pair.one().next(ADDRESSES.degraded()));
                    pair.zero().lose(pair.m0(), pair.m1());
                    pair.one().lose(pair.m1(), pair.m0());
                    return degraded.compose(_ -> {
                        pair.connectAll();
                        return pair.allConnected();
                    });
                })
                .onComplete(test.succeeding(connected -> test.verify(() -> {
                    assertThat(connected.epoch()).isEqualTo(2);
                    test.completeNow();
                })));
    }

    // B-3
    @Test
    void aWaitFailsAtItsDeadlineWithTheReport(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        zero.join().compose(_ -> zero.barrier.allConnected(0, 60)).onComplete(test.failing(late -> {
            test.verify(() -> assertThat(late)
                    .isInstanceOfSatisfying(
                            MusterException.class, e -> assertThat(e.kind()).isEqualTo(MusterException.Kind.RETRY))
                    .hasMessageContaining("not all connected after 60 ms")
                    .hasMessageContaining("rank 1: never published for ")
                    .hasMessageContaining("start rank 1"));
            zero.barrier
                    .report()
                    .onComplete(test.succeeding(report -> test.verify(() -> {
                        assertThat(phaseOf(1, report)).isEqualTo(StuckReport.Phase.NEVER_PUBLISHED);
                        assertThat(report.toJson()
                                        .getJsonArray("missing")
                                        .getJsonObject(0)
                                        .fieldNames())
                                .contains(
                                        "rank",
                                        "phase",
                                        "phaseText",
                                        "sinceMs",
                                        "attempts",
                                        "lastError",
                                        "host",
                                        "pid",
                                        "whatToDo");
                        test.completeNow();
                    })));
        }));
    }

    // B-3: the phases come from the links
    @Test
    void theReportNamesThePhaseOfEachMissingLink(Vertx vertx, VertxTestContext test) {
        joined(vertx).onComplete(test.succeeding(pair -> {
            var trouble = new History.Trouble(History.Phase.WARMUP, "warmup write not answered after 5000 ms");
            pair.zero().connect(pair.m0(), pair.m0(), Proof.LOCAL);
            pair.zero()
                    .change(
                            pair.m0(),
                            pair.m1(),
                            new LinkState.WaitingStore(History.EMPTY),
                            new LinkState.BackingOff(new History(null, pair.m1(), false, 4, 4, trouble, List.of())),
                            "FAILED");
            pair.zero()
                    .barrier
                    .allConnected(0, 50)
                    .recover(_ -> Future.succeededFuture())
                    .compose(_ -> pair.zero().barrier.report())
                    .onComplete(test.succeeding(report -> test.verify(() -> {
                        assertThat(report.missing()).singleElement().satisfies(missing -> {
                            assertThat(missing.rank()).isEqualTo(1);
                            assertThat(missing.phase()).isEqualTo(StuckReport.Phase.WARMUP_FAILED);
                            assertThat(missing.attempts()).isEqualTo(4);
                            assertThat(missing.lastError()).isEqualTo(trouble.detail());
                            assertThat(missing.pid()).isEqualTo(101);
                            assertThat(missing.host()).isEqualTo("127.0.0.1:7001");
                        });
                        test.completeNow();
                    })));
        }));
    }

    // B-3, R-4
    @Test
    void anEarlierReadKeepsTheReasonOfALaterUnusableEntry(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        SegmentStore stranger = shared.store(vertx.getOrCreateContext(), new ProcessId(9, 9));
        zero.join()
                .compose(_ -> phaseOfRankOne(zero, 50, StuckReport.Phase.REJECTED))
                .compose(phase -> {
                    assertThat(phase)
                            .as("joining's own read is over by then")
                            .isEqualTo(StuckReport.Phase.NEVER_PUBLISHED);
                    Future<Void> read = zero.store.holdTheNextRead();
                    zero.barrier.execute(GroupCore::reconcile);
                    return read;
                })
                .compose(_ -> stranger.compareAndSet(
                        new StoreKeys(BarrierNode.GROUP).rank(1), null, StoredBytes.copyOf(new byte[] {1, 2, 3})))
                .compose(_ -> phaseOfRankOne(zero, 500, StuckReport.Phase.REJECTED))
                .compose(_ -> {
                    zero.store.release();
                    return phaseOfRankOne(zero, 50, StuckReport.Phase.NEVER_PUBLISHED);
                })
                .onComplete(test.succeeding(phase -> test.verify(() -> {
                    assertThat(phase).as("after the read was answered").isEqualTo(StuckReport.Phase.REJECTED);
                    test.completeNow();
                })));
    }

    private static StuckReport.@Nullable Phase phaseOf(int rank, StuckReport report) {
        return report.missing().stream()
                .filter(one -> one.rank() == rank)
                .map(StuckReport.Missing::phase)
                .findFirst()
                .orElse(null);
    }

    /** Asks until it is this, at most so often. */
    private static Future<StuckReport.Phase> phaseOfRankOne(BarrierNode node, int times, StuckReport.Phase wanted) {
        return node.barrier
                .report()
                .map(report -> phaseOf(1, report))
                .compose(phase -> phase == wanted || times == 0
                        ? Future.succeededFuture(phase)
                        : phaseOfRankOne(node, times - 1, wanted));
    }

    // B-5
    @Test
    void closingDuringAWaitIsNeitherSuccessNorTimeout(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        zero.join().onComplete(test.succeeding(_ -> {
            zero.barrier.allConnected(0, 5_000).onComplete(test.failing(ended -> {
                test.verify(() -> assertThat(ended)
                        .isInstanceOfSatisfying(
                                MusterException.class, e -> assertThat(e.kind()).isEqualTo(MusterException.Kind.FATAL))
                        .hasMessage("closing while somebody waits"));
                zero.barrier.allConnected(0, 5_000).onComplete(test.failing(_ -> test.completeNow()));
            }));
            zero.barrier.abandonWaits("closing while somebody waits");
        }));
    }

    // B-5
    @Test
    void undeployingDuringAWaitEndsIt(Vertx vertx, VertxTestContext test) {
        var zero = new BarrierNode(vertx, shared, 0);
        zero.join().onComplete(test.succeeding(_ -> {
            zero.barrier
                    .allConnected(0, 5_000)
                    .onComplete(test.failing(ended -> test.verify(() -> {
                        assertThat(ended).hasMessageContaining("the group was closed while waiting");
                        test.completeNow();
                    })));
            zero.barrier
                    .report()
                    .onComplete(test.succeeding(_ -> vertx.deploymentIDs().forEach(vertx::undeploy)));
        }));
    }

    // B-7
    @Test
    void aLateWaitCompletesWithTheEpochThatStands(Vertx vertx, VertxTestContext test) {
        complete(vertx).onComplete(test.succeeding(pair -> {
            pair.zero().store.stall();
            pair.zero()
                    .barrier
                    .allConnected(0, 1)
                    .compose(connected -> pair.zero()
                            .barrier
                            .picture()
                            .onSuccess(picture -> test.verify(() -> {
                                assertThat(connected.epoch()).isEqualTo(1);
                                assertThat(picture.allConnected()).isEqualTo(connected);
                                assertThat(picture.entries())
                                        .extracting(entry -> entry.member())
                                        .containsExactly(pair.m0(), pair.m1());
                                assertThat(picture.report().missing()).isEmpty();
                            })))
                    .onComplete(test.succeedingThenComplete());
        }));
    }

    // B-8: the push is lost; the liveness answer of another process says that there is more
    @Test
    void readsTheStoreWhenAnotherProcessHasSeenMore(Vertx vertx, VertxTestContext test) {
        joined(vertx).onComplete(test.succeeding(pair -> {
            pair.one().connect(pair.m1(), pair.m0(), Proof.WARMUP);
            pair.one().connect(pair.m1(), pair.m1(), Proof.LOCAL);
            pair.zero().barrier.allConnected(0, 100).onComplete(test.failing(_ -> {
                pair.one().store.stall();
                pair.connectAll();
                pair.one().barrier.allConnected(1, 100).onComplete(test.failing(_ -> {
                    pair.one().store.release();
                    pair.one().barrier.execute(core -> core.peerSaw(1, EpochRecord.State.COMPLETE));
                    pair.allConnected().onComplete(test.succeedingThenComplete());
                }));
            }));
        }));
    }

    // B-6, P-11
    @Test
    void aReportOfTheApplicationReachesItsLink(Vertx vertx, VertxTestContext test) {
        complete(vertx).onComplete(test.succeeding(pair -> {
            pair.zero().onTell = event -> test.verify(() -> {
                assertThat(event).isEqualTo(new LinkEvent.Reported(pair.m1(), "its answers look wrong"));
                test.completeNow();
            });
            vertx.eventBus()
                    .send(
                            ADDRESSES.report(),
                            new JsonObject()
                                    .put("rank", 0)
                                    .put("peer", 1)
                                    .put("incarnation", pair.m1().incarnation())
                                    .put("reason", "its answers look wrong"));
        }));
    }

    // G-2, B-5
    @Test
    void leavingDegradesWithReasonLeftAndFailsItsOwnWait(Vertx vertx, VertxTestContext test) {
        Checkpoint told = test.checkpoint();
        Checkpoint left = test.checkpoint();
        Checkpoint over = test.checkpoint();
        complete(vertx).onComplete(test.succeeding(pair -> {
            pair.zero()
                    .next(ADDRESSES.degraded())
                    .onComplete(test.succeeding(json -> test.verify(() -> {
                        JsonObject lost = json.getJsonArray("lost").getJsonObject(0);
                        assertThat(lost.getInteger("rank")).isEqualTo(1);
                        assertThat(lost.getString("reason")).isEqualTo("LEFT");
                        told.flag();
                    })));
            pair.one()
                    .barrier
                    .leave(1)
                    .compose(_ -> {
                        left.flag();
                        return pair.one().barrier.allConnected(1, 5_000);
                    })
                    .onComplete(test.failing(_ -> over.flag()));
        }));
    }
}
