// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.WrappedChannel;
import io.vertx.core.buffer.Buffer;

/** A channel for one group with a secret: it signs the group's messages. */
record SealedChannel(Channel channel, GroupSeals seals) implements WrappedChannel {
    @Override
    public void send(ControlKind kind, Buffer payload) {
        ControlKind sealed = switch (kind) {
            case LINK -> ControlKind.SEALED_LINK;
            case CLAIM -> ControlKind.SEALED_CLAIM;
            case STATUS -> ControlKind.SEALED_STATUS;
            case SEALED_LINK, SEALED_CLAIM, SEALED_STATUS ->
                throw new IllegalArgumentException("sealed already: " + kind);
            case GOSSIP, VIEW, TRANSFER ->
                null; // carries the store's signature, or needs only a channel and its grants
        };
        if (sealed == null) {
            channel.send(kind, payload);
        } else {
            channel.send(sealed, seals.seal(channel, sealed, payload));
        }
    }
}
