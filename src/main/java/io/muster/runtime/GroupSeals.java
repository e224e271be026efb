// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Signs the messages of one group, and verifies those that arrive for it. Each channel and direction has a key of its
 * own, so a message that is copied to another channel, sent back, or sent to another process is rejected. May be used
 * from any context.
 */
public final class GroupSeals {
    private static final String SIGNATURE = "signature";

    private final GroupName group;
    private final GroupSecret secret;
    private final ProcessId self;
    private final GroupSecret.Seal events;
    /** By channel; derived at the first message in either direction, removed when the channel has ended. */
    private final Map<ChannelGeneration, Pair> pairs = new ConcurrentHashMap<>();

    private record Pair(GroupSecret.Seal outgoing, GroupSecret.Seal incoming) {}

    public GroupSeals(GroupName group, GroupSecret secret, ProcessId self) {
        this.group = group;
        this.secret = secret;
        this.self = self;
        this.events = secret.seal("event", bytes(group.value()));
    }

    GroupSecret secret() {
        return secret;
    }

    GroupName group() {
        return group;
    }

    /** The message with its signature for this channel. */
    public Buffer seal(Channel channel, ControlKind kind, Buffer payload) {
        byte[] bytes = payload.getBytes();
        return new SealedMessage(
                        kind, group, pair(channel).outgoing().sign(new byte[] {(byte) kind.ordinal()}, bytes), bytes)
                .encode();
    }

    /** Whether the other end of this channel has signed this message for it, with the secret. */
    boolean isAuthentic(Channel channel, SealedMessage message) {
        return pair(channel)
                .incoming()
                .verifies(message.signature(), new byte[] {(byte) message.kind().ordinal()}, message.payload());
    }

    /** The signature of this process's statement about the group in a liveness answer. */
    byte[] signBeat(Channel channel, byte[] beat) {
        return pair(channel).outgoing().sign(bytes("beat"), beat);
    }

    boolean isAuthenticBeat(Channel channel, byte[] beat, byte[] signature) {
        return pair(channel).incoming().verifies(signature, bytes("beat"), beat);
    }

    void forget(ChannelGeneration generation) {
        pairs.remove(generation);
    }

    /** An event for the bus, with its signature in it. */
    JsonObject sign(JsonObject event) {
        return event.put(SIGNATURE, java.util.HexFormat.of().formatHex(events.sign(canonical(event))));
    }

    /** Whether an event from the bus has been signed with the secret. */
    boolean isAuthentic(JsonObject event) {
        try {
            JsonObject unsigned = event.copy();
            return unsigned.remove(SIGNATURE) instanceof String signature
                    && events.verifies(java.util.HexFormat.of().parseHex(signature), canonical(unsigned));
        } catch (RuntimeException _) { // a body that is no JSON of ours
            return false;
        }
    }

    private static byte[] canonical(JsonObject event) {
        return bytes(event.encode());
    }

    private Pair pair(Channel channel) {
        Pair known = pairs.get(channel.generation());
        if (known != null) {
            return known;
        }
        var pair = new Pair(key(channel, self), key(channel, channel.peer()));
        pairs.put(channel.generation(), pair);
        if (!channel.isAlive()) {
            pairs.remove(channel.generation());
        }
        return pair;
    }

    private GroupSecret.Seal key(Channel channel, ProcessId sender) {
        byte[] from = ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(sender.high())
                .putLong(sender.low())
                .array();
        return secret.seal("channel", bytes(group.value()), channel.binding(), from);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
