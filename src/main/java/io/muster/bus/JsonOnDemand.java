// SPDX-License-Identifier: Apache-2.0

package io.muster.bus;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.MessageCodec;
import io.vertx.core.json.JsonObject;

/**
 * Publishes a record whose body is JSON. The JSON is made when a consumer reads the body, and not at all if there is no
 * consumer.
 */
public final class JsonOnDemand implements MessageCodec<JsonOnDemand.Body, JsonObject> {
    private static final String NAME = "muster.json-on-demand";

    /** A record that has a JSON form. */
    public interface Body {
        JsonObject toJson();
    }

    private JsonOnDemand() {}

    static void register(Vertx vertx) {
        vertx.eventBus().registerCodec(new JsonOnDemand());
    }

    /** Options of a message that stays on this node. */
    public static DeliveryOptions delivery() {
        return new DeliveryOptions().setCodecName(NAME).setLocalOnly(true);
    }

    @Override
    public void encodeToWire(Buffer buffer, Body body) {
        throw new UnsupportedOperationException("these messages stay inside the process; this one is "
                + body.getClass().getName());
    }

    @Override
    public JsonObject decodeFromWire(int position, Buffer buffer) {
        throw new UnsupportedOperationException("these messages stay inside the process");
    }

    @Override
    public JsonObject transform(Body body) {
        return body.toJson();
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
