// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.JoinedRank;
import io.muster.group.GpuSlice;
import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.segment.SegmentHandle;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which rank of which group to join, and the memory that it registers.
 *
 * @param segments registered before the rank is published, so that its first handle has them all
 * @param secret shared by all processes of the group, null: that of {@code security.secretFile}, if there is one
 */
public record GroupOptions(
        GroupName group,
        int rank,
        int worldSize,
        List<Segment> segments,
        @Nullable GroupSecret secret) {

    private static final int MAX_NAME = 64;

    /** Where the memory of a segment is. */
    public sealed interface Place {
        /** Off the heap, allocated and zeroed by Muster. */
        record Host() implements Place {}

        /**
         * On a GPU, allocated and zeroed by Muster, so that other processes can map it.
         *
         * @param device index of the GPU in this process, from 0
         */
        record OnGpu(int device) implements Place {}

        /**
         * On a GPU, allocated by the application with {@code cuMemAlloc} or {@code cudaMalloc}; see
         * {@link JoinedRank#registerGpu(String, GpuSlice)}.
         */
        record Given(GpuSlice memory) implements Place {}
    }

    /**
     * Memory that others may write into.
     *
     * @param name unique within the rank, 1 to 64 characters, not blank
     * @param bytes at least 1
     */
    public record Segment(String name, long bytes, Place place) {
        /** In memory of the host. */
        public Segment(String name, long bytes) {
            this(name, bytes, new Place.Host());
        }

        /** @throws MusterException of kind CONFIG that names all that is wrong */
        public Segment {
            List<String> wrong = new ArrayList<>();
            if (name.isBlank() || name.length() > MAX_NAME) {
                wrong.add("the name must have 1 to " + MAX_NAME + " characters and not be blank, got " + name.length());
            }
            if (bytes < 1) {
                wrong.add("must have at least 1 byte, got " + bytes);
            }
            if (place instanceof Place.OnGpu(int device) && device < 0) {
                wrong.add("GPUs are counted from 0, got " + device);
            }
            if (!wrong.isEmpty()) {
                throw MusterException.config("segment '" + name + "': " + String.join("; ", wrong));
            }
        }
    }

    public GroupOptions {
        if (worldSize < 1 || worldSize > Member.MAX_WORLD_SIZE) {
            throw MusterException.config("world size must be in 1.." + Member.MAX_WORLD_SIZE + ", got " + worldSize);
        }
        if (rank < 0 || rank >= worldSize) {
            throw MusterException.config(
                    "rank " + rank + " is outside the world size " + worldSize + ": ranks are 0.." + (worldSize - 1));
        }
        segments = List.copyOf(segments);
        Set<String> names = new HashSet<>();
        List<String> twice = segments.stream()
                .map(Segment::name)
                .filter(name -> !names.add(name))
                .distinct()
                .toList();
        if (!twice.isEmpty()) {
            throw MusterException.config(
                    "segments of rank " + rank + " have the same name: " + String.join(", ", twice));
        }
        if (segments.size() > SegmentHandle.MAX_SEGMENTS) {
            throw MusterException.config("rank " + rank + " has " + segments.size() + " segments, and at most "
                    + SegmentHandle.MAX_SEGMENTS + " fit into a handle: register fewer, larger ones");
        }
    }

    /** A rank of a group without a secret of its own. */
    public GroupOptions(GroupName group, int rank, int worldSize, List<Segment> segments) {
        this(group, rank, worldSize, segments, null);
    }

    /**
     * A rank without segments.
     *
     * @throws MusterException of kind CONFIG if the name is not one of a group, or the rank is outside the world size
     */
    public static GroupOptions of(String group, int rank, int worldSize) {
        return new GroupOptions(new GroupName(group), rank, worldSize, List.of());
    }

    /**
     * The same with one more segment.
     *
     * @param bytes its length
     * @throws MusterException of kind CONFIG if the name or length is wrong, or the name is taken
     */
    public GroupOptions segment(String name, long bytes) {
        return with(new Segment(name, bytes));
    }

    /**
     * The same with one more segment in the memory of a GPU, which joining allocates. {@link JoinedRank#gpuSegment}
     * says where it is.
     *
     * @param device index of the GPU in this process, from 0, as {@code CUDA_VISIBLE_DEVICES} counts
     */
    public GroupOptions gpuSegment(String name, int device, long bytes) {
        return with(new Segment(name, bytes, new Place.OnGpu(device)));
    }

    /**
     * The same with one more segment in memory of a GPU that the application has allocated, as
     * {@link JoinedRank#registerGpu(String, GpuSlice)}.
     */
    public GroupOptions gpuSegment(String name, GpuSlice memory) {
        return with(new Segment(name, memory.bytes(), new Place.Given(memory)));
    }

    private GroupOptions with(Segment one) {
        List<Segment> all = new ArrayList<>(segments);
        all.add(one);
        return new GroupOptions(group, rank, worldSize, all, secret);
    }

    /**
     * The same with a secret of the group's own: all its processes must have the same, and no other process can then be
     * linked to it.
     */
    public GroupOptions secret(GroupSecret own) {
        return new GroupOptions(group, rank, worldSize, segments, own);
    }
}
