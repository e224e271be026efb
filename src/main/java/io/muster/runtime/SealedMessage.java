// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.MusterException;
import io.muster.transfer.ControlKind;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;

/**
 * A control message of a group with a secret, with its signature in front.
 *
 * @param kind its kind on the wire, which is signed too
 * @param signature over kind and payload, with a key of its group, channel and direction
 */
public record SealedMessage(ControlKind kind, GroupName group, byte[] signature, byte[] payload) {

    public Buffer encode() {
        byte[] head = new CanonicalWriter().text(group.value()).bytes(signature).toByteArray();
        return Buffer.buffer(head.length + payload.length).appendBytes(head).appendBytes(payload);
    }

    public static Decoded<SealedMessage> decode(ControlKind kind, Buffer buffer) {
        try {
            var in = new CanonicalReader(buffer.getBytes());
            return new Decoded.Valid<>(new SealedMessage(
                    kind,
                    new GroupName(in.text("group", 64)),
                    in.bytes("signature", GroupSecret.Seal.BYTES),
                    in.rest()));
        } catch (MalformedException | IllegalArgumentException | MusterException e) {
            return new Decoded.Malformed<>("sealed message: " + e.getMessage());
        }
    }
}
