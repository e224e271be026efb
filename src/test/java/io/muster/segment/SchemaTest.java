// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.Proof;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

//
@Timeout(60)
final class SchemaTest {
    private final RandomValues values = new RandomValues("schema", System.nanoTime());

    @Test
    void decodesARankEntryToWhatWasEncoded() {
        for (int round = 0; round < 200; round++) {
            bears(values.entry(values.group(), values.random().nextInt(4)), Schema::encode, Schema::rankEntry, round);
        }
    }

    @Test
    void decodesAReadyMarkToWhatWasEncoded() {
        for (int round = 0; round < 200; round++) {
            bears(values.mark(), Schema::encode, Schema::readyMark, round);
        }
    }

    @Test
    void decodesAnEpochRecordToWhatWasEncoded() {
        for (int round = 0; round < 200; round++) {
            bears(values.epoch(), Schema::encode, Schema::epochRecord, round);
        }
    }

    private <T> void bears(
            T value, Function<T, StoredBytes> encode, Function<StoredBytes, Decoded<T>> decode, int round) {
        byte[] bytes = encode.apply(value).toByteArray();
        assertThat(decode.apply(StoredBytes.copyOf(bytes))).isEqualTo(new Decoded.Valid<>(value));
        if (round < 3) {
            Scrambled.cutAnywhere(bytes, cut -> decode.apply(StoredBytes.copyOf(cut)));
            Scrambled.<T>flipAnywhere(
                    bytes,
                    flipped -> decode.apply(StoredBytes.copyOf(flipped)),
                    again -> encode.apply(again).toByteArray());
            Scrambled.noise(bytes, values.random(), noise -> decode.apply(StoredBytes.copyOf(noise)));
        }
    }

    @Test
    void namesTheVersionItExpectedAndTheOneItGot() {
        byte[] bytes = Schema.encode(values.mark()).toByteArray();
        bytes[0] = 1;
        assertThat(Schema.readyMark(StoredBytes.copyOf(bytes)))
                .isEqualTo(new Decoded.Malformed<>("version: expected 2, got 1"));
    }

    @Test
    void takesNoNegativeCountOfProofs() {
        EpochRecord record = values.epoch().complete(new ProofCounts(Map.of(Proof.WARMUP, -1), Map.of()));
        assertThat(reason(Schema.epochRecord(Schema.encode(record)))).startsWith("count: expected");
    }

    @Test
    void decodesNoKindOfValueAsAnother() {
        assertThat(reason(Schema.rankEntry(Schema.encode(values.mark())))).startsWith("kind: expected 'R', got");
        assertThat(reason(Schema.readyMark(Schema.encode(values.epoch())))).startsWith("kind: expected 'Y', got");
        assertThat(reason(Schema.epochRecord(Schema.encode(values.entry(values.group(), 1)))))
                .startsWith("kind: expected 'E', got");
    }

    @Test
    void refusesAFlagThatIsNeitherTrueNorFalse() {
        var group = new GroupName("g");
        RankEntry entry = values.entry(group, 0);
        byte[] bytes = Schema.encode(entry).toByteArray();
        // from the end: signature 2, segments 4, reason, export, then the flag
        int flag = bytes.length
                - 6
                - 2
                - entry.handle().fabric().reason().getBytes(StandardCharsets.UTF_8).length
                - 2
                - entry.handle().fabric().export().length
                - 1;
        bytes[flag] = 2;
        assertThat(reason(Schema.rankEntry(StoredBytes.copyOf(bytes)))).isEqualTo("simulated: expected 0 or 1, got 2");
    }

    @Test
    void refusesARankOutsideTheWorldSizeAndAnImpossibleWorldSize() {
        byte[] bytes = Schema.encode(new RankEntry(
                        new GroupName("g"),
                        2,
                        values.member(1),
                        RankEntry.State.LIVE,
                        0,
                        values.entry(new GroupName("g"), 0).handle()))
                .toByteArray();
        int worldSize = 2 + 2 + 1 + 28;
        byte[] small = bytes.clone();
        small[worldSize + 3] = 1;
        assertThat(reason(Schema.rankEntry(StoredBytes.copyOf(small)))).isEqualTo("rank 1 is outside the world size 1");
        byte[] huge = bytes.clone();
        huge[worldSize] = 0x7F;
        assertThat(reason(Schema.rankEntry(StoredBytes.copyOf(huge))))
                .startsWith("world size must be in 1.." + Member.MAX_WORLD_SIZE);
    }

    @Test
    void allocatesNothingForAnImpossibleLength() {
        byte[] bytes = Schema.encode(values.epoch()).toByteArray();
        int worldSize = 2 + 2 + bytes[3] + 8;
        Arrays.fill(bytes, worldSize, worldSize + 4, (byte) 0xFF);
        assertThat(reason(Schema.epochRecord(StoredBytes.copyOf(bytes)))).startsWith("worldSize: expected 0..");
    }

    @Test
    void storesEachKindOfFabricOfferInTheSameFields() {
        byte[] export = {1, 2, 3};
        for (SegmentHandle.FabricOffer offer : List.of(
                SegmentHandle.FabricOffer.NONE,
                new SegmentHandle.FabricOffer.None(true, "no space left"),
                new SegmentHandle.FabricOffer.Exported("c/7", true, export, "a file"),
                new SegmentHandle.FabricOffer.Exported("c/7", false, new byte[0], "touched"),
                new SegmentHandle.FabricOffer.GpuSlots(export, "slots"))) {
            assertThat(SegmentHandle.FabricOffer.of(
                            offer.identity(), offer.simulated(), offer.export(), offer.reason()))
                    .isEqualTo(offer);
            RankEntry entry = offering(offer);
            assertThat(Schema.rankEntry(Schema.encode(entry))).isEqualTo(new Decoded.Valid<>(entry));
        }
    }

    @Test
    void refusesSimulatedSlotsInGpuMemory() {
        byte[] bytes = Schema.encode(offering(new SegmentHandle.FabricOffer.GpuSlots(new byte[] {1, 2, 3}, "slots")))
                .toByteArray();
        int flag = bytes.length - 6 - 2 - "slots".length() - 2 - 3 - 1;
        bytes[flag] = 1;
        assertThat(reason(Schema.rankEntry(StoredBytes.copyOf(bytes))))
                .isEqualTo("slots in GPU memory can't be simulated");
    }

    private RankEntry offering(SegmentHandle.FabricOffer offer) {
        RankEntry any = values.entry(new GroupName("g"), 0);
        SegmentHandle handle = any.handle();
        return new RankEntry(
                any.group(),
                any.worldSize(),
                any.member(),
                any.state(),
                any.revision(),
                new SegmentHandle(
                        handle.process(),
                        handle.host(),
                        handle.port(),
                        handle.hostId(),
                        handle.pid(),
                        handle.memberUuid(),
                        handle.warmupMode(),
                        handle.transports(),
                        offer,
                        handle.segments()));
    }

    private static String reason(Decoded<?> decoded) {
        return decoded instanceof Decoded.Malformed<?>(String reason) ? reason : "valid: " + decoded;
    }
}
