// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/** A failed connect. The message says what happened, at which address, and what to do. */
public final class ConnectException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was observed while dialling. */
    public enum Kind {
        /** The address refused the connection: no process listens there. */
        REFUSED,
        /** No answer within the deadline. */
        SILENT,
        /** The network reports no route to the address. */
        UNREACHABLE,
        /** Another process answers at that address. */
        OTHER_PROCESS,
        /** The answer was not of this protocol, this version, or within these limits. */
        PROTOCOL,
        /** The two ends have no group secret in common, or no valid certificate. */
        UNPROVED,
        /**
         * The connection was accepted, and closed before the channel was open: the process is going down, or both ends
         * dialled at the same time.
         */
        CUT,
        /** This process could not dial: the transport is closed, or the process is out of file descriptors. */
        LOCAL
    }

    private final Kind kind;

    public ConnectException(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
