// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.Member;
import java.util.Optional;

/** A peer's memory, mapped here. */
public interface ImportedHandle extends AutoCloseable {

    /** Whose memory it is. */
    Member owner();

    FabricIdentity identity();

    /** Writes to the peer's memory and reads it back. Empty if that worked, else the reason. Blocks. */
    Optional<String> touch();

    /** Unmaps it. Idempotent. Blocks. */
    @Override
    void close();
}
