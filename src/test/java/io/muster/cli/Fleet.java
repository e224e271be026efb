// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.RankList;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One group in several processes, each on a host of its own or with ports of its own. Has the faults that a test
 * injects and the checks that must hold at any time.
 */
final class Fleet implements AutoCloseable {
    static final long PATIENCE_MS = 90_000;

    private final Path temp;
    private final Place place;
    private final List<String> ranks;
    private final List<String> more;
    private final MusterCommand[] processes;
    private final List<MusterCommand> all = new ArrayList<>();
    private long epoch;

    /** The hosts of the processes, which count from 1. */
    interface Place {
        /** A prefix that runs a command on this host. */
        List<String> prefix(int host);

        /** Its control address. */
        String control(int host);

        /** Settings of a process on this host. */
        List<String> settings(int host);
    }

    /** Each process on its own host, all with the same ports. */
    static Place on(Hosts hosts) {
        return new Place() {
            @Override
            public List<String> prefix(int host) {
                return hosts.on(host);
            }

            @Override
            public String control(int host) {
                return Hosts.address(host) + ":7600";
            }

            @Override
            public List<String> settings(int host) {
                return List.of("--bind", Hosts.address(host));
            }
        };
    }

    /** All processes on this host; each uses the same ports again after a restart. */
    static Place onLoopback(int count) {
        List<Integer> ports = MusterCommand.freePorts(3 * count);
        return new Place() {
            @Override
            public List<String> prefix(int host) {
                return List.of();
            }

            @Override
            public String control(int host) {
                return "127.0.0.1:" + ports.get(3 * host - 3);
            }

            @Override
            public List<String> settings(int host) {
                return List.of(
                        "--control-port",
                        String.valueOf(ports.get(3 * host - 3)),
                        "--hazelcast-port",
                        String.valueOf(ports.get(3 * host - 2)),
                        "--port",
                        String.valueOf(ports.get(3 * host - 1)));
            }
        };
    }

    /** @param ranks those of each process, such as {@code 0-1} */
    Fleet(Path temp, Place place, List<String> ranks, String... more) {
        this.temp = temp;
        this.place = place;
        this.ranks = ranks;
        this.more = List.of(more);
        this.processes = new MusterCommand[ranks.size()];
    }

    void start(int host) throws IOException {
        String members =
                IntStream.rangeClosed(1, ranks.size()).mapToObj(place::control).collect(Collectors.joining(","));
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "--group",
                "g",
                "--ranks",
                ranks.get(host - 1),
                "--world-size",
                String.valueOf(worldSize()),
                "--members",
                members,
                "--json",
                "--while-stdin-open"));
        arguments.addAll(place.settings(host));
        arguments.addAll(more);
        processes[host - 1] = MusterCommand.start(place.prefix(host), temp, arguments.toArray(String[]::new));
        all.add(processes[host - 1]);
    }

    private int worldSize() {
        return ranks.stream().mapToInt(one -> RankList.parse(one).size()).sum();
    }

    void startAll() throws IOException {
        for (int host = 1; host <= ranks.size(); host++) {
            start(host);
        }
    }

    /** The status of the group, asked at this process. */
    JsonObject status(int host) throws IOException, InterruptedException {
        try (MusterCommand status = MusterCommand.start(
                place.prefix(host), temp, "status", "--json", "--group", "g", "--control", place.control(host))) {
            assertThat(status.awaitExit()).as(status::toString).isIn(0, 3);
            return new JsonObject(status.out().getFirst())
                    .getJsonArray("groups")
                    .getJsonObject(0);
        }
    }

    MusterCommand at(int host) {
        return processes[host - 1];
    }

    List<Integer> ranksOf(int host) {
        return RankList.parse(ranks.get(host - 1));
    }

    void forgetEvents() {
        Arrays.stream(processes).forEach(MusterCommand::forgetEvents);
    }

    /** Every process learns the same later epoch. */
    void awaitAllConnectedAgain() throws InterruptedException {
        long before = epoch;
        long latest = 0;
        for (MusterCommand process : processes) {
            latest = Math.max(
                    latest,
                    process.await("all-connected", one -> one.getLong("epoch") > before, PATIENCE_MS)
                            .getLong("epoch"));
        }
        for (boolean agreed = false; !agreed; ) {
            long wanted = latest;
            agreed = true;
            for (MusterCommand process : processes) {
                long got = process.await("all-connected", one -> one.getLong("epoch") >= wanted, PATIENCE_MS)
                        .getLong("epoch");
                latest = Math.max(latest, got);
                agreed &= got == wanted;
            }
        }
        epoch = latest;
    }

    /** From here on, only epochs after those that were announced so far count. */
    void noteEpoch() {
        for (MusterCommand process : processes) {
            epoch = Math.max(
                    epoch,
                    process.events("all-connected").stream()
                            .mapToLong(event -> event.getLong("epoch"))
                            .max()
                            .orElse(0));
        }
    }

    long epoch() {
        return epoch;
    }

    /** Waits until this host reports the loss of this rank. */
    JsonObject awaitDegraded(int host, int rank) throws InterruptedException {
        return at(host).await(
                        "degraded",
                        event -> event.getJsonArray("lost").stream()
                                .anyMatch(one -> ((JsonObject) one).getInteger("rank") == rank),
                        PATIENCE_MS);
    }

    /** Waits until this host reports exactly one finding about blame that matches. */
    JsonObject awaitBlame(int host, java.util.function.Predicate<JsonObject> only) throws InterruptedException {
        return at(host).await(
                        "blame",
                        event -> event.getJsonArray("findings").size() == 1
                                && only.test(event.getJsonArray("findings").getJsonObject(0)),
                        PATIENCE_MS);
    }

    static List<List<Integer>> ranks(JsonObject finding) {
        return finding.getJsonArray("processes").stream()
                .map(one -> ((JsonObject) one)
                        .getJsonArray("ranks").stream().map(Integer.class::cast).toList())
                .toList();
    }

    /** B-2: no epoch number was ever all-connected with two different sets of lives. */
    void assertOneSetPerEpoch() {
        Map<Long, String> vectors = new HashMap<>();
        for (MusterCommand process : all) {
            for (JsonObject event : process.events("all-connected")) {
                String known = vectors.putIfAbsent(event.getLong("epoch"), event.getString("vector"));
                assertThat(event.getString("vector"))
                        .as("epoch " + event.getLong("epoch") + " at " + process)
                        .isEqualTo(known == null ? event.getString("vector") : known);
            }
        }
    }

    /** The stacks of all threads of the current process of each host. */
    String threads() {
        StringBuilder all = new StringBuilder();
        for (int host = 1; host <= processes.length; host++) {
            MusterCommand process = processes[host - 1];
            if (process != null) {
                all.append("--- threads of the process at host ")
                        .append(host)
                        .append(", pid ")
                        .append(process.pid())
                        .append('\n')
                        .append(process.threads())
                        .append('\n');
            }
        }
        return all.toString();
    }

    @Override
    public void close() {
        all.forEach(MusterCommand::close);
    }

    @Override
    public String toString() {
        return all.stream().map(MusterCommand::toString).collect(Collectors.joining("\n\n"));
    }
}
