// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.DIALABLE;
import static io.muster.peer.LinkFixture.EXCHANGE;
import static io.muster.peer.LinkFixture.FABRIC;
import static io.muster.peer.LinkFixture.GROUP;
import static io.muster.peer.LinkFixture.accept;
import static io.muster.peer.LinkFixture.entry;
import static io.muster.peer.LinkFixture.slot;
import static io.muster.peer.LinkFixture.waiter;
import static io.muster.peer.LinkFixture.writer;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.bus.Addresses;
import io.muster.bus.LocalCodec;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RecordingChannel;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.Decoded;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Checkpoint;
import io.vertx.junit5.Timeout;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The verticle of one link between its bus addresses, with a seat and a channel that the test controls. */
@ExtendWith(VertxExtension.class)
@Timeout(value = 10, timeUnit = TimeUnit.SECONDS)
class PeerVerticleTest {
    private static final Addresses ADDRESSES = new Addresses(GROUP);
    private static final LinkTiming TIMING = new LinkTiming(5_000, 5_000, 1, 100, 10_000, 5_000);
    private static final ChannelGeneration GENERATION = new ChannelGeneration(77, 78);

    private Vertx vertx;
    private final Seat seat = new Seat();

    /** The seat of rank 1, or of rank 0, and the channel to the other one's process. */
    private final class Seat implements SeatPorts {
        final RecordingChannel channel = new RecordingChannel(new ProcessId(9, 9), GENERATION)
                .onSend((_, payload) -> sent(payload))
                .onWrite(this::written);
        final Queue<Long> jittered = new ConcurrentLinkedQueue<>();
        final AtomicLong nonces = new AtomicLong(100);
        final MemorySegment memory = Arena.ofAuto().allocate(64);
        volatile Supplier<Future<Channel>> onConnect = () -> Future.succeededFuture(channel);
        volatile Consumer<LinkMessage> onSend = _ -> {};
        volatile Function<Long, Future<Void>> onWrite = _ -> Future.succeededFuture();
        volatile WarmupAnswer policy = EXCHANGE;
        volatile Member self = writer(1);
        volatile @Nullable LinkChange noted;

        PeerVerticle verticle() {
            return new PeerVerticle(self.rank(), 1 - self.rank(), this, ADDRESSES);
        }

        void tell(Object event) {
            vertx.eventBus().send(ADDRESSES.link(self.rank(), 1 - self.rank()), event, LocalCodec.delivery());
        }

        void begin(LinkTiming timing) {
            tell(new LinkSetup(GROUP, 2, self, 1 - self.rank(), timing));
        }

        @Override
        public GroupName group() {
            return GROUP;
        }

        @Override
        public RankEntry ownEntry() {
            return entry(self, 0);
        }

        @Override
        public Future<Channel> connect(ProcessAddress address) {
            return onConnect.get();
        }

        @Override
        public @Nullable Channel channel(ChannelGeneration generation) {
            return channel.isAlive() && generation.equals(GENERATION) ? channel : null;
        }

        @Override
        public @Nullable Member localSeat(int rank) {
            return null;
        }

        @Override
        public Future<WarmupAnswer> askPolicy(RankEntry peer) {
            return Future.succeededFuture(policy);
        }

        @Override
        public WarmupSlot slot(int peer, String transport) {
            return LinkFixture.slot(self);
        }

        @Override
        public Future<Void> clearSlot(int peer) {
            return Future.succeededFuture();
        }

        @Override
        public void awaitSlot(int peer) {}

        @Override
        public Future<Void> writeWarmup(int peer, RankEntry target, Session session, long value) {
            memory.asSlice(8, 8).set(PeerVerticle.SLOT, 0, value);
            return channel.write(session.peerSlot().region(), session.peerSlot().offset(), memory.asSlice(8, 8));
        }

        @Override
        public long nonce() {
            return nonces.incrementAndGet();
        }

        @Override
        public long jittered(long delayMs) {
            jittered.add(delayMs);
            return delayMs;
        }

        @Override
        public void note(LinkChange change) {
            noted = change;
        }

        private void sent(Buffer payload) {
            if (LinkCodec.decode(payload) instanceof Decoded.Valid<LinkMessage>(LinkMessage message)) {
                onSend.accept(message);
            }
        }

        private Future<Void> written(RemoteRegion region, long offset, MemorySegment source) {
            assertThat(region)
                    .isEqualTo(LinkFixture.slot(self.rank() == 1 ? waiter(1) : writer(1))
                            .region());
            assertThat(offset).isEqualTo(8);
            return onWrite.apply(source.get(PeerVerticle.SLOT, 0));
        }
    }

    @BeforeEach
    void register(Vertx given) {
        vertx = given;
        LocalCodec.register(given);
    }

    private void deploy(VertxTestContext test, LinkTiming timing, Object... events) {
        vertx.deployVerticle(seat.verticle()).onComplete(test.succeeding(_ -> {
            seat.begin(timing);
            List.of(events).forEach(seat::tell);
        }));
    }

    private void onState(VertxTestContext test, Consumer<JsonObject> check) {
        vertx.eventBus()
                .<JsonObject>localConsumer(
                        ADDRESSES.peerState(), message -> test.verify(() -> check.accept(message.body())));
    }

    private void onChange(VertxTestContext test, Consumer<LinkChange> check) {
        vertx.eventBus()
                .<LinkChange>localConsumer(
                        ADDRESSES.linkState(), message -> test.verify(() -> check.accept(message.body())));
    }

    private static LinkEvent published(Member peer) {
        return new LinkEvent.HandlePublished(entry(peer, 0), DIALABLE);
    }

    private static Session session(int attempt, long writerNonce, long waiterNonce) {
        return new Session(
                writer(1),
                waiter(1),
                attempt,
                GENERATION,
                writerNonce,
                waiterNonce,
                slot(waiter(1)),
                EXCHANGE,
                EXCHANGE);
    }

    /** Answers a link-open as the waiter would, with its warmup value. */
    private void acceptAndWrite(LinkMessage.Open open) {
        seat.tell(accepted(open, EXCHANGE));
        seat.tell(new LinkEvent.SlotWritten(
                session(open.attempt(), open.nonce(), 5).waiterValue()));
    }

    /** The accept alone. */
    private LinkEvent accepted(LinkMessage.Open open, WarmupAnswer answer) {
        return new LinkEvent.AcceptReceived(
                accept(session(open.attempt(), open.nonce(), 5).pairId(), answer), GENERATION);
    }

    // P-2, P-3, P-4
    @Test
    void theWriterIsConnectedWhenItsWriteBackHasBeenApplied(VertxTestContext test) {
        Checkpoint opened = test.checkpoint();
        Checkpoint wrote = test.checkpoint();
        Checkpoint record = test.checkpoint();
        Checkpoint body = test.checkpoint();
        Queue<String> states = new ConcurrentLinkedQueue<>();
        AtomicLong nonce = new AtomicLong();
        AtomicBoolean shown = new AtomicBoolean();
        AtomicBoolean applied = new AtomicBoolean();
        seat.onSend = message -> test.verify(() -> {
            var open = (LinkMessage.Open) message;
            assertThat(open.entry()).isEqualTo(seat.ownEntry());
            assertThat(open.waiter()).isEqualTo(waiter(1));
            assertThat(open.attempt()).isEqualTo(1);
            nonce.set(open.nonce());
            opened.flag();
            seat.tell(new LinkEvent.SlotWritten(session(1, open.nonce(), 6).waiterValue()));
            seat.tell(accepted(open, EXCHANGE));
            shown.set(true);
            seat.tell(new LinkEvent.SlotWritten(session(1, open.nonce(), 5).waiterValue()));
        });
        seat.onWrite = value -> {
            test.verify(() -> {
                assertThat(value).isEqualTo(session(1, nonce.get(), 5).writerValue());
                assertThat(shown).as("the waiter's value was shown before").isTrue();
            });
            wrote.flag();
            return slowly(applied);
        };
        onChange(test, change -> {
            if (change.to() instanceof LinkState.Connected connected) {
                assertThat(change.gainedPeer()).isEqualTo(waiter(1));
                assertThat(connected.session()).isEqualTo(session(1, nonce.get(), 5));
                assertThat(seat.noted).isSameAs(change);
                record.flag();
            }
        });
        onState(test, json -> {
            states.add(json.getString("from") + ">" + json.getString("to"));
            if (json.getString("to").equals("CONNECTED")) {
                assertThat(applied).isTrue();
                assertThat(states)
                        .containsExactly(
                                "WAITING_STORE>OPENING_SEGMENT",
                                "OPENING_SEGMENT>WAITING_PEER_WARMUP",
                                "WAITING_PEER_WARMUP>CONNECTED");
                assertThat(json.fieldNames())
                        .containsExactlyInAnyOrder(
                                "group",
                                "rank",
                                "peer",
                                "incarnation",
                                "from",
                                "to",
                                "reason",
                                "attempt",
                                "transport",
                                "proof",
                                "at");
                assertThat(json.getString("group")).isEqualTo("g");
                assertThat(json.getInteger("rank")).isEqualTo(1);
                assertThat(json.getInteger("peer")).isZero();
                assertThat(json.getLong("incarnation")).isEqualTo(1);
                assertThat(json.getInteger("attempt")).isEqualTo(1);
                assertThat(json.getString("transport")).isEqualTo("tcp");
                assertThat(json.getString("proof")).isEqualTo("warmup");
                assertThat(json.getString("reason")).isEqualTo(EXCHANGE.reason());
                assertThat(Instant.parse(json.getString("at"))).isBeforeOrEqualTo(Instant.now());
                body.flag();
            }
        });
        deploy(test, TIMING, published(waiter(1)));
    }

    private Future<Void> slowly(AtomicBoolean done) {
        Promise<Void> slow = Promise.promise();
        vertx.setTimer(30, _ -> {
            done.set(true);
            slow.complete();
        });
        return slow.future();
    }

    // P-3, P-5, P-16: the waiter serves the link-open before any event of the store, and is connected only when the
    // writer has seen its value and written back
    @Test
    void theWaiterIsConnectedWhenTheWriteBackHasArrived(VertxTestContext test) {
        Checkpoint acceptance = test.checkpoint();
        Checkpoint connected = test.checkpoint();
        AtomicLong nonce = new AtomicLong();
        AtomicBoolean applied = new AtomicBoolean();
        AtomicBoolean answered = new AtomicBoolean();
        seat.self = waiter(1);
        seat.onSend = message -> test.verify(() -> {
            var accept = (LinkMessage.Accept) message;
            assertThat(accept.pair().writerNonce()).isEqualTo(41);
            nonce.set(accept.pair().waiterNonce());
            acceptance.flag();
        });
        seat.onWrite = value -> {
            test.verify(() ->
                    assertThat(value).isEqualTo(session(1, 41, nonce.get()).waiterValue()));
            Future<Void> write = slowly(applied);
            write.onSuccess(_ -> {
                seat.tell(new LinkEvent.SlotWritten(12345));
                vertx.setTimer(30, _ -> {
                    answered.set(true);
                    seat.tell(new LinkEvent.SlotWritten(
                            session(1, 41, nonce.get()).writerValue()));
                });
            });
            return write;
        };
        onState(test, json -> {
            if (json.getString("to").equals("CONNECTED")) {
                assertThat(answered).isTrue();
                assertThat(json.getString("from")).isEqualTo("WAITING_WARMUP_TRANSFER");
                connected.flag();
            }
        });
        deploy(
                test,
                TIMING,
                new LinkEvent.OpenReceived(LinkFixture.open(1, 1, 1, 41, EXCHANGE), DIALABLE, GENERATION, 600));
    }

    // P-16: it arrives on another context than the seat; without an answer its sender would wait until the deadline
    @Test
    void aLinkOpenThatArrivesBeforeTheSeatIsAnswered(VertxTestContext test) {
        seat.self = waiter(1);
        seat.onSend = message -> test.verify(() -> {
            assertThat(((LinkMessage.Accept) message).pair().writerNonce()).isEqualTo(41);
            test.completeNow();
        });
        vertx.deployVerticle(seat.verticle()).onComplete(test.succeeding(_ -> {
            seat.tell(new LinkEvent.OpenReceived(LinkFixture.open(1, 1, 1, 41, EXCHANGE), DIALABLE, GENERATION, 600));
            seat.begin(TIMING);
        }));
    }

    // P-6
    @Test
    void retriesAFailedDialWithBackOffAndKeepsItsError(VertxTestContext test) {
        AtomicInteger dials = new AtomicInteger();
        List<Checkpoint> backedOff = List.of(test.checkpoint(), test.checkpoint(), test.checkpoint());
        Checkpoint opened = test.checkpoint();
        seat.onConnect = () -> dials.incrementAndGet() <= 3
                ? Future.failedFuture("nobody listens there, " + dials.get())
                : Future.succeededFuture(seat.channel);
        seat.onSend = message -> test.verify(() -> {
            assertThat(((LinkMessage.Open) message).attempt()).isEqualTo(4);
            assertThat(seat.jittered).containsExactly(1L, 2L, 4L);
            assertThat(seat.noted.to().history().failures()).isEqualTo(3);
            assertThat(seat.noted.to().history().trouble().detail()).isEqualTo("nobody listens there, 3");
            opened.flag();
        });
        onState(test, json -> {
            if (json.getString("to").equals("BACKING_OFF")) {
                assertThat(json.getString("reason")).isEqualTo("nobody listens there, " + json.getInteger("attempt"));
                backedOff.get(json.getInteger("attempt") - 1).flag();
            }
        });
        deploy(test, TIMING, published(waiter(1)));
    }

    // P-6, P-7
    @Test
    void anUnansweredLinkOpenIsGivenUpInTime(VertxTestContext test) {
        onState(test, json -> {
            if (json.getString("to").equals("BACKING_OFF")) {
                assertThat(json.getString("reason")).isEqualTo("link-open not answered after 20 ms");
                test.completeNow();
            }
        });
        deploy(test, new LinkTiming(20, 5_000, 5_000, 5_000, 5_000, 5_000), published(waiter(1)));
    }

    // P-12
    @Test
    void aChannelThatDiedBeforeConnectedIsNoticed(VertxTestContext test) {
        seat.policy = FABRIC;
        seat.onSend = message -> {
            if (message instanceof LinkMessage.Open open) {
                seat.channel.end();
                seat.tell(accepted(open, FABRIC));
            }
        };
        onChange(test, change -> {
            assertThat(change.to()).isNotInstanceOf(LinkState.Connected.class);
            if (change.to() instanceof LinkState.BackingOff) {
                assertThat(change.reason())
                        .contains("SOCKET_CLOSED")
                        .contains("the channel ended before the link was connected");
                test.completeNow();
            }
        });
        deploy(test, new LinkTiming(5_000, 5_000, 5_000, 5_000, 5_000, 5_000), published(waiter(1)));
    }

    // P-3, P-6: the peer has died between accept and warmup, and the write fails
    @Test
    void aFailedWarmupWriteIsRetriedAndThePeerIsInformed(VertxTestContext test) {
        Checkpoint closed = test.checkpoint();
        Checkpoint again = test.checkpoint();
        seat.onWrite = _ -> Future.failedFuture("the region is gone");
        seat.onSend = message -> test.verify(() -> {
            switch (message) {
                case LinkMessage.Open open when open.attempt() == 1 -> acceptAndWrite(open);
                case LinkMessage.Open open -> {
                    assertThat(open.attempt()).isEqualTo(2);
                    again.flag();
                }
                case LinkMessage.Close close -> {
                    assertThat(close.reason()).contains("the region is gone");
                    closed.flag();
                }
                default -> throw new AssertionError(message.toString());
            }
        });
        deploy(test, TIMING, published(waiter(1)));
    }

    // P-12, B-6
    @Test
    void aLostChannelIsReportedWithItsCauseAndDialledAnew(VertxTestContext test) {
        Checkpoint lost = test.checkpoint();
        Checkpoint again = test.checkpoint();
        seat.policy = FABRIC;
        seat.onSend = message -> {
            if (message instanceof LinkMessage.Open open && open.attempt() == 1) {
                seat.tell(accepted(open, FABRIC));
            } else if (message instanceof LinkMessage.Open) {
                again.flag();
            }
        };
        onChange(test, change -> {
            if (change.to() instanceof LinkState.Connected) {
                seat.tell(new LinkEvent.ChannelLost(
                        new ChannelGeneration(1, 1),
                        new LossEvidence(LossEvidence.Kind.SILENCE, "of another channel")));
                seat.tell(new LinkEvent.ChannelLost(
                        GENERATION, new LossEvidence(LossEvidence.Kind.SILENCE, "nothing heard for 3000 ms")));
            } else if (change.from() instanceof LinkState.Connected) {
                assertThat(change.lostPeer()).isEqualTo(waiter(1));
                assertThat(change.cause()).isEqualTo("SILENCE");
                assertThat(change.reason()).isEqualTo("SILENCE: nothing heard for 3000 ms");
                lost.flag();
            }
        });
        deploy(test, TIMING, published(waiter(1)));
    }

    // P-13
    @Test
    void closingWaitsForTheRunningWriteAndThenUndeploys(VertxTestContext test) {
        Promise<Void> write = Promise.promise();
        Checkpoint told = test.checkpoint();
        Checkpoint gone = test.checkpoint();
        seat.onWrite = _ -> {
            seat.tell(new LinkEvent.CloseRequested("leaving"));
            return write.future();
        };
        seat.onSend = message -> {
            if (message instanceof LinkMessage.Open open) {
                acceptAndWrite(open);
            } else if (message instanceof LinkMessage.Close close) {
                test.verify(() -> assertThat(close.reason()).isEqualTo("leaving"));
                told.flag();
            }
        };
        PeerVerticle verticle = seat.verticle();
        onState(test, json -> {
            switch (json.getString("to")) {
                case "EXPIRING" ->
                    vertx.setTimer(
                            30,
                            _ -> test.verify(() -> {
                                assertThat(seat.noted.to()).isInstanceOf(LinkState.Expiring.class);
                                assertThat(verticle.ended().isComplete()).isFalse();
                                write.complete();
                            }));
                case "EXPIRED" -> assertThat(write.future().isComplete()).isTrue();
                default -> {}
            }
        });
        endsAndIsUndeployed(test, verticle, gone);
        deployed(test, verticle, TIMING, published(waiter(1)));
    }

    // P-13
    @Test
    void closingIsBoundedIfTheWriteNeverEnds(VertxTestContext test) {
        Checkpoint expired = test.checkpoint();
        Checkpoint gone = test.checkpoint();
        seat.onWrite = _ -> {
            seat.tell(new LinkEvent.CloseRequested("leaving"));
            return Promise.<Void>promise().future();
        };
        seat.onSend = message -> {
            if (message instanceof LinkMessage.Open open) {
                acceptAndWrite(open);
            }
        };
        onState(test, json -> {
            if (json.getString("to").equals("EXPIRED")) {
                assertThat(json.getString("reason")).contains("its memory stays leased");
                expired.flag();
            }
        });
        PeerVerticle verticle = seat.verticle();
        endsAndIsUndeployed(test, verticle, gone);
        deployed(test, verticle, new LinkTiming(5_000, 5_000, 1, 100, 10_000, 20), published(waiter(1)));
    }

    @Test
    void aRankThatNeverGotItsSeatOnlyCloses(VertxTestContext test) {
        PeerVerticle verticle = seat.verticle();
        Checkpoint gone = test.checkpoint();
        onState(test, json -> test.failNow("a state of nothing: " + json));
        endsAndIsUndeployed(test, verticle, gone);
        vertx.deployVerticle(verticle).onComplete(test.succeeding(_ -> {
            seat.tell(published(waiter(1)));
            seat.tell(new LinkEvent.CloseRequested("the claim failed"));
        }));
    }

    private void deployed(VertxTestContext test, PeerVerticle verticle, LinkTiming timing, Object event) {
        vertx.deployVerticle(verticle).onComplete(test.succeeding(_ -> {
            seat.begin(timing);
            seat.tell(event);
        }));
    }

    private void endsAndIsUndeployed(VertxTestContext test, PeerVerticle verticle, Checkpoint gone) {
        verticle.ended().onComplete(test.succeeding(_ -> {
            test.verify(() -> assertThat(vertx.deploymentIDs()).isEmpty());
            vertx.eventBus()
                    .request(ADDRESSES.link(1, 0), new LinkEvent.Started(), LocalCodec.delivery())
                    .onComplete(test.failing(nobody -> test.verify(() -> {
                        assertThat(nobody).isInstanceOf(ReplyException.class).hasMessageContaining("No handlers");
                        gone.flag();
                    })));
        }));
    }
}
