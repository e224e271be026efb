// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupName;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The keys of one group. */
public record StoreKeys(GroupName group) {
    static final String READY = "/ready/";

    /** The meaning of a key of the group. */
    public sealed interface Key {
        /** {@code <group>/rank/<r>}. */
        record Rank(int rank) implements Key {}

        /** {@code <group>/ready/<r>}. */
        record Ready(int rank) implements Key {}

        /** {@code <group>/epoch}. */
        record Epoch() implements Key {}
    }

    public String rank(int rank) {
        return group + "/rank/" + rank;
    }

    public String ready(int rank) {
        return group + READY + rank;
    }

    public String epoch() {
        return group + "/epoch";
    }

    public Set<String> ranks(int worldSize) {
        return IntStream.range(0, worldSize).mapToObj(this::rank).collect(Collectors.toUnmodifiableSet());
    }

    public Set<String> ready(java.util.stream.IntStream ranks) {
        return ranks.mapToObj(this::ready).collect(Collectors.toUnmodifiableSet());
    }

    /** The group that a key belongs to, empty if it is not a key of Muster. */
    public static Optional<String> groupOf(String key) {
        int slash = key.indexOf('/');
        return slash < 1 ? Optional.empty() : Optional.of(key.substring(0, slash));
    }

    /**
     * Whether listeners are notified of changes of this key. Marks cause no event: a process that marks is connected to
     * those that need to know, and sends them its mark directly.
     */
    public static boolean isNotified(String key) {
        return !key.contains(READY);
    }

    static boolean isEpoch(String key) {
        return key.endsWith("/epoch");
    }

    /**
     * The key as it is stored in Hazelcast. All keys of a group lie in one partition, which the text after the
     * {@code @} chooses (Hazelcast's {@code StringPartitioningStrategy}). Reading them all is one operation on one
     * member.
     */
    public static String located(String key) {
        return groupOf(key).map(group -> key + "@" + group).orElse(key);
    }

    /** The inverse of {@link #located}, empty if it is not a key of Muster. */
    static Optional<String> ofLocated(String located) {
        int at = located.indexOf('@');
        String key = at < 0 ? located : located.substring(0, at);
        return at >= 0 && located(key).equals(located) ? Optional.of(key) : Optional.empty();
    }

    /** The meaning of a key, empty if it is no key of this group or its rank is out of range. */
    public Optional<Key> parse(String key, int worldSize) {
        if (!key.startsWith(group + "/")) {
            return Optional.empty();
        }
        String rest = key.substring(group.value().length() + 1);
        if (rest.equals("epoch")) {
            return Optional.of(new Key.Epoch());
        }
        if (rest.startsWith("rank/")) {
            return number(rest.substring(5), worldSize).map(Key.Rank::new);
        }
        return rest.startsWith("ready/") ? number(rest.substring(6), worldSize).map(Key.Ready::new) : Optional.empty();
    }

    private static Optional<Integer> number(String text, int worldSize) {
        try {
            int number = Integer.parseInt(text);
            return number >= 0 && number < worldSize && Integer.toString(number).equals(text)
                    ? Optional.of(number)
                    : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
