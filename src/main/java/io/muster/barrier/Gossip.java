// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.GroupName;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.buffer.Buffer;

/**
 * A key and its new bytes, sent directly to connected processes: a value that the sender has written to the store, or a
 * mark that it has made. The receiver trusts it as little as the store's own push.
 */
public record Gossip(GroupName group, String key, StoredBytes value) {
    private static final int MAX_KEY = 128;

    public Buffer encode() {
        byte[] head = new CanonicalWriter().text(group.value()).text(key).toByteArray();
        byte[] body = value.toByteArray();
        return Buffer.buffer(head.length + body.length).appendBytes(head).appendBytes(body);
    }

    public static Decoded<Gossip> decode(Buffer buffer) {
        try {
            byte[] bytes = buffer.getBytes();
            var in = new CanonicalReader(bytes);
            var group = new GroupName(in.text("group", 64));
            String key = in.text("key", MAX_KEY);
            return new Decoded.Valid<>(new Gossip(group, key, StoredBytes.copyOf(in.rest())));
        } catch (MalformedException | IllegalArgumentException | io.muster.group.MusterException e) {
            return new Decoded.Malformed<>("gossip: " + e.getMessage());
        }
    }
}
