// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Clause;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.segment.MemberField;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.transfer.RemoteRegion;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.buffer.Buffer;
import java.util.Arrays;

/**
 * Encodes and decodes {@link LinkMessage}s, one message per control frame: version, kind, fields in a fixed order. A
 * link-open carries the writer's entry as the bytes that the store holds. Decoding is total and bounded, and accepts
 * only bytes that encoding would produce again.
 */
public final class LinkCodec {
    /** Version of the handshake. A message of another version is refused; the reason names both numbers. */
    public static final int VERSION = 1;

    /** An entry with 1,024 segments fits. */
    public static final int MAX_ENTRY_BYTES = 256 * 1024;

    /** Longest message. */
    public static final int MAX_BYTES = MAX_ENTRY_BYTES + 4 * 1024;

    private static final int OPEN = 'O';
    private static final int ACCEPT = 'A';
    private static final int REFUSE = 'R';
    private static final int CLOSE = 'C';
    private static final int MAX_TRANSPORT = 64;

    private LinkCodec() {}

    /** Reasons longer than {@link WarmupAnswer#MAX_REASON} characters are cut. */
    public static Buffer encode(LinkMessage message) {
        var out = new CanonicalWriter().u8(VERSION);
        switch (message) {
            case LinkMessage.Open(
                    RankEntry entry,
                    Member waiter,
                    int attempt,
                    long nonce,
                    WarmupSlot slot,
                    WarmupAnswer answer) -> {
                out.u8(OPEN).longBytes(Schema.encode(entry).toByteArray());
                MemberField.write(out, waiter);
                write(write(out.i32(attempt).i64(nonce), slot), answer);
            }
            case LinkMessage.Accept(GroupName group, PairId pair, WarmupSlot slot, WarmupAnswer answer) ->
                write(write(write(out.u8(ACCEPT).text(group.value()), pair), slot), answer);
            case LinkMessage.Refuse(
                    GroupName group,
                    Member writer,
                    int from,
                    int attempt,
                    var code,
                    String reason,
                    Member current) -> {
                MemberField.write(out.u8(REFUSE).text(group.value()), writer);
                out.i32(from).i32(attempt).u8(code.ordinal()).text(cut(reason)).flag(current != null);
                if (current != null) {
                    MemberField.write(out, current);
                }
            }
            case LinkMessage.Close(GroupName group, int from, int to, PairId pair, String reason) ->
                write(out.u8(CLOSE).text(group.value()).i32(from).i32(to), pair).text(cut(reason));
        }
        return Buffer.buffer(out.toByteArray());
    }

    public static Decoded<LinkMessage> decode(Buffer frame) {
        if (frame.length() > MAX_BYTES) {
            return new Decoded.Malformed<>(
                    "link message: expected at most " + MAX_BYTES + " bytes, got " + frame.length());
        }
        byte[] bytes = frame.getBytes();
        try {
            var in = new CanonicalReader(bytes);
            int version = in.u8("version");
            if (version != VERSION) {
                return new Decoded.Malformed<>(
                        "version of the link handshake: expected " + VERSION + ", got " + version);
            }
            LinkMessage message = read(in);
            in.end();
            return Arrays.equals(encode(message).getBytes(), bytes)
                    ? new Decoded.Valid<>(message)
                    : new Decoded.Malformed<>("not in canonical form");
        } catch (MalformedException | IllegalArgumentException | MusterException e) {
            return new Decoded.Malformed<>(String.valueOf(e.getMessage()));
        }
    }

    private static LinkMessage read(CanonicalReader in) throws MalformedException {
        int kind = in.u8("kind");
        return switch (kind) {
            case OPEN ->
                new LinkMessage.Open(
                        entry(in), MemberField.read(in), attempt(in), in.i64("nonce"), slot(in), answer(in));
            case ACCEPT -> new LinkMessage.Accept(group(in), pair(in), slot(in), answer(in));
            case REFUSE ->
                new LinkMessage.Refuse(
                        group(in),
                        MemberField.read(in),
                        rank("from", in),
                        attempt(in),
                        in.constant("code", LinkMessage.Refuse.Code.values()),
                        reason(in),
                        in.flag("hasCurrent") ? MemberField.read(in) : null);
            case CLOSE -> new LinkMessage.Close(group(in), rank("from", in), rank("to", in), pair(in), reason(in));
            default -> throw new MalformedException("kind of link message: expected one of O, A, R, C, got " + kind);
        };
    }

    private static RankEntry entry(CanonicalReader in) throws MalformedException {
        return switch (Schema.rankEntry(StoredBytes.copyOf(in.longBytes("entry", MAX_ENTRY_BYTES)))) {
            case Decoded.Valid<RankEntry>(RankEntry entry) -> entry;
            case Decoded.Malformed<RankEntry>(String reason) -> throw new MalformedException("entry: " + reason);
        };
    }

    private static GroupName group(CanonicalReader in) throws MalformedException {
        return new GroupName(in.text("group", 64));
    }

    private static int rank(String field, CanonicalReader in) throws MalformedException {
        return in.bounded(field, Member.MAX_WORLD_SIZE - 1);
    }

    private static int attempt(CanonicalReader in) throws MalformedException {
        return in.bounded("attempt", Integer.MAX_VALUE);
    }

    private static String reason(CanonicalReader in) throws MalformedException {
        return in.text("reason", 4 * WarmupAnswer.MAX_REASON);
    }

    private static CanonicalWriter write(CanonicalWriter out, PairId pair) {
        MemberField.write(out, pair.writer());
        MemberField.write(out, pair.waiter());
        return out.i32(pair.attempt()).i64(pair.writerNonce()).i64(pair.waiterNonce());
    }

    private static PairId pair(CanonicalReader in) throws MalformedException {
        return new PairId(
                MemberField.read(in), MemberField.read(in), attempt(in), in.i64("writerNonce"), in.i64("waiterNonce"));
    }

    private static CanonicalWriter write(CanonicalWriter out, WarmupSlot slot) {
        return out.i32(slot.region().id())
                .i64(slot.region().key())
                .i64(slot.region().bytes())
                .i64(slot.offset());
    }

    private static WarmupSlot slot(CanonicalReader in) throws MalformedException {
        return new WarmupSlot(new RemoteRegion(in.i32("region"), in.i64("key"), in.i64("bytes")), in.i64("offset"));
    }

    private static CanonicalWriter write(CanonicalWriter out, WarmupAnswer answer) {
        return out.u8(answer.plan().ordinal())
                .flag(answer.verdict())
                .text(answer.transport())
                .text(answer.reason());
    }

    private static WarmupAnswer answer(CanonicalReader in) throws MalformedException {
        return new WarmupAnswer(
                in.constant("plan", WarmupAnswer.Plan.values()),
                in.flag("verdict"),
                in.text("transport", MAX_TRANSPORT),
                reason(in));
    }

    private static String cut(String reason) {
        return Clause.atMost(WarmupAnswer.MAX_REASON, reason);
    }
}
