// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads options from JSON, component by component of the records, and goes on after a mistake to find the next. The
 * records are the schema: a new component is a new setting, and needs no line here.
 */
public final class OptionsReader {
    private static final int CLOSE_ENOUGH = 3;

    private final Mistakes mistakes;

    private OptionsReader(Mistakes mistakes) {
        this.mistakes = mistakes;
    }

    static <T extends Record> T read(T defaults, JsonObject json) {
        Mistakes mistakes = new Mistakes("");
        T options = read(defaults, json, mistakes);
        mistakes.reportIfAny();
        return options;
    }

    /** Collects mistakes instead of throwing; where there are some, the result is of no use. */
    public static <T extends Record> T read(T defaults, JsonObject json, Mistakes mistakes) {
        return new OptionsReader(mistakes).record("", defaults, json);
    }

    /** Names every key that is none of these, with the one that was probably meant. */
    public static void unknownKeys(String prefix, JsonObject json, List<String> names, Mistakes mistakes) {
        for (String key : json.fieldNames()) {
            if (!names.contains(key)) {
                mistakes.add(
                        prefix + key,
                        "is no setting"
                                + closest(key, names)
                                        .map(name -> "; did you mean " + prefix + name + "?")
                                        .orElse("; there are " + String.join(", ", names)));
            }
        }
    }

    private <T extends Record> T record(String prefix, T defaults, JsonObject json) {
        RecordComponent[] components = defaults.getClass().getRecordComponents();
        List<String> names =
                Arrays.stream(components).map(RecordComponent::getName).toList();
        unknownKeys(prefix, json, names, mistakes);
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String name = names.get(i);
            Object fallback = OptionsWriter.valueOf(components[i], defaults);
            values[i] = json.containsKey(name) ? value(prefix + name, fallback, json.getValue(name)) : fallback;
        }
        return create(defaults, values);
    }

    private Object value(String path, Object fallback, @Nullable Object given) {
        return switch (fallback) {
            case Record nested when given instanceof JsonObject object -> record(path + ".", nested, object);
            case Record nested when given == null -> nested;
            case Integer _ when given instanceof Number number && isInt(number) -> number.intValue();
            case Double _ when given instanceof Number number -> number.doubleValue();
            case String _ when given instanceof String text -> text;
            case Enum<?> one when given instanceof String text -> constant(path, one, text);
            case Record _ -> wrongType(path, "a group of settings", fallback, given);
            case Integer _ -> wrongType(path, "a whole number", fallback, given);
            case Double _ -> wrongType(path, "a number", fallback, given);
            case String _ -> wrongType(path, "text", fallback, given);
            case Enum<?> one -> wrongType(path, "one of " + constants(one), fallback, given);
            case Object other -> throw new IllegalStateException("no rule for settings of type " + other.getClass());
        };
    }

    private Object constant(String path, Enum<?> fallback, String text) {
        for (Object candidate : fallback.getDeclaringClass().getEnumConstants()) {
            if (candidate.toString().equals(text)) {
                return candidate;
            }
        }
        mistakes.add(path, "must be one of " + constants(fallback) + ", got '" + text + "'");
        return fallback;
    }

    private Object wrongType(String path, String wanted, Object fallback, @Nullable Object given) {
        mistakes.add(
                path,
                "must be " + wanted + ", got " + (given instanceof String text ? "the text '" + text + "'" : given));
        return fallback;
    }

    private <T extends Record> T create(T defaults, Object[] values) {
        Class<?>[] types = Arrays.stream(defaults.getClass().getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            @SuppressWarnings("unchecked") // getClass() of a T that is a record, and records are final
            Class<T> type = (Class<T>) defaults.getClass();
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof MusterException found && found.kind() == MusterException.Kind.CONFIG) {
                mistakes.addAll(found);
                return defaults;
            }
            throw new IllegalStateException("can't create " + defaults.getClass(), e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("can't create " + defaults.getClass(), e);
        }
    }

    private static boolean isInt(Number number) {
        return (number instanceof Integer || number instanceof Long) && number.longValue() == number.intValue();
    }

    private static String constants(Enum<?> one) {
        return Arrays.stream(one.getDeclaringClass().getEnumConstants())
                .map(Object::toString)
                .collect(Collectors.joining(", "));
    }

    private static Optional<String> closest(String key, List<String> names) {
        return names.stream()
                .map(name -> Map.entry(name, distance(key.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))))
                .filter(entry -> entry.getValue() <= CLOSE_ENOUGH
                        && entry.getValue() < entry.getKey().length())
                .min(Comparator.comparingInt(Map.Entry::getValue))
                .map(Map.Entry::getKey);
    }

    /** Edits (insert, remove, replace a character) from one text to the other. */
    private static int distance(String from, String to) {
        int[] previous = new int[to.length() + 1];
        Arrays.setAll(previous, i -> i);
        for (int i = 1; i <= from.length(); i++) {
            int[] current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[to.length()];
    }
}
