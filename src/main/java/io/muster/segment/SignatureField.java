// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupSecret;
import java.util.Arrays;

/**
 * The last field of a stored value: a length of two bytes, then the signature. The length is 0 if the group has no
 * secret.
 */
public final class SignatureField {
    public static final int LENGTH_BYTES = Short.BYTES;
    /** Size of the field with a signature, in bytes. */
    public static final int BYTES = LENGTH_BYTES + GroupSecret.Seal.BYTES;

    private SignatureField() {}

    /** Whether the value ends with a signature; it is not verified. */
    public static boolean isFilledIn(byte[] value) {
        int body = value.length - BYTES;
        return body >= 0 && value[body] == 0 && value[body + 1] == GroupSecret.Seal.BYTES;
    }

    /** A copy of the value with an empty signature field. */
    public static byte[] emptied(byte[] value) {
        int body = value.length - BYTES;
        byte[] unsigned = Arrays.copyOf(value, body + LENGTH_BYTES);
        unsigned[body + 1] = 0;
        return unsigned;
    }
}
