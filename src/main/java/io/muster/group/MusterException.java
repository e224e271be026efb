// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import org.jspecify.annotations.Nullable;

/**
 * What went wrong, to whom, and (by its kind) what the caller should do about it. The message is one sentence a person
 * can act on.
 */
public final class MusterException extends RuntimeException {
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

    public static MusterException retry(String message) {
        return new MusterException(Kind.RETRY, message, null);
    }

    public static MusterException config(String message) {
        return new MusterException(Kind.CONFIG, message, null);
    }

    public static MusterException fatal(String message) {
        return new MusterException(Kind.FATAL, message, null);
    }

    public Kind kind() {
        return kind;
    }
}
