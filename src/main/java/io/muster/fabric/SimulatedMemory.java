// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.Member;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;

/**
 * A mapped slot in the file that simulates fabric memory. The file holds {@link SimulatedHandle#header()}, and from
 * byte 4096 one slot of 8 bytes for each importing rank, so that importers don't overwrite each other's words.
 */
final class SimulatedMemory implements AutoCloseable {
    private static final long SLOTS_OFFSET = 4096;
    private static final long SIZE = SLOTS_OFFSET + Member.MAX_WORLD_SIZE * (long) Long.BYTES;

    private final Arena arena;
    private final ByteBuffer slot;
    private final long position;

    private SimulatedMemory(Arena arena, ByteBuffer slot, long position) {
        this.arena = arena;
        this.slot = slot;
        this.position = position;
    }

    /** Turns an empty file into memory. Slots take no space on the disk until they are written. */
    static void fill(FileChannel file, SimulatedHandle handle) throws IOException {
        write(file, ByteBuffer.wrap(handle.header()), 0);
        write(file, ByteBuffer.allocate(1), SIZE - 1);
    }

    /** True if the file is the memory that the handle names; compares in constant time. */
    static boolean carries(FileChannel file, SimulatedHandle handle) throws IOException {
        byte[] expected = handle.header();
        return file.size() == SIZE && MessageDigest.isEqual(expected, read(file, 0, expected.length));
    }

    static SimulatedMemory map(FileChannel file, Member importer) throws IOException {
        long position = SLOTS_OFFSET + importer.rank() * (long) Long.BYTES;
        write(
                file,
                ByteBuffer.allocate(Long.BYTES),
                position); // on a full disk this write fails; a write to the mapping would crash the JVM
        @SuppressWarnings("MustBeClosed") // the mapping closes it
        Arena arena = Arena.ofShared();
        try {
            ByteBuffer slot = file.map(FileChannel.MapMode.READ_WRITE, position, Long.BYTES, arena)
                    .asByteBuffer();
            return new SimulatedMemory(arena, slot, position);
        } catch (IOException e) {
            arena.close();
            throw e;
        }
    }

    /** Writes through the mapping. */
    void write(long word) {
        slot.putLong(0, word);
    }

    /** Reads the same slot through the file. */
    long readThrough(FileChannel file) throws IOException {
        return ByteBuffer.wrap(read(file, position, Long.BYTES)).getLong();
    }

    private static byte[] read(FileChannel file, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        while (buffer.hasRemaining() && file.read(buffer, position + buffer.position()) >= 0) {
            // until the buffer is full or the file ends; then the rest stays zero
        }
        return buffer.array();
    }

    private static void write(FileChannel file, ByteBuffer bytes, long position) throws IOException {
        while (bytes.hasRemaining()) {
            file.write(bytes, position + bytes.position());
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
