// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** The answer to {@link Fabric#importPeer}. */
public sealed interface FabricImport {

    /** The peer's memory was mapped, written and read back, and is unmapped again. */
    record Imported() implements FabricImport {}

    /** @param reason one sentence with what was expected and what was found */
    record Refused(Cause cause, String reason) implements FabricImport {}

    /** Why an import did not happen. */
    enum Cause {
        /** This process has no fabric. */
        NO_FABRIC,
        /** The bytes are no handle. */
        MALFORMED,
        /** Not the clique of this process. */
        OTHER_CLIQUE,
        /** The memory of another member, or of another life of the peer. */
        OTHER_MEMBER,
        /** There is no such memory (any more), or not within reach. */
        MISSING,
        /** The memory does not carry the handle's token. */
        TOKEN_MISMATCH,
        /** It is there and could not be mapped, written or read back. */
        UNREADABLE,
        /** Made to fail by a test or a demonstration. */
        INJECTED
    }
}
