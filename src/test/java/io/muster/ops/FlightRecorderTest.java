// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Bounded;
import io.muster.barrier.EpochStage;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.History;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkState;
import io.muster.store.InMemorySegmentStore;
import io.muster.store.SegmentStore;
import io.muster.wire.StoredBytes;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

// O-2
@ExtendWith(VertxExtension.class)
class FlightRecorderTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final Member SELF = new Member(3, 17, LifeId.random(RandomGenerator.getDefault()));

    @Test
    void keepsTheLastOfEachKindAndCountsAll() {
        var recorder = new FlightRecorder(4);
        for (int epoch = 1; epoch <= 10; epoch++) {
            recorder.epoch(new EpochStage(GROUP, epoch, EpochStage.Stage.OPEN, System.nanoTime()));
        }
        recorder.link(change(1));

        JsonObject record = recorder.toJson();

        assertThat(record.getJsonObject("barrier").getLong("recorded")).isEqualTo(10);
        assertThat(entries(record, "barrier"))
                .extracting(entry -> entry.getLong("epoch"))
                .containsExactly(7L, 8L, 9L, 10L);
        assertThat(entries(record, "links"))
                .as("a storm elsewhere leaves it")
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.getInteger("rank")).isEqualTo(3);
                    assertThat(entry.getInteger("peer")).isEqualTo(1);
                    assertThat(entry.getString("from")).isEqualTo("WAITING_STORE");
                    assertThat(entry.getString("to")).isEqualTo("BACKING_OFF");
                    assertThat(entry.getString("reason")).isEqualTo("because");
                    assertThat(Instant.parse(entry.getString("at")))
                            .isBetween(
                                    Instant.now().minusSeconds(60),
                                    Instant.now().plusSeconds(60));
                    assertThat(entry.getLong("nanos")).isLessThanOrEqualTo(System.nanoTime());
                });
        assertThat(entries(record, "store")).isEmpty();
    }

    @Test
    void recordsNothingWhenItIsOff() {
        var recorder = new FlightRecorder(0);
        recorder.link(change(1));
        recorder.storeOperation("get", "k", 1, "no");
        assertThat(recorder.toJson().getJsonObject("links"))
                .isEqualTo(new JsonObject().put("recorded", 0).put("off", true));
    }

    @Test
    void manyThreadsLoseNothingButTheOldest() throws Exception {
        var recorder = new FlightRecorder(64);
        List<Thread> threads = java.util.stream.IntStream.range(0, 4)
                .mapToObj(_ -> Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < 10_000; i++) {
                        recorder.link(change(i));
                    }
                }))
                .toList();
        for (Thread thread : threads) {
            thread.join();
        }
        JsonObject links = recorder.toJson().getJsonObject("links");
        assertThat(links.getLong("recorded")).isEqualTo(40_000);
        assertThat(links.getJsonArray("entries")).hasSize(64);
    }

    @Test
    void storeFailuresAreRecordedAndSuccessesAreNot(Vertx vertx) throws Exception {
        var recorder = new FlightRecorder(16);
        var shared = new InMemorySegmentStore.Shared();
        InMemorySegmentStore inner = shared.store(vertx.getOrCreateContext(), id());
        var store = new RecordedStore(inner, recorder, 10_000);
        BlockingQueue<SegmentStore.PresentMembers> members = new LinkedBlockingQueue<>();
        Bounded.await(
                store.listen(new SegmentStore.Listener() {
                    @Override
                    public void changed(String key, @Nullable StoredBytes value) {}

                    @Override
                    public void outdated() {}

                    @Override
                    public void membersChanged(SegmentStore.PresentMembers present) {
                        members.add(present);
                    }
                }),
                "listening to the store");
        Bounded.await(store.compareAndSet("k", null, StoredBytes.copyOf(new byte[] {1})), "writing to the store");
        assertThat(Bounded.await(store.get("k"), "reading the store")).isNotNull();

        InMemorySegmentStore other = shared.store(vertx.getOrCreateContext(), id());
        assertThat(members.poll(10, TimeUnit.SECONDS)).isNotNull();
        shared.crash(other);
        assertThat(members.poll(10, TimeUnit.SECONDS)).isNotNull();
        Bounded.await(inner.close(), "closing the store");
        assertThat(Bounded.<Boolean>await(
                        store.get("k").transform(failed -> io.vertx.core.Future.succeededFuture(failed.failed())),
                        "store get"))
                .isTrue();

        List<JsonObject> entries = entries(recorder.toJson(), "store");
        assertThat(entries)
                .extracting(entry -> entry.getString("what"))
                .containsExactly("MEMBER_CAME", "MEMBER_WENT", "FAILED");
        assertThat(entries.getLast().getString("operation")).isEqualTo("get");
        assertThat(entries.getLast().getString("key")).isEqualTo("k");
        assertThat(entries.getLast().getString("reason")).contains("closed");
    }

    @Test
    void sendsTheSameEventsToTheJdksFlightRecorder(@TempDir Path folder) throws Exception {
        var recorder = new FlightRecorder(0);
        Path file = folder.resolve("test.jfr");
        try (var recording = new Recording()) {
            recording.enable("io.muster.LinkTransition");
            recording.enable("io.muster.Epoch").withThreshold(Duration.ZERO);
            recording.disable("io.muster.StoreTrouble");
            recording.start();
            recorder.link(change(1));
            recorder.epoch(new EpochStage(GROUP, 7, EpochStage.Stage.COMPLETE, System.nanoTime()));
            recorder.storeOperation("get", "k", 1, "switched off in this recording");
            recording.stop();
            recording.dump(file);
        }
        recorder.link(change(2));
        Map<String, List<RecordedEvent>> events = RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("io.muster."))
                .collect(java.util.stream.Collectors.groupingBy(
                        event -> event.getEventType().getName()));
        assertThat(events.keySet()).containsExactlyInAnyOrder("io.muster.LinkTransition", "io.muster.Epoch");
        assertThat(events.get("io.muster.LinkTransition")).singleElement().satisfies(event -> {
            assertThat(event.getString("to")).isEqualTo("BACKING_OFF");
            assertThat(event.getInt("peer")).isEqualTo(1);
            assertThat(event.getStackTrace()).isNull();
        });
        assertThat(events.get("io.muster.Epoch").getFirst().getLong("epoch")).isEqualTo(7);
    }

    static LinkChange change(int peer) {
        return new LinkChange(
                GROUP,
                SELF,
                peer,
                new LinkState.WaitingStore(History.EMPTY),
                new LinkState.BackingOff(History.EMPTY),
                "because",
                "FAILED",
                Instant.now());
    }

    private static ProcessId id() {
        return ProcessId.random(RandomGenerator.getDefault());
    }

    private static List<JsonObject> entries(JsonObject record, String kind) {
        return record.getJsonObject(kind).getJsonArray("entries", new JsonArray()).stream()
                .map(JsonObject.class::cast)
                .toList();
    }
}
