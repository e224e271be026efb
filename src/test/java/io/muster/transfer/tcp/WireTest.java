// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// T-3
@Timeout(20)
class WireTest {
    private static final ProcessId A = new ProcessId(1, 2);
    private static final ProcessId B = new ProcessId(3, 4);
    private static final Hello HELLO =
            new Hello(Hello.Role.BULK, A, B, 5, 6, 1 << 20, "10.0.0.7", 18_515, new ChannelGeneration(7, 8));

    @Test
    void aHelloIsDecodedToWhatWasEncoded() {
        for (Hello hello : List.of(HELLO, new Hello(Hello.Role.CONTROL, B, A, -5, 1, 1 << 17, "host", 1, null))) {
            assertThat(Hello.decode(body(hello))).isInstanceOfSatisfying(Hello.Decoded.Valid.class, valid -> {
                assertThat(valid.hello()).isEqualTo(hello);
                assertThat(valid.proofs()).isEmpty();
            });
        }
    }

    @Test
    void everyTruncatedOrAlteredHelloIsAnswered() {
        ByteBuf whole = body(HELLO);
        for (int length = 0; length < whole.readableBytes(); length++) {
            assertThat(Hello.decode(whole.slice(0, length))).isInstanceOf(Hello.Decoded.Malformed.class);
        }
        Random random = new Random(11);
        for (int round = 0; round < 20_000; round++) {
            ByteBuf altered = whole.copy();
            altered.setByte(random.nextInt(altered.readableBytes()), random.nextInt());
            assertThat(Hello.decode(altered)).isNotNull();
        }
    }

    @Test
    void reportsAnotherVersionWithoutReadingFurther() {
        ByteBuf body = body(HELLO).setShort(4, 9).slice(0, 6);
        assertThat(Hello.decode(body)).isEqualTo(new Hello.Decoded.OtherVersion(9));
    }

    @Test
    void aRefusalIsDecodedToWhatWasEncoded() {
        Refusal refusal = new Refusal(Refusal.Code.OTHER_PROCESS, A, 1, "expected somebody else");
        ByteBuf out = Unpooled.buffer();
        refusal.encode(out);
        assertThat(Refusal.decode(out.skipBytes(5))).isEqualTo(refusal);
        assertThat(Refusal.decode(Unpooled.buffer().writeZero(20))).isNull();
        assertThat(Refusal.decode(Unpooled.buffer().writeByte(99).writeZero(30)))
                .isNull();
    }

    @Test
    void cutsTheSameFramesHoweverTheStreamIsSplit() {
        Random random = new Random(5);
        ByteBuf stream = Unpooled.buffer();
        for (int i = 0; i < 200; i++) {
            int length = random.nextInt(300);
            Frame.head(stream, (byte) i, length).writeZero(length);
        }
        for (int round = 0; round < 50; round++) {
            Frame.Reader reader = new Frame.Reader(512);
            List<String> frames = new ArrayList<>();
            ByteBuf in = stream.copy();
            while (in.isReadable()) {
                ByteBuf piece = in.readBytes(Math.min(in.readableBytes(), 1 + random.nextInt(700)));
                assertThat(reader.feed(piece, (type, body) -> frames.add(type + " " + body.readableBytes())))
                        .isNull();
                assertThat(piece.refCnt()).isZero();
            }
            assertThat(frames).hasSize(200);
            assertThat(reader.rest().isReadable()).isFalse();
        }
    }

    @Test
    void refusesAnOversizeOrEmptyFrameByItsLengthAlone() {
        for (int length : new int[] {513, Integer.MAX_VALUE, -1, 0, Integer.MIN_VALUE}) {
            String problem = new Frame.Reader(512)
                    .feed(Unpooled.buffer().writeInt(length).writeByte(1), (_, _) -> true);
            assertThat(problem).as("%d", length).contains("at most 512");
        }
    }

    @Test
    void readsTheSameBulkFramesHoweverTheStreamIsSplit() {
        Random random = new Random(6);
        ByteBuf stream = Unpooled.buffer();
        PathProbe.encode(stream, 9);
        Frame.head(stream, Frame.PROBE_OK, 0);
        for (int i = 1; i <= 50; i++) {
            int length = 1 + random.nextInt(5_000);
            new BulkParser.ChunkHeader(i, 2, 3, 4, length, 0).encode(stream, length);
            stream.writeZero(length);
            BulkParser.encodeAck(stream, i, i % 3, "x".repeat(i));
            BulkParser.encodeFill(stream, i % 2 == 0 ? 0 : BulkParser.PADDED_FILL_BYTES);
            BulkParser.encodeCancel(stream, i);
        }
        List<String> first = null;
        for (int round = 0; round < 40; round++) {
            Recording sink = new Recording();
            BulkParser parser = new BulkParser(1 << 20, sink);
            ByteBuf in = stream.copy();
            while (in.isReadable()) {
                int bytes = Math.min(in.readableBytes(), 1 + random.nextInt(round == 0 ? 1 << 20 : 3_000));
                assertThat(parser.feed(in.readSlice(bytes))).isNull();
            }
            first = first == null ? sink.calls : first;
            assertThat(sink.calls).isEqualTo(first).hasSize(2 + 50 * 5);
        }
    }

    @Test
    void namesTheInvalidFrameOnABulkConnection() {
        Random random = new Random(7);
        int named = 0;
        for (int round = 0; round < 5_000; round++) {
            byte[] garbage = new byte[1 + random.nextInt(200)];
            random.nextBytes(garbage);
            named += new BulkParser(1 << 20, new Recording()).feed(Unpooled.wrappedBuffer(garbage)) == null ? 0 : 1;
        }
        assertThat(named).isGreaterThan(4_800);
    }

    @Test
    void aDamagedProbeIsDetected() {
        ByteBuf probe = Unpooled.buffer();
        PathProbe.encode(probe, 3);
        ByteBuf body = probe.skipBytes(5);
        assertThat(PathProbe.verify(body)).isNull();
        body.setByte(body.readerIndex() + 40_000, body.getByte(body.readerIndex() + 40_000) ^ 1);
        assertThat(PathProbe.verify(body)).contains("checksum");
    }

    private static ByteBuf body(Hello hello) {
        ByteBuf out = Unpooled.buffer();
        hello.encode(out);
        return out.skipBytes(5).slice();
    }

    private static final class Recording implements BulkParser.Sink {
        final List<String> calls = new ArrayList<>();
        private int payload;

        @Override
        public @Nullable String probe(ByteBuf body) {
            calls.add("probe " + PathProbe.verify(body));
            return null;
        }

        @Override
        public @Nullable String probeOk() {
            calls.add("ok");
            return null;
        }

        @Override
        public @Nullable String chunk(BulkParser.ChunkHeader header, int bytes) {
            calls.add(header + " " + bytes);
            payload = 0;
            return null;
        }

        @Override
        public void payload(ByteBuf bytes) {
            payload += bytes.readableBytes();
        }

        @Override
        public @Nullable String chunkEnd() {
            calls.add("end " + payload);
            return null;
        }

        @Override
        public void fill() {
            calls.add("fill");
        }

        @Override
        public void cancel(long request) {
            calls.add("cancel " + request);
        }

        @Override
        public @Nullable String ack(long request, int status, String detail) {
            calls.add("ack " + request + " " + status + " " + detail);
            return null;
        }
    }
}
