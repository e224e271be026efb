// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/** Values of the store, for the trace. */
final class Texts {
    private Texts() {}

    static String of(@Nullable StoredBytes bytes) {
        if (bytes == null) {
            return "nothing";
        }
        if (Schema.rankEntry(bytes) instanceof Decoded.Valid<RankEntry>(RankEntry entry)) {
            return entry.member() + " " + entry.state() + " revision " + entry.revision();
        }
        if (Schema.readyMark(bytes) instanceof Decoded.Valid<ReadyMark>(ReadyMark mark)) {
            return "mark " + mark.member() + " epoch " + mark.epoch() + " " + mark.digest();
        }
        if (Schema.epochRecord(bytes) instanceof Decoded.Valid<EpochRecord>(EpochRecord record)) {
            return "epoch " + record.number() + " " + record.state() + " last " + record.lastComplete() + " "
                    + record.vector();
        }
        return bytes.toString();
    }
}
