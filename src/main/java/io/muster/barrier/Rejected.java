// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.wire.StoredBytes;
import org.jspecify.annotations.Nullable;

/**
 * Why a rank's key holds no valid entry.
 *
 * @param reason the expected value and the value that is there
 * @param claims the entry as its writer states it, unauthenticated and for people only; null if it cannot be decoded
 */
record Rejected(String reason, Cause cause, @Nullable RankEntry claims) {
    /** The kind of mistake that a person has to look for. */
    enum Cause {
        /** The bytes are not an entry of this rank, group and world size. */
        UNUSABLE,
        /** It is not signed with the secret that this process has for the group. */
        FOREIGN,
        /** It is signed, and this process has no secret for the group. */
        SIGNED
    }

    static Rejected of(StoredBytes bytes, String reason) {
        if (bytes.isForeign()) {
            return new Rejected(reason, Cause.UNUSABLE, null);
        }
        RankEntry signed = Schema.signedEntry(bytes);
        if (bytes.distrust() != null) {
            return new Rejected(reason, Cause.FOREIGN, signed == null ? Schema.unsignedEntry(bytes) : signed);
        }
        return new Rejected(reason, signed == null ? Cause.UNUSABLE : Cause.SIGNED, signed);
    }
}
