// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.barrier.Gossip;
import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlFuzz;
import io.muster.group.GroupSecret;
import io.muster.launch.ConfigFuzz;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkMessage;
import io.muster.routing.Beat;
import io.muster.runtime.QuestionsFuzz;
import io.muster.runtime.SealedMessage;
import io.muster.segment.Schema;
import io.muster.store.SealedSegmentStore;
import io.muster.store.StoreKeys;
import io.muster.transfer.ControlKind;
import io.muster.transfer.gpu.TransferFuzz;
import io.muster.transfer.tcp.WireFuzz;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.buffer.Buffer;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Everything that reads bytes from outside, as one target of a fuzzer: the first byte chooses the reader, the rest is
 * what it reads. No reader may throw, and what it accepts must be what its writer would write again.
 */
public final class Fuzz {
    private static final GroupSecret SECRET = GroupSecret.of(Arrays.copyOf(new byte[] {1, 2, 3}, 32));
    private static final SealedSegmentStore SEALED = new SealedSegmentStore(
            (io.muster.store.SegmentStore) Proxy.newProxyInstance(
                    Fuzz.class.getClassLoader(),
                    new Class<?>[] {io.muster.store.SegmentStore.class},
                    (_, _, _) -> null),
            SECRET,
            (_, _) -> {});

    /** The name of the one reader to be fuzzed; null: all. */
    private static final @Nullable String ONLY = System.getProperty("muster.fuzz.reader");

    private Fuzz() {}

    /** The readers; the order is the corpus's: append only. */
    enum Reader {
        RANK,
        READY,
        EPOCH,
        SEALED,
        LINK,
        GOSSIP,
        BEAT,
        SEALED_MESSAGE,
        FRAMES,
        BULK,
        SETTINGS,
        NAMES,
        CLAIM,
        VIEW,
        TRANSFER,
        CONTROL_REQUESTS,
        CONTROL_ANSWER
    }

    /** Called by the fuzzer. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length > 0) {
            Reader[] readers = Reader.values();
            Reader reader = ONLY == null ? readers[(input[0] & 0xff) % readers.length] : Reader.valueOf(ONLY);
            read(reader, Arrays.copyOfRange(input, 1, input.length));
        }
    }

    static void read(Reader reader, byte[] bytes) {
        StoredBytes stored = StoredBytes.copyOf(bytes);
        switch (reader) {
            case RANK ->
                same(
                        Schema.rankEntry(stored),
                        bytes,
                        value -> Schema.encode(value).toByteArray());
            case READY ->
                same(
                        Schema.readyMark(stored),
                        bytes,
                        value -> Schema.encode(value).toByteArray());
            case EPOCH ->
                same(
                        Schema.epochRecord(stored),
                        bytes,
                        value -> Schema.encode(value).toByteArray());
            case SEALED -> {
                StoredBytes opened = Objects.requireNonNull(SEALED.open("g/rank/0", stored));
                if (Schema.rankEntry(opened) instanceof Decoded.Valid
                        || Schema.readyMark(opened) instanceof Decoded.Valid
                        || Schema.epochRecord(opened) instanceof Decoded.Valid) {
                    throw new AssertionError("a value that nobody has signed is believed");
                }
            }
            case LINK ->
                same(
                        LinkCodec.decode(Buffer.buffer(bytes)),
                        bytes,
                        (LinkMessage message) -> LinkCodec.encode(message).getBytes());
            case GOSSIP ->
                same(
                        Gossip.decode(Buffer.buffer(bytes)),
                        bytes,
                        gossip -> gossip.encode().getBytes());
            case BEAT -> {
                if (Beat.decode(Buffer.buffer(bytes)) instanceof Decoded.Valid<Beat>(Beat beat)) {
                    Beat again = ((Decoded.Valid<Beat>) Beat.decode(beat.encode())).value();
                    if (again.groups().size() != beat.groups().size()) {
                        throw new AssertionError("a liveness answer that does not come back");
                    }
                }
            }
            case SEALED_MESSAGE ->
                same(
                        SealedMessage.decode(ControlKind.SEALED_LINK, Buffer.buffer(bytes)),
                        bytes,
                        message -> message.encode().getBytes());
            case FRAMES -> WireFuzz.frames(bytes);
            case BULK -> WireFuzz.bulk(bytes);
            case SETTINGS -> ConfigFuzz.settings(bytes);
            case CLAIM -> QuestionsFuzz.claim(bytes);
            case VIEW -> QuestionsFuzz.view(bytes);
            case TRANSFER -> TransferFuzz.conversation(bytes);
            case CONTROL_REQUESTS -> ControlFuzz.requests(bytes);
            case CONTROL_ANSWER -> ConfigFuzz.answer(bytes);
            case NAMES -> names(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    /** Text that comes from command lines, keys of the store and member attributes. */
    private static void names(String text) {
        new StoreKeys(new io.muster.group.GroupName("g")).parse(text, 8);
        StoreKeys.groupOf(text);
        try {
            ControlAddress.parse(text);
        } catch (io.muster.group.MusterException mistake) {
            Objects.requireNonNull(mistake.getMessage());
        }
        try {
            io.muster.group.ProcessId.parse(text);
        } catch (IllegalArgumentException expected) {
            Objects.requireNonNull(expected.getMessage());
        }
    }

    private interface Writer<T> {
        byte[] write(T value);
    }

    private static <T> void same(Decoded<T> decoded, byte[] bytes, Writer<T> writer) {
        if (decoded instanceof Decoded.Valid<T>(T value) && !Arrays.equals(writer.write(value), bytes)) {
            throw new AssertionError("accepted, but not what would be written: " + value);
        }
    }
}
