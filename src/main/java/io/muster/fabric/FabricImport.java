// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** The result of {@link Fabric#importPeer}. */
public sealed interface FabricImport {

    /** The peer's memory was mapped, written and read back, and is unmapped again. */
    record Imported() implements FabricImport {}

    /** @param reason one sentence with what was expected and what was found */
    record Refused(Cause cause, String reason) implements FabricImport {}

    /** Why an import was refused. */
    enum Cause {
        /** This process has no fabric. */
        NO_FABRIC,
        /** The bytes are not a handle. */
        MALFORMED,
        /** The memory is of another clique than this process. */
        OTHER_CLIQUE,
        /** The memory is of another member, or of another life of the peer. */
        OTHER_MEMBER,
        /** The memory does not exist (any more), or can't be reached from here. */
        MISSING,
        /** The memory does not carry the handle's token. */
        TOKEN_MISMATCH,
        /** The memory exists, but could not be mapped, written or read back. */
        UNREADABLE,
        /** A test or a demonstration injected the failure. */
        INJECTED
    }
}
