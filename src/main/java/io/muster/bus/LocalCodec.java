// SPDX-License-Identifier: Apache-2.0

package io.muster.bus;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.MessageCodec;

/** Passes immutable records by reference between verticles of one node. */
public final class LocalCodec implements MessageCodec<Object, Object> {
    private static final String NAME = "muster.local";

    private LocalCodec() {}

    /** Registers the codec with one Vert.x. May be called again, because several users of Muster may share a Vert.x. */
    public static void register(Vertx vertx) {
        try {
            vertx.eventBus().registerCodec(new LocalCodec());
            JsonOnDemand.register(vertx);
        } catch (IllegalStateException alreadyRegistered) {
            if (!String.valueOf(alreadyRegistered.getMessage()).contains(NAME)) {
                throw alreadyRegistered;
            }
        }
    }

    /** Options of a message that stays on this node. */
    public static DeliveryOptions delivery() {
        return new DeliveryOptions().setCodecName(NAME).setLocalOnly(true);
    }

    @Override
    public void encodeToWire(Buffer buffer, Object record) {
        throw new UnsupportedOperationException("records stay inside the process; this one is "
                + record.getClass().getName());
    }

    @Override
    public Object decodeFromWire(int position, Buffer buffer) {
        throw new UnsupportedOperationException("records stay inside the process");
    }

    @Override
    public Object transform(Object record) {
        return record;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public byte systemCodecID() {
        return -1;
    }
}
