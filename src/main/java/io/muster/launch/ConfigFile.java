// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** A settings file in YAML or JSON (which is YAML as well), in the form of {@code conf/muster.yaml}. */
public final class ConfigFile {
    private ConfigFile() {}

    /** @throws MusterException of kind CONFIG; it names the file and every mistake in it */
    public static MusterOptions options(Path file) {
        JsonObject json = read(file);
        try {
            return MusterOptions.fromJson(json);
        } catch (MusterException e) {
            throw new MusterException(e.kind(), file + ": " + e.getMessage(), e);
        }
    }

    /** @throws MusterException of kind CONFIG if the file can't be read or is not a YAML mapping */
    static JsonObject read(Path file) {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new MusterException(MusterException.Kind.CONFIG, "settings file " + file + " does not exist", e);
        } catch (IOException e) {
            throw new MusterException(
                    MusterException.Kind.CONFIG, "settings file " + file + " can't be read: " + e.getMessage(), e);
        }
    }

    static JsonObject parse(String name, String text) {
        Object root;
        try {
            root = new Load(LoadSettings.builder().setLabel(name).build()).loadFromString(text);
        } catch (YamlEngineException
                | IndexOutOfBoundsException
                        e) { // the parser throws the latter if half a character is at the end of its buffer
            throw new MusterException(
                    MusterException.Kind.CONFIG,
                    name + " is not valid YAML: "
                            + String.valueOf(e.getMessage()).replaceAll("\\s+", " "),
                    e);
        }
        if (root == null) {
            return new JsonObject();
        }
        return switch (json(root)) {
            case JsonObject object -> object;
            case null, default ->
                throw MusterException.config(name + " must hold settings as 'name: value', see conf/muster.yaml");
        };
    }

    private static @Nullable Object json(@Nullable Object yaml) {
        return switch (yaml) {
            case Map<?, ?> map -> {
                JsonObject object = new JsonObject();
                map.forEach((key, value) -> object.put(String.valueOf(key), json(value)));
                yield object;
            }
            case List<?> list ->
                new JsonArray(list.stream().map(ConfigFile::json).toList());
            case null -> null;
            case Object scalar -> scalar;
        };
    }
}
