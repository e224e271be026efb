// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.Bounded;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessId;
import io.muster.segment.RandomValues;
import io.muster.segment.Schema;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// S-1, S-2, R-4
@Timeout(60)
class SealedSegmentStoreTest {
    private static final GroupSecret SECRET = GroupSecret.ofText("a secret of the group");
    private static final GroupSecret OTHER = GroupSecret.ofText("a secret of strangers");
    private static final String KEY = new StoreKeys(new GroupName("g")).rank(1);

    private final Vertx vertx = Vertx.vertx();
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final InMemorySegmentStore raw =
            shared.store(vertx.getOrCreateContext(), ProcessId.random(RandomGenerator.getDefault()));
    private final List<String> distrusted = new ArrayList<>();
    private final SealedSegmentStore sealed =
            new SealedSegmentStore(raw, SECRET, (key, why) -> distrusted.add(key + " " + why));
    private final RandomValues values = new RandomValues("SealedSegmentStoreTest", System.nanoTime());

    @AfterEach
    void close() {
        Bounded.await(vertx.close(), "closing Vert.x");
    }

    private StoredBytes stored(StoredBytes value) {
        return Objects.requireNonNull(sealed.close(KEY, value));
    }

    private String refusal(String key, StoredBytes stored) {
        StoredBytes seen = Objects.requireNonNull(sealed.open(key, stored));
        String reason = null;
        for (Decoded<?> decoded : List.of(Schema.rankEntry(seen), Schema.readyMark(seen), Schema.epochRecord(seen))) {
            assertThat(decoded).isInstanceOf(Decoded.Malformed.class);
            reason = ((Decoded.Malformed<?>) decoded).reason();
            assertThat(reason)
                    .startsWith("signature: expected one by the group's secret, got")
                    .contains("security.secretFile");
        }
        return Objects.requireNonNull(reason);
    }

    @Test
    void onlyAReaderWithTheSecretAcceptsAWrittenValue() {
        for (int i = 0; i < 200; i++) {
            StoredBytes entry = Schema.encode(values.entry(new GroupName("g"), i % 4));
            StoredBytes there = Bounded.await(raw.get(KEY), "reading the stored bytes");
            assertThat(Bounded.await(
                            sealed.compareAndSet(KEY, sealed.open(KEY, there), entry), "writing a signed value"))
                    .isTrue();
            assertThat(Bounded.await(sealed.get(KEY), "reading a signed value")).isEqualTo(entry);
            assertThat(Bounded.await(sealed.getAll(Set.of(KEY, "g/rank/0")), "reading signed values"))
                    .isEqualTo(Map.of(KEY, entry));
            assertThat(Schema.rankEntry(
                            Objects.requireNonNull(Bounded.await(raw.get(KEY), "reading the stored bytes"))))
                    .isInstanceOfSatisfying(
                            Decoded.Malformed.class,
                            refused -> assertThat(refused.reason())
                                    .isEqualTo(
                                            "signature: expected none, because this process has no secret for the group, got 32"
                                                    + " bytes; start this process with the secret of the others (security.secretFile),"
                                                    + " or start all without a secret"));
        }
        assertThat(distrusted).isEmpty();
    }

    @Test
    void everyBitOfAValueIsSigned() {
        for (StoredBytes value : List.of(
                Schema.encode(values.entry(new GroupName("g"), 2)),
                Schema.encode(values.mark()),
                Schema.encode(values.epoch()))) {
            byte[] signed = stored(value).toByteArray();
            for (int bit = 0; bit < 8 * signed.length; bit++) {
                byte[] changed = signed.clone();
                changed[bit / 8] ^= (byte) (1 << bit % 8);
                refusal(KEY, StoredBytes.copyOf(changed));
            }
            for (int length = 0; length < signed.length; length++) {
                refusal(KEY, StoredBytes.copyOf(java.util.Arrays.copyOf(signed, length)));
            }
        }
    }

    @Test
    void aSignatureIsValidForItsKeyAndSecretOnly() {
        StoredBytes value = Schema.encode(values.entry(new GroupName("g"), 1));
        assertThat(refusal("g/rank/2", stored(value))).contains("by another secret, or for other fields");
        var strangers = new SealedSegmentStore(raw, OTHER, (_, _) -> {});
        assertThat(refusal(KEY, Objects.requireNonNull(strangers.close(KEY, value))))
                .contains("by another secret, or for other fields");
        assertThat(refusal(KEY, value)).contains("got none");
        assertThat(distrusted).hasSize(3);
    }

    @Test
    void aForeignValueIsNotAcceptedButCanBeReplaced() {
        StoredBytes own = Schema.encode(values.entry(new GroupName("g"), 1));
        Bounded.await(raw.compareAndSet(KEY, null, own), "writing the stored bytes"); // the very bytes, unsigned
        StoredBytes seen = Bounded.await(sealed.get(KEY), "reading a signed value");
        assertThat(seen).isNotEqualTo(own);
        assertThat(Bounded.await(sealed.compareAndSet(KEY, own, own), "writing a signed value"))
                .as("unsigned bytes are not the group's")
                .isFalse();
        assertThat(Bounded.await(sealed.compareAndSet(KEY, seen, own), "writing a signed value"))
                .isTrue();
        assertThat(Bounded.await(sealed.get(KEY), "reading a signed value")).isEqualTo(own);
        assertThat(Bounded.await(sealed.compareAndSet(KEY, own, null), "writing a signed value"))
                .isTrue();
        assertThat(Bounded.await(raw.get(KEY), "reading the stored bytes")).isNull();
    }

    @Test
    void signaturesOfPushedValuesAreChecked() {
        StoredBytes own = Schema.encode(values.entry(new GroupName("g"), 1));
        io.vertx.core.Promise<StoredBytes> good = io.vertx.core.Promise.promise();
        io.vertx.core.Promise<StoredBytes> bad = io.vertx.core.Promise.promise();
        Bounded.await(
                sealed.listen(new SegmentStore.Listener() {
                    @Override
                    public void changed(String key, StoredBytes value) {
                        (key.equals(KEY) ? good : bad).complete(value);
                    }

                    @Override
                    public void outdated() {}

                    @Override
                    public void membersChanged(SegmentStore.PresentMembers present) {}
                }),
                "listening for signed values");
        Bounded.await(
                Future.all(sealed.compareAndSet(KEY, null, own), raw.compareAndSet("g/rank/3", null, own)),
                "future all");
        assertThat(Bounded.await(good.future(), "the valid value")).isEqualTo(own);
        assertThat(Schema.rankEntry(Bounded.await(bad.future(), "the invalid value")))
                .isInstanceOf(Decoded.Malformed.class);
    }

    @Test
    void aSealedStoreForwardsTheLossOfPartitions() {
        List<Integer> lost = new ArrayList<>();
        SegmentStore losing = new WrappedStore() {
            @Override
            public SegmentStore store() {
                return raw;
            }

            @Override
            public Future<Void> listen(Listener listener) {
                listener.partitionsLost(3);
                return Future.succeededFuture();
            }
        };
        Bounded.await(
                new SealedSegmentStore(losing, SECRET, (_, _) -> {}).listen(new SegmentStoreContractTest.Recorder(KEY) {
                    @Override
                    public void partitionsLost(int partitions) {
                        lost.add(partitions);
                    }
                }),
                "listening with the group's secret");
        assertThat(lost).containsExactly(3);
    }
}
