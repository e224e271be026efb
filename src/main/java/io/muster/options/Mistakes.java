// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.MusterException;
import java.util.ArrayList;
import java.util.List;

/** Collects the mistakes in the settings below one path, one line each, so that all are reported at once. */
public final class Mistakes {
    private final String prefix;
    private final List<String> lines = new ArrayList<>();

    /** @param path of the group of settings, empty for the root */
    public Mistakes(String path) {
        prefix = path.isEmpty() ? "" : path + ".";
    }

    public void add(String name, String what) {
        lines.add(prefix + name + " " + what);
    }

    /** Takes over what a constructor of options has found. */
    void addAll(MusterException found) {
        String.valueOf(found.getMessage()).lines().forEach(lines::add);
    }

    public void addAll(Mistakes found) {
        lines.addAll(found.lines);
    }

    /** Adds the mistakes that were found in a group of settings below this path. */
    public void addAll(String path, Mistakes found) {
        found.lines.forEach(line -> lines.add(prefix + path + "." + line));
    }

    public boolean isEmpty() {
        return lines.isEmpty();
    }

    public void range(String name, int value, int min, int max, String unit) {
        if (value < min || value > max) {
            add(name, "must be " + min + " to " + max + " " + unit + ", got " + value);
        }
    }

    void wholeSeconds(String name, int valueMs, int minMs, int maxMs) {
        range(name, valueMs, minMs, maxMs, "ms");
        if (valueMs % 1000 != 0) {
            add(name, "must be a multiple of 1000 ms, since Hazelcast counts whole seconds, got " + valueMs);
        }
    }

    void address(String name, String value) {
        pattern(name, value, "[A-Za-z0-9.:%_\\[\\]*-]{1,255}", "a host name or an IP address");
    }

    void pattern(String name, String value, String regex, String wanted) {
        if (!value.matches(regex)) {
            add(name, "must be " + wanted + ", got '" + value + "'");
        }
    }

    /** @throws MusterException of kind CONFIG, one line a mistake */
    void throwIfAny() {
        if (!lines.isEmpty()) {
            throw MusterException.config(String.join("\n", lines));
        }
    }

    /** @throws MusterException of kind CONFIG: one sentence for one mistake, a headed list for several */
    public void reportIfAny() {
        if (lines.size() == 1) {
            throw MusterException.config("wrong setting: " + lines.getFirst());
        }
        if (!lines.isEmpty()) {
            throw MusterException.config(lines.size() + " wrong settings:\n  " + String.join("\n  ", lines));
        }
    }
}
