// SPDX-License-Identifier: Apache-2.0

package io.muster.bus;

import io.vertx.core.eventbus.Message;
import io.vertx.core.json.JsonObject;
import java.util.OptionalLong;

/**
 * The body of a message that any sender on the event bus may have made. Reading it never fails: a body that is no JSON
 * object has no values, and a value of another type is absent.
 */
public record Body(JsonObject json) {
    public static Body of(Message<?> message) {
        return new Body(message.body() instanceof JsonObject object ? object : new JsonObject());
    }

    /** A whole number; empty if there is none of this name. */
    public OptionalLong number(String name) {
        return json.getValue(name) instanceof Number number && number.doubleValue() == number.longValue()
                ? OptionalLong.of(number.longValue())
                : OptionalLong.empty();
    }

    public String text(String name, String otherwise) {
        return json.getValue(name) instanceof String text ? text : otherwise;
    }
}
