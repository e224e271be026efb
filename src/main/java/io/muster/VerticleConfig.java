// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.MusterException;
import io.muster.options.GroupOptions;
import io.muster.options.Mistakes;
import io.muster.options.MusterOptions;
import io.muster.options.OptionsReader;
import io.muster.options.SecurityOptions;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of a {@link MusterVerticle}.
 *
 * @param joins at least one
 * @param muster null: those that Muster runs with in this Vert.x already, or the defaults
 * @param allConnectedWithin null: starting does not wait for all-connected
 */
record VerticleConfig(
        List<GroupOptions> joins,
        @Nullable MusterOptions muster,
        @Nullable Duration allConnectedWithin) {
    private static final List<String> RANK_KEYS = List.of("group", "rank", "worldSize", "segments", "secretFile");
    private static final List<String> KEYS = List.of(
            "group", "rank", "worldSize", "segments", "secretFile", "join", "muster", "requireAllConnectedWithinMs");
    /** One day. A greater number is a mistake in the unit. */
    private static final int MAX_WAIT_MS = 86_400_000;

    VerticleConfig {
        joins = List.copyOf(joins);
    }

    /** @throws MusterException of kind CONFIG that names every mistake */
    static VerticleConfig fromJson(JsonObject json) {
        return new Reader().read(json);
    }

    /** Goes on after a mistake to find the next. */
    private static final class Reader {
        private final Mistakes mistakes = new Mistakes("");

        VerticleConfig read(JsonObject json) {
            OptionsReader.unknownKeys("", json, KEYS, mistakes);
            List<GroupOptions> joins = joins(json);
            MusterOptions muster = muster(json.getValue("muster"));
            Duration wait = null;
            if (json.getValue("requireAllConnectedWithinMs") != null) {
                int waitMs = whole("requireAllConnectedWithinMs", json.getValue("requireAllConnectedWithinMs"), 1);
                mistakes.range("requireAllConnectedWithinMs", waitMs, 1, MAX_WAIT_MS, "ms");
                wait = Duration.ofMillis(waitMs);
            }
            mistakes.reportIfAny();
            return new VerticleConfig(joins, muster, wait);
        }

        private List<GroupOptions> joins(JsonObject json) {
            boolean inline = RANK_KEYS.stream().anyMatch(json::containsKey);
            Object list = json.getValue("join");
            if (list == null) {
                if (!inline) {
                    mistakes.add(
                            "group", "is missing: give group, rank and worldSize, or a list of such objects as join");
                    return List.of();
                }
                return one("", json);
            }
            if (inline) {
                mistakes.add(
                        "join",
                        "must not be combined with "
                                + String.join(
                                        ", ",
                                        RANK_KEYS.stream()
                                                .filter(json::containsKey)
                                                .toList()) + ": put these into its list");
            }
            if (!(list instanceof JsonArray array) || array.isEmpty()) {
                mistakes.add(
                        "join", "must be a list of at least one object with group, rank and worldSize, got " + list);
                return List.of();
            }
            List<GroupOptions> all = new ArrayList<>();
            for (int i = 0; i < array.size(); i++) {
                String path = "join[" + i + "]";
                if (array.getValue(i) instanceof JsonObject object) {
                    OptionsReader.unknownKeys(path + ".", object, RANK_KEYS, mistakes);
                    all.addAll(one(path + ".", object));
                } else {
                    mistakes.add(path, "must be an object with group, rank and worldSize, got " + array.getValue(i));
                }
            }
            contradictions(all);
            return all;
        }

        /** One rank, or none if there is a mistake in it. */
        private List<GroupOptions> one(String prefix, JsonObject json) {
            var found = new Mistakes("");
            String group = "";
            if (json.getValue("group") instanceof String text) {
                group = text;
                collect(found, prefix + "group", () -> new GroupName(text));
            } else {
                found.add(prefix + "group", "must be text, got " + json.getValue("group"));
            }
            int rank = whole(prefix + "rank", json.getValue("rank"), 0, found);
            int worldSize = whole(prefix + "worldSize", json.getValue("worldSize"), 1, found);
            List<GroupOptions.Segment> segments = segments(prefix + "segments", json.getValue("segments"), found);
            if (found.isEmpty()) {
                String name = group;
                List<GroupOptions> valid = new ArrayList<>();
                GroupSecret secret = secret(prefix + "secretFile", json.getValue("secretFile"), found);
                collect(
                        found,
                        prefix + "rank",
                        () -> valid.add(new GroupOptions(new GroupName(name), rank, worldSize, segments, secret)));
                mistakes.addAll(found);
                return valid;
            }
            mistakes.addAll(found);
            return List.of();
        }

        private static List<GroupOptions.Segment> segments(String path, @Nullable Object given, Mistakes found) {
            List<GroupOptions.Segment> segments = new ArrayList<>();
            if (given instanceof JsonObject object) {
                for (Map.Entry<String, Object> segment : object) {
                    segment(path, segment.getKey(), segment.getValue(), found, segments);
                }
            } else if (given != null) {
                found.add(path, "must be an object of name and bytes, got " + given);
            }
            return segments;
        }

        /** A number of bytes, or an object of bytes and the GPU that they are on. */
        private static void segment(
                String path, String name, Object given, Mistakes found, List<GroupOptions.Segment> segments) {
            String where = path + "." + name;
            if (given instanceof JsonObject onGpu) {
                OptionsReader.unknownKeys(where + ".", onGpu, List.of("bytes", "gpu"), found);
                int device = whole(where + ".gpu", onGpu.getValue("gpu"), 0, found);
                if (!isWhole(onGpu.getValue("bytes"))) {
                    found.add(where + ".bytes", "must be a whole number of bytes, got " + onGpu.getValue("bytes"));
                } else {
                    collect(
                            found,
                            path,
                            () -> segments.add(new GroupOptions.Segment(
                                    name, onGpu.getLong("bytes"), new GroupOptions.Place.OnGpu(device))));
                }
            } else if (isWhole(given)) {
                collect(found, path, () -> segments.add(new GroupOptions.Segment(name, ((Number) given).longValue())));
            } else {
                found.add(where, "must be a whole number of bytes, or an object of bytes and gpu, got " + given);
            }
        }

        private static boolean isWhole(@Nullable Object given) {
            return given instanceof Integer || given instanceof Long;
        }

        private static @Nullable GroupSecret secret(String path, @Nullable Object given, Mistakes found) {
            List<GroupSecret> read = new ArrayList<>();
            if (given instanceof String file) {
                collect(found, path, () -> read.add(SecurityOptions.ofFile(Path.of(file))));
            } else if (given != null) {
                found.add(
                        path,
                        "must be the name of a file, got " + given.getClass().getSimpleName());
            }
            return read.isEmpty() ? null : read.getFirst();
        }

        private void contradictions(List<GroupOptions> all) {
            Map<GroupName, Integer> sizes = new HashMap<>();
            Set<String> seats = new HashSet<>();
            for (GroupOptions one : all) {
                int known = sizes.computeIfAbsent(one.group(), _ -> one.worldSize());
                if (known != one.worldSize()) {
                    mistakes.add(
                            "join",
                            "has two world sizes for group " + one.group() + ": " + known + " and " + one.worldSize());
                }
                if (!seats.add(one.group() + "/" + one.rank())) {
                    mistakes.add("join", "has rank " + one.rank() + " of group " + one.group() + " twice");
                }
            }
        }

        private @Nullable MusterOptions muster(@Nullable Object given) {
            if (given == null) {
                return null;
            }
            if (!(given instanceof JsonObject settings)) {
                mistakes.add("muster", "must be a group of settings as in conf/muster.yaml, got " + given);
                return null;
            }
            var found = new Mistakes("");
            MusterOptions options = OptionsReader.read(MusterOptions.defaults(), settings, found);
            mistakes.addAll("muster", found);
            return options;
        }

        private int whole(String path, @Nullable Object given, int fallback) {
            return whole(path, given, fallback, mistakes);
        }

        private static int whole(String path, @Nullable Object given, int fallback, Mistakes found) {
            if (given instanceof Number number
                    && (number instanceof Integer || number instanceof Long)
                    && number.longValue() == number.intValue()) {
                return number.intValue();
            }
            found.add(
                    path,
                    "must be a whole number, got "
                            + (given instanceof String text ? "the text '" + text + "'" : given));
            return fallback;
        }

        private static void collect(Mistakes found, String path, Runnable constructor) {
            try {
                constructor.run();
            } catch (MusterException wrong) {
                found.add(path, "is wrong: " + wrong.getMessage());
            }
        }
    }
}
