// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.vertx.core.json.JsonObject;
import java.lang.reflect.RecordComponent;

/** Options as JSON: a record is an object, an enum its text. */
final class OptionsWriter {
    private OptionsWriter() {}

    static JsonObject toJson(Record options) {
        JsonObject json = new JsonObject();
        for (RecordComponent component : options.getClass().getRecordComponents()) {
            json.put(
                    component.getName(),
                    switch (valueOf(component, options)) {
                        case Record nested -> toJson(nested);
                        case Enum<?> mode -> mode.toString();
                        case Object value -> value;
                    });
        }
        return json;
    }

    static Object valueOf(RecordComponent component, Record options) {
        try {
            return component.getAccessor().invoke(options);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("can't read " + component, e);
        }
    }
}
