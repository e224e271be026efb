// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * One registered segment as others see it.
 *
 * @param name the application's name for it, unique within its rank
 * @param region number of the region within its process
 * @param key remote key that a write must carry
 * @param bytes length
 * @param gpu the ways to reach it if it lies in the memory of a GPU; empty for host memory
 */
public record SegmentInfo(String name, int region, long key, long bytes, List<GpuRecord> gpu) {
    /** Most ways to reach one segment. */
    public static final int MAX_RECORDS = 4;

    public SegmentInfo {
        if (name.isBlank() || name.length() > 64) {
            throw new IllegalArgumentException("segment name must have 1 to 64 characters, got " + name.length());
        }
        if (bytes < 1) {
            throw new IllegalArgumentException("segment " + name + " must have at least 1 byte, got " + bytes);
        }
        if (gpu.size() > MAX_RECORDS) {
            throw new IllegalArgumentException(
                    "segment " + name + " with " + gpu.size() + " ways to reach it, at most " + MAX_RECORDS);
        }
        for (GpuRecord record : gpu) {
            if (bytes > record.allocationBytes() - record.offset()) {
                throw new IllegalArgumentException(
                        "segment " + name + " of " + bytes + " bytes leaves its allocation: " + record);
            }
        }
        gpu = List.copyOf(gpu);
    }

    /** A segment in host memory. */
    public SegmentInfo(String name, int region, long key, long bytes) {
        this(name, region, key, bytes, List.of());
    }

    /** Whether it lies in the memory of a GPU. */
    public boolean isOnGpu() {
        return !gpu.isEmpty();
    }

    /** Writes its canonical bytes as a part of another value. */
    public CanonicalWriter write(CanonicalWriter out) {
        out.text(name).i32(region).i64(key).i64(bytes).u8(gpu.size());
        gpu.forEach(record -> out.u8(record.kind().ordinal())
                .bytes(record.handle())
                .i64(record.allocationBase())
                .i64(record.allocationBytes())
                .i64(record.device().getMostSignificantBits())
                .i64(record.device().getLeastSignificantBits())
                .i64(record.offset()));
        return out;
    }

    /** Its canonical bytes alone. */
    public byte[] toBytes() {
        return write(new CanonicalWriter()).toByteArray();
    }

    /** Decodes the bytes of {@link #toBytes}. Total, because they may come from outside. */
    public static Decoded<SegmentInfo> of(byte[] bytes) {
        try {
            var in = new CanonicalReader(bytes);
            SegmentInfo info = read(in);
            in.end();
            return new Decoded.Valid<>(info);
        } catch (MalformedException | IllegalArgumentException e) {
            return new Decoded.Malformed<>(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Reads what {@link #write} wrote. Other input fails as malformed, or with the IllegalArgumentException of a
     * constructor.
     */
    public static SegmentInfo read(CanonicalReader in) throws MalformedException {
        String name = in.text("segment", 256);
        int region = in.i32("region");
        long key = in.i64("key");
        long bytes = in.i64("bytes");
        List<GpuRecord> records = new ArrayList<>();
        for (int left = in.u8("gpu"); left > 0; left--) {
            records.add(new GpuRecord(
                    in.constant("kind", GpuRecord.Kind.values()),
                    in.bytes("handle", GpuRecord.MAX_HANDLE_BYTES),
                    in.i64("allocationBase"),
                    in.i64("allocationBytes"),
                    new UUID(in.i64("device"), in.i64("device")),
                    in.i64("offset")));
        }
        return new SegmentInfo(name, region, key, bytes, records);
    }
}
