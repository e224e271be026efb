// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/** Why a process could not be connected. The message names the address, what happened, and what to do. */
public final class ConnectException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was seen while dialling. */
    public enum Kind {
        /** The address answered that nobody listens there. */
        REFUSED,
        /** No answer within the deadline. */
        SILENT,
        /** The network says that there is no way to that address. */
        UNREACHABLE,
        /** Another process answers at that address. */
        OTHER_PROCESS,
        /** Something answered, but not with this protocol, version or limits. */
        PROTOCOL,
        /** One end does not know a secret of the other's groups. */
        UNPROVED,
        /**
         * It was accepted, and closed before it was open: the process is going down, or the two have dialled each other
         * at once.
         */
        CUT,
        /** This process could not dial: closed, or out of descriptors. */
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
