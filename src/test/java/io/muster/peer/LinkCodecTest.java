// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.segment.RandomValues;
import io.muster.segment.Scrambled;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

//
@Timeout(60)
final class LinkCodecTest {
    private final RandomValues values = new RandomValues("link codec", System.nanoTime());
    private final Random random = values.random();

    @Test
    void decodesEveryMessageToWhatWasEncoded() {
        for (int round = 0; round < 400; round++) {
            LinkMessage message = message(round % 5);
            assertThat(LinkCodec.decode(LinkCodec.encode(message))).isEqualTo(new Decoded.Valid<>(message));
        }
    }

    @Test
    void survivesTruncationChangedBytesAndNoise() { // the assertions are in Scrambled
        for (int kind = 0; kind < 5; kind++) {
            byte[] bytes = LinkCodec.encode(message(kind)).getBytes();
            Scrambled.cutAnywhere(bytes, cut -> LinkCodec.decode(Buffer.buffer(cut)));
            Scrambled.<LinkMessage>flipAnywhere(
                    bytes,
                    flipped -> LinkCodec.decode(Buffer.buffer(flipped)),
                    again -> LinkCodec.encode(again).getBytes());
            Scrambled.noise(bytes, random, noise -> LinkCodec.decode(Buffer.buffer(noise)));
        }
    }

    @Test
    void carriesAnEntryWithAsManySegmentsAsAHandleMayHave() {
        var open = new LinkMessage.Open(values.entry(values.group(), 1_024), values.member(0), 1, 2, slot(), answer());
        Buffer bytes = LinkCodec.encode(open);
        assertThat(bytes.length()).isLessThan(LinkCodec.MAX_BYTES);
        assertThat(LinkCodec.decode(bytes)).isEqualTo(new Decoded.Valid<>(open));
    }

    @Test
    void refusesOversizedFieldsBeforeReadingThem() {
        assertThat(LinkCodec.decode(Buffer.buffer(new byte[LinkCodec.MAX_BYTES + 1])))
                .isEqualTo(new Decoded.Malformed<>("link message: expected at most " + LinkCodec.MAX_BYTES
                        + " bytes, got " + (LinkCodec.MAX_BYTES + 1)));
    }

    @Test
    void cutsReasonsThatAreTooLong() {
        var close = new LinkMessage.Close(new GroupName("g"), 0, 1, pair(), "x".repeat(70_000));
        assertThat(LinkCodec.decode(LinkCodec.encode(close)))
                .isEqualTo(new Decoded.Valid<>(new LinkMessage.Close(
                        close.group(), 0, 1, close.pair(), "x".repeat(WarmupAnswer.MAX_REASON - 2) + " …")));
    }

    @Test
    void namesTheVersionItExpectedAndTheOneItGot() {
        Buffer bytes = LinkCodec.encode(message(3)).copy().setByte(0, (byte) 9);
        assertThat(LinkCodec.decode(bytes))
                .isEqualTo(new Decoded.Malformed<>(
                        "version of the link handshake: expected " + LinkCodec.VERSION + ", got 9"));
    }

    private LinkMessage message(int kind) {
        GroupName group = values.group();
        return switch (kind) {
            case 0 ->
                new LinkMessage.Open(
                        values.entry(group, random.nextInt(3)),
                        values.member(rank()),
                        attempt(),
                        random.nextLong(),
                        slot(),
                        answer());
            case 1 -> new LinkMessage.Accept(group, pair(), slot(), answer());
            case 2 ->
                new LinkMessage.Refuse(
                        group,
                        values.member(rank()),
                        rank(),
                        attempt(),
                        values.one(List.of(LinkMessage.Refuse.Code.values())),
                        values.sentence(200),
                        values.member(rank()));
            case 3 ->
                new LinkMessage.Refuse(
                        group, values.member(rank()), rank(), attempt(), LinkMessage.Refuse.Code.FINAL, "", null);
            default -> new LinkMessage.Close(group, rank(), rank(), pair(), values.sentence(200));
        };
    }

    private int rank() {
        return random.nextInt(65_536);
    }

    private int attempt() {
        return random.nextInt(Integer.MAX_VALUE);
    }

    private PairId pair() {
        return new PairId(
                values.member(rank()), values.member(rank()), attempt(), random.nextLong(), random.nextLong());
    }

    private WarmupSlot slot() {
        return new WarmupSlot(
                new RemoteRegion(random.nextInt(), random.nextLong(), random.nextLong(Long.MAX_VALUE)),
                random.nextLong());
    }

    private WarmupAnswer answer() {
        return new WarmupAnswer(
                values.one(List.of(WarmupAnswer.Plan.values())), random.nextBoolean(), "tcp", values.sentence(100));
    }
}
