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

    /** Which key of the group a text is. */
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

    /** The group that a key belongs to, empty if it is no key of ours. */
    public static Optional<String> groupOf(String key) {
        int slash = key.indexOf('/');
        return slash < 1 ? Optional.empty() : Optional.of(key.substring(0, slash));
    }

    /**
     * Whether its changes are told to listeners. Marks are not: whoever marks is connected to those who want to know,
     * and tells them itself.
     */
    public static boolean isTold(String key) {
        return !key.contains(READY);
    }

    static boolean isEpoch(String key) {
        return key.endsWith("/epoch");
    }

    /**
     * The key as Hazelcast has it. All keys of a group lie in one partition, which what follows the {@code @} chooses
     * (Hazelcast's {@code StringPartitioningStrategy}): reading them all is one operation on one member.
     */
    public static String located(String key) {
        return groupOf(key).map(group -> key + "@" + group).orElse(key);
    }

    /** Of what Hazelcast has, empty if it is no key of ours. */
    static Optional<String> ofLocated(String located) {
        int at = located.indexOf('@');
        String key = at < 0 ? located : located.substring(0, at);
        return at >= 0 && located(key).equals(located) ? Optional.of(key) : Optional.empty();
    }

    /** What a key of this group stands for, empty if it is none of it or out of range. */
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
