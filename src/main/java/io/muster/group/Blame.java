// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import io.muster.blame.BlameRules;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The blame for broken connections, found by {@link BlameRules} from the views of the processes that answered.
 *
 * @param answered number of processes whose view is known, the asking one included
 * @param processes number of processes of the group
 */
public record Blame(List<Finding> findings, int answered, int processes) {
    public static final Blame NONE = new Blame(List.of(), 0, 0);

    public Blame {
        findings = List.copyOf(findings);
    }

    /** The evidence of one process about another. */
    public record Evidence(Party observer, String seen) {
        JsonObject toJson() {
            return new JsonObject()
                    .put("ranks", new JsonArray(observer.ranks()))
                    .put("pid", observer.pid())
                    .put("seen", seen);
        }

        String text() {
            return "pid " + observer.pid() + " saw: " + seen;
        }
    }

    /** What to do about a process that is missed, where the evidence does not show why. */
    public static String checkProcess(String where) {
        return "check its process " + where
                + " and the network to it: start it again if it has ended; if it was stopped or cut off, it comes back by"
                + " itself; if it runs and is lost again and again, look for another host with the same address";
    }

    /** What to do about a rank, null if no finding names it. */
    public @Nullable String remedy(int rank) {
        return findings.stream()
                .filter(finding ->
                        finding.parties().anyMatch(party -> party.ranks().contains(rank)))
                .map(Finding::remedy)
                .findFirst()
                .orElse(null);
    }

    /** The finding that a process with one of these ranks has too little memory, null if there is none. */
    public @Nullable OutOfMemory outOfMemory(Set<Integer> ranks) {
        return findings.stream()
                .filter(OutOfMemory.class::isInstance)
                .map(OutOfMemory.class::cast)
                .filter(lack -> lack.party().ranks().stream().anyMatch(ranks::contains))
                .findFirst()
                .orElse(null);
    }

    /** One fault. */
    public sealed interface Finding {
        String text();

        /** One clause: what to do about each of its processes. */
        String remedy();

        /** The processes that it names. */
        Stream<Party> parties();

        JsonObject toJson();
    }

    /**
     * A process that has too little direct memory for a connection.
     *
     * @param why a clause that follows "it has"
     */
    public record OutOfMemory(Party party, String why) implements Finding {
        @Override
        public String remedy() {
            return "start pid " + party.pid() + " at " + party.host() + " with a greater -XX:MaxDirectMemorySize";
        }

        @Override
        public Stream<Party> parties() {
            return Stream.of(party);
        }

        /** What the process lacks, as a sentence. */
        public String lack() {
            return "the process of " + party.text() + " has " + why;
        }

        @Override
        public String text() {
            return lack() + "; " + remedy();
        }

        @Override
        public JsonObject toJson() {
            return json("out-of-memory", List.of(party)).put("evidence", why);
        }
    }

    /** At least two processes miss this one, and it is connected to none. */
    public record Blamed(Party party, List<Evidence> missedBy) implements Finding {
        public Blamed {
            missedBy = List.copyOf(missedBy);
        }

        @Override
        public String remedy() {
            return checkProcess("at " + party.host());
        }

        @Override
        public Stream<Party> parties() {
            return Stream.of(party);
        }

        @Override
        public String text() {
            return party.text() + " is to blame: " + missedBy.size() + " processes miss it and none reaches it; "
                    + missedBy.getFirst().text();
        }

        @Override
        public JsonObject toJson() {
            return json("process", List.of(party))
                    .put("missedBy", missedBy.size())
                    .put(
                            "evidence",
                            new JsonArray(missedBy.stream()
                                    .limit(3)
                                    .map(Evidence::toJson)
                                    .toList()));
        }
    }

    /** One of these two misses the other, or both do, and the evidence does not show which one is at fault. */
    public record Pair(Party one, Party other, List<Evidence> evidence) implements Finding {
        public Pair {
            evidence = List.copyOf(evidence);
        }

        @Override
        public String remedy() {
            return "check both processes, pid " + one.pid() + " and pid " + other.pid()
                    + ", and the network between them: start again what has ended; the rest connects by itself; if"
                    + " both run and lose each other again and again, look for another host with one of their addresses";
        }

        @Override
        public Stream<Party> parties() {
            return Stream.of(one, other);
        }

        @Override
        public String text() {
            return "between " + one.text() + " and " + other.text() + ", neither is blamed: "
                    + evidence.stream().map(Evidence::text).collect(Collectors.joining("; "));
        }

        @Override
        public JsonObject toJson() {
            return json("pair", List.of(one, other))
                    .put(
                            "evidence",
                            new JsonArray(
                                    evidence.stream().map(Evidence::toJson).toList()));
        }
    }

    /**
     * The group has fallen into parts.
     *
     * @param parts parts of processes that answered; each part is connected within itself
     * @param unheard processes that did not answer and that the others miss by silence only, at least two or none
     */
    public record Block(List<List<Party>> parts, List<Party> unheard) implements Finding {
        public Block {
            parts = parts.stream().map(List::copyOf).toList();
            unheard = List.copyOf(unheard);
        }

        @Override
        public String remedy() {
            return unheard.isEmpty()
                    ? "check the network between the blocks: when it works again, they connect by themselves"
                    : "check the network between the blocks, and whether the silent processes run: start again what"
                            + " has ended; the rest connects by itself";
        }

        @Override
        public Stream<Party> parties() {
            return Stream.concat(parts.stream().flatMap(List::stream), unheard.stream());
        }

        @Override
        public String text() {
            String connected = "the group has fallen apart into blocks: ranks "
                    + parts.stream().map(Block::ranks).map(List::toString).collect(Collectors.joining(" | "));
            return unheard.isEmpty()
                    ? connected + "; the network between them is to blame, or a switch or firewall on it"
                    : connected + " | " + ranks(unheard)
                            + "; the last ones are silent: the network between is cut, or all of them have stopped";
        }

        private static List<Integer> ranks(List<Party> part) {
            return part.stream()
                    .flatMap(party -> party.ranks().stream())
                    .sorted()
                    .toList();
        }

        @Override
        public JsonObject toJson() {
            return new JsonObject()
                    .put("kind", "block")
                    .put(
                            "parts",
                            new JsonArray(parts.stream()
                                    .map(part -> new JsonArray(ranks(part)))
                                    .toList()))
                    .put("unheard", new JsonArray(ranks(unheard)));
        }
    }

    private static JsonObject json(String kind, List<Party> parties) {
        return new JsonObject()
                .put("kind", kind)
                .put(
                        "processes",
                        new JsonArray(parties.stream()
                                .map(party -> new JsonObject()
                                        .put("ranks", new JsonArray(party.ranks()))
                                        .put("pid", party.pid())
                                        .put("host", party.host()))
                                .toList()));
    }

    public JsonObject toJson() {
        return new JsonObject()
                .put("heard", answered)
                .put("of", processes)
                .put(
                        "findings",
                        new JsonArray(findings.stream().map(Finding::toJson).toList()))
                .put("text", text());
    }

    /** One line per finding, empty if there is none. */
    public String text() {
        return findings.stream()
                .map(finding ->
                        "blame: " + finding.text() + " (" + answered + " of " + processes + " processes answered)")
                .collect(Collectors.joining("\n"));
    }
}
