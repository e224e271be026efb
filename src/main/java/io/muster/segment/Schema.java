// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.muster.wire.Digest;
import io.muster.wire.StoredBytes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Encodes and decodes the three values in the store: version, kind, fields in a fixed order, signature. Decoding is
 * total, and accepts only bytes that encoding would produce again.
 */
public final class Schema {
    /** Version of the schema. A value of another version is refused; the reason names both numbers. */
    public static final int VERSION = 2;

    private static final int RANK = 'R';
    private static final int READY = 'Y';
    private static final int EPOCH = 'E';
    private static final int MAX_SIGNATURE = 64;
    private static final RankEntry.State[] RANK_STATES = RankEntry.State.values();
    private static final EpochRecord.State[] EPOCH_STATES = EpochRecord.State.values();
    private static final Proof[] PROOFS = Proof.values();

    private Schema() {}

    public static StoredBytes encode(RankEntry entry) {
        CanonicalWriter out = header(RANK, entry.group());
        MemberField.write(out, entry.member());
        SegmentHandle handle = entry.handle();
        out.i32(entry.worldSize())
                .u8(entry.state().ordinal())
                .i64(entry.revision())
                .i64(handle.process().high())
                .i64(handle.process().low())
                .text(handle.host())
                .u16(handle.port())
                .text(handle.hostId())
                .i64(handle.pid())
                .text(handle.memberUuid())
                .text(handle.warmupMode())
                .u8(handle.transports().size());
        handle.transports().forEach(out::text);
        out.text(handle.fabric().identity())
                .flag(handle.fabric().simulated())
                .bytes(handle.fabric().export())
                .text(handle.fabric().reason())
                .i32(handle.segments().size());
        handle.segments().forEach(segment -> segment.write(out));
        return unsigned(out);
    }

    public static StoredBytes encode(ReadyMark mark) {
        CanonicalWriter out = header(READY, mark.group());
        MemberField.write(out, mark.member());
        out.i64(mark.epoch())
                .i64(mark.digest().a())
                .i64(mark.digest().b())
                .i64(mark.digest().c())
                .i64(mark.digest().d())
                .i32(mark.proofs().size());
        mark.proofs().forEach(proof -> out.u8(proof.ordinal()));
        return unsigned(out);
    }

    public static StoredBytes encode(EpochRecord record) {
        CanonicalWriter out = header(EPOCH, record.group());
        out.i64(record.number()).i32(record.worldSize());
        record.vector().forEach(member -> MemberField.write(out, member));
        out.u8(record.state().ordinal())
                .i64(record.lastComplete())
                .i32(record.lost().size());
        for (LostMember lost : record.lost()) {
            MemberField.write(out, lost.member());
            out.text(lost.reason()).text(lost.evidence()).i32(lost.reportedBy());
        }
        write(out, record.proofs().links());
        write(out, record.proofs().paths());
        return unsigned(out);
    }

    public static Decoded<RankEntry> rankEntry(StoredBytes bytes) {
        return decode(
                bytes,
                RANK,
                (in, group) -> {
                    Member member = MemberField.read(in);
                    int worldSize = in.i32("worldSize");
                    RankEntry.State state = in.constant("state", RANK_STATES);
                    long revision = in.i64("revision");
                    var process = new ProcessId(in.i64("process"), in.i64("process"));
                    String host = shared(in.text("host", 1020));
                    int port = in.u16("port");
                    String hostId = shared(in.text("hostId", 256));
                    long pid = in.i64("pid");
                    String memberUuid = shared(in.text("memberUuid", 64));
                    String mode = shared(in.text("warmupMode", 32));
                    List<String> transports = new ArrayList<>();
                    for (int left = in.u8("transports"); left > 0; left--) {
                        transports.add(shared(in.text("transport", 16)));
                    }
                    var fabric = SegmentHandle.FabricOffer.of(
                            in.text("fabric", 64),
                            in.flag("simulated"),
                            in.bytes("export", 4096),
                            shared(in.text("fabricReason", 1024)));
                    List<SegmentInfo> segments = new ArrayList<>();
                    for (int left = in.bounded("segments", SegmentHandle.MAX_SEGMENTS); left > 0; left--) {
                        segments.add(SegmentInfo.read(in));
                    }
                    return new RankEntry(
                            group,
                            worldSize,
                            member,
                            state,
                            revision,
                            new SegmentHandle(
                                    process, host, port, hostId, pid, memberUuid, mode, transports, fabric, segments));
                },
                Schema::encode);
    }

    /**
     * The content of an entry that has no signature and is therefore rejected; for reports only. Null if it is no
     * entry.
     */
    public static @Nullable RankEntry unsignedEntry(StoredBytes bytes) {
        return rankEntry(bytes.plain()) instanceof Decoded.Valid<RankEntry>(RankEntry entry) ? entry : null;
    }

    /** The content of an entry whose signature is not verified; for reports only. Null if it is no entry. */
    public static @Nullable RankEntry signedEntry(StoredBytes bytes) {
        byte[] plain = bytes.toByteArray();
        return SignatureField.isFilledIn(plain)
                ? unsignedEntry(StoredBytes.copyOf(SignatureField.emptied(plain)))
                : null;
    }

    public static Decoded<ReadyMark> readyMark(StoredBytes bytes) {
        return decode(
                bytes,
                READY,
                (in, group) -> {
                    Member member = MemberField.read(in);
                    long epoch = in.i64("epoch");
                    var digest = new Digest(in.i64("digest"), in.i64("digest"), in.i64("digest"), in.i64("digest"));
                    List<Proof> proofs = new ArrayList<>();
                    for (int left = in.bounded("proofs", Member.MAX_WORLD_SIZE); left > 0; left--) {
                        proofs.add(in.constant("proof", PROOFS));
                    }
                    return new ReadyMark(group, member, epoch, digest, proofs);
                },
                Schema::encode);
    }

    public static Decoded<EpochRecord> epochRecord(StoredBytes bytes) {
        return decode(
                bytes,
                EPOCH,
                (in, group) -> {
                    long number = in.i64("number");
                    List<Member> vector = new ArrayList<>();
                    for (int left = in.bounded("worldSize", Member.MAX_WORLD_SIZE); left > 0; left--) {
                        vector.add(MemberField.read(in));
                    }
                    EpochRecord.State state = in.constant("state", EPOCH_STATES);
                    long lastComplete = in.i64("lastComplete");
                    List<LostMember> lost = new ArrayList<>();
                    for (int left = in.bounded("lost", Member.MAX_WORLD_SIZE); left > 0; left--) {
                        lost.add(new LostMember(
                                MemberField.read(in),
                                in.text("reason", 64),
                                in.text("evidence", 4 * LostMember.MAX_EVIDENCE),
                                in.i32("reportedBy")));
                    }
                    return new EpochRecord(
                            group, number, vector, state, lastComplete, lost, new ProofCounts(counts(in), counts(in)));
                },
                Schema::encode);
    }

    private static void write(CanonicalWriter out, Map<Proof, Integer> counts) {
        out.u8(counts.size());
        new TreeMap<>(counts).forEach((proof, count) -> out.u8(proof.ordinal()).i32(count));
    }

    private static Map<Proof, Integer> counts(CanonicalReader in) throws MalformedException {
        Map<Proof, Integer> counts = new EnumMap<>(Proof.class);
        for (int left = in.u8("counts"); left > 0; left--) {
            counts.put(in.constant("proof", PROOFS), in.bounded("count", Integer.MAX_VALUE));
        }
        return counts;
    }

    /** Returns a shared copy of the text: thousands of entries have equal host fields. Unused copies are collected. */
    private static String shared(String text) {
        return text.intern();
    }

    private static CanonicalWriter header(int kind, GroupName group) {
        return new CanonicalWriter().u8(VERSION).u8(kind).text(group.value());
    }

    private static StoredBytes unsigned(CanonicalWriter out) {
        return StoredBytes.copyOf(out.u16(0).toByteArray());
    }

    private interface Body<T> {
        T read(CanonicalReader in, GroupName group) throws MalformedException;
    }

    private interface Encoder<T> {
        StoredBytes encode(T value);
    }

    private static <T> Decoded<T> decode(StoredBytes bytes, int kind, Body<T> body, Encoder<T> encoder) {
        String distrust = bytes.distrust();
        if (distrust != null) {
            return new Decoded.Malformed<>(distrust);
        }
        try {
            var in = new CanonicalReader(bytes.toByteArray());
            int version = in.u8("version");
            if (version != VERSION) {
                return new Decoded.Malformed<>("version: expected " + VERSION + ", got " + version);
            }
            int actual = in.u8("kind");
            if (actual != kind) {
                return new Decoded.Malformed<>("kind: expected '" + (char) kind + "', got " + actual);
            }
            T value = body.read(in, new GroupName(in.text("group", 64)));
            byte[] signature = in.bytes("signature", MAX_SIGNATURE);
            in.end();
            if (signature.length > 0) {
                return new Decoded.Malformed<>(
                        "signature: expected none, because this process has no secret for the group, got "
                                + signature.length
                                + " bytes; start this process with the secret of the others (security.secretFile),"
                                + " or start all without a secret");
            }
            if (!Arrays.equals(encoder.encode(value).toByteArray(), bytes.toByteArray())) {
                return new Decoded.Malformed<>("not in canonical form");
            }
            return new Decoded.Valid<>(value);
        } catch (MalformedException | IllegalArgumentException | MusterException e) {
            return new Decoded.Malformed<>(String.valueOf(e.getMessage()));
        }
    }
}
