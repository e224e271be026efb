// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.BarrierSetup;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.Versioned;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** Decodes the values of the store's keys, and checks them against the group and the key. */
final class StoredValues {
    private final BarrierSetup setup;

    StoredValues(BarrierSetup setup) {
        this.setup = setup;
    }

    /** The entry as stored, with any group, rank or world size. */
    static @Nullable RankEntry anyEntry(@Nullable StoredBytes bytes) {
        return bytes != null && Schema.rankEntry(bytes) instanceof Decoded.Valid<RankEntry>(RankEntry entry)
                ? entry
                : null;
    }

    Decoded<RankEntry> entry(int rank, StoredBytes bytes) {
        return switch (Schema.rankEntry(bytes)) {
            case Decoded.Valid<RankEntry>(RankEntry entry)
            when !entry.group().equals(setup.group()) ->
                new Decoded.Malformed<>("group: expected " + setup.group() + ", got " + entry.group());
            case Decoded.Valid<RankEntry>(RankEntry entry)
            when entry.member().rank() != rank ->
                new Decoded.Malformed<>(
                        "rank: expected " + rank + ", got " + entry.member().rank());
            case Decoded.Valid<RankEntry>(RankEntry entry)
            when entry.worldSize() != setup.worldSize() ->
                new Decoded.Malformed<>("world size: expected " + setup.worldSize() + ", got " + entry.worldSize()
                        + " from pid " + entry.handle().pid() + " at "
                        + entry.handle().host() + "; start all ranks with the same world size");
            case Decoded<RankEntry> other -> other;
        };
    }

    @Nullable
    Versioned<ReadyMark> mark(int rank, @Nullable StoredBytes bytes) {
        return Versioned.of(bytes, value -> switch (Schema.readyMark(value)) {
            case Decoded.Valid<ReadyMark>(ReadyMark mark)
            when !mark.group().equals(setup.group()) || mark.member().rank() != rank ->
                new Decoded.Malformed<>("mark: expected rank " + rank + " of group " + setup.group() + ", got rank "
                        + mark.member().rank() + " of group " + mark.group());
            case Decoded<ReadyMark> other -> other;
        });
    }

    @Nullable
    Versioned<EpochRecord> record(@Nullable StoredBytes bytes) {
        return Versioned.of(bytes, value -> switch (Schema.epochRecord(value)) {
            case Decoded.Valid<EpochRecord>(EpochRecord record)
            when !record.group().equals(setup.group()) || record.worldSize() != setup.worldSize() ->
                new Decoded.Malformed<>("record: expected group " + setup.group() + " with " + setup.worldSize()
                        + " ranks, got " + record.group() + " with " + record.worldSize());
            case Decoded<EpochRecord> other -> other;
        });
    }
}
