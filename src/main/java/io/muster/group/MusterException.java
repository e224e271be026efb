// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import org.jspecify.annotations.Nullable;

/**
 * The failure of every call of the API. Its kind says what the caller should do. The message is one sentence that a
 * person can act on. Transfers fail with the subtype {@link WriteException}, which has a reason as well.
 */
public sealed class MusterException extends RuntimeException permits WriteException {
    private static final long serialVersionUID = 1L;

    /** What the caller should do. */
    public enum Kind {
        /** The same call may succeed later. */
        RETRY,
        /** A setting, argument or input is wrong; trying again without changing it can't help. */
        CONFIG,
        /** This rank, process or operation is over. */
        FATAL
    }

    private final Kind kind;

    public MusterException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** Without a stack trace: transfers fail in great numbers when a connection ends. */
    MusterException(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public static MusterException retry(String message) {
        return new MusterException(Kind.RETRY, message, null);
    }

    public static MusterException config(String message) {
        return new MusterException(Kind.CONFIG, message, null);
    }

    public static MusterException fatal(String message) {
        return new MusterException(Kind.FATAL, message, null);
    }

    public final Kind kind() {
        return kind;
    }
}
