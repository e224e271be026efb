// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.hazelcast.core.HazelcastInstance;
import io.muster.Eventually;
import io.muster.group.GroupName;
import io.muster.options.MusterHazelcast;
import io.muster.store.StoreKeys;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Processes on one host with the shortest liveness interval. First come stops that are shorter and longer than the
 * limit. Then one rank after the other is restarted by kill -9, with the same rank, host and ports, while entries,
 * connections and late messages of the former lives still exist (P-4, R-7, R-8, T-2, P-14).
 * {@code -Dmuster.restarts=100} runs a hundred restarts in a group of eight, and more stops and kills before; the build
 * runs a few in a smaller group. The tests share the processes, and each test ends with all connected.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class RollingRestartIT {
    private static final int RESTARTS = Integer.getInteger("muster.restarts", 3);
    private static final boolean LONG = RESTARTS >= 16;
    private static final int WORLD = LONG ? 8 : 3;
    private static final int STOPS_OF_ALL = LONG ? 3 : 1;
    private static final int KILLS_WHILE_STARTING = LONG ? 20 : 4;
    /**
     * The last process is not restarted: it sees all others restart, and its use of the machine's resources is
     * measured.
     */
    private static final int RESTARTED = WORLD - 1;

    private static final long LIMIT_MS = 2000;
    /** Long, because a loaded machine answers late. */
    private static final long SLACK_MS = 4000;

    @TempDir
    private static Path temp;

    private static final Fleet.Place PLACE = Fleet.onLoopback(WORLD);
    private static Fleet fleet;

    @RegisterExtension
    private static final AfterTestExecutionCallback SHOW_ALL_WHEN_IT_FAILS =
            test -> test.getExecutionException().ifPresent(_ -> System.out.println(fleet));

    @BeforeAll
    @Timeout(240)
    static void start() throws Exception {
        MusterCommand.recordTheStart();
        Path config = Files.writeString(
                temp.resolve("muster.yaml"), "liveness:\n  intervalMs: 100\n  misses: " + LIMIT_MS / 100 + "\n");
        fleet = new Fleet(
                temp,
                PLACE,
                IntStream.range(0, WORLD).mapToObj(String::valueOf).toList(),
                "--config",
                config.toString());
        fleet.startAll();
        fleet.awaitAllConnectedAgain();
    }

    @AfterAll
    static void end() {
        fleet.close();
    }

    @Test // P-9
    @Order(1)
    @Timeout(60)
    void aStopShorterThanTheLimitIsNotBlamed() throws Exception {
        fleet.forgetEvents();
        for (int i = 0; i < 3; i++) {
            fleet.at(2).signal("STOP");
            Thread.sleep(LIMIT_MS / 4); // the fault itself
            fleet.at(2).signal("CONT");
            Thread.sleep(LIMIT_MS / 4);
        }
        for (int host = 1; host <= WORLD; host++) {
            assertThat(fleet.at(host).recentEvents("degraded")).isEmpty();
            assertThat(fleet.at(host).recentEvents("peer-state")).isEmpty();
        }
    }

    @Test // P-9, P-10, P-11: published on the node at once, although the frozen process holds a part of the store
    @Order(2)
    @Timeout(120)
    void aLongStopIsLostInTimeAndComesBackInPlace() throws Exception {
        fleet.forgetEvents();
        long stoppedNanos = System.nanoTime();
        fleet.at(2).signal("STOP");
        for (int host : List.of(1, 3)) {
            long ms = (fleet.awaitDegraded(host, 1).getLong("atNanos") - stoppedNanos) / 1_000_000;
            System.out.println("stopped: degraded at process " + host + " after " + ms + " ms");
            assertThat(ms).isBetween(LIMIT_MS / 2, LIMIT_MS + SLACK_MS);
        }
        fleet.at(2).signal("CONT");
        fleet.awaitAllConnectedAgain();
        assertThat(fleet.at(2).recentEvents("degraded").stream()
                        .flatMap(event -> event.getJsonArray("lost").stream())
                        .map(one -> ((JsonObject) one).getInteger("rank")))
                .as("whom the one that woke has accused")
                .allMatch(rank -> rank == 1);
    }

    @Test // P-9
    @Order(3)
    @Timeout(180)
    void allProcessesThatWakeAtOnceAreConnectedAgain() throws Exception {
        for (int stop = 0; stop < STOPS_OF_ALL; stop++) {
            fleet.forgetEvents();
            for (int host = 1; host <= WORLD; host++) {
                fleet.at(host).signal("STOP");
            }
            Thread.sleep(3_000 + 3_000L * stop); // the fault itself
            for (int host = WORLD; host >= 1; host--) {
                fleet.at(host).signal("CONT");
            }
            fleet.noteEpoch();
            restart(2);
            fleet.awaitAllConnectedAgain();
            for (int host = 1; host <= WORLD; host++) {
                assertThat(fleet.at(host).recentEvents("degraded"))
                        .as("what process %d lost, apart from the one that was killed", host)
                        .allMatch(event -> event.getJsonArray("lost").stream()
                                .allMatch(one -> ((JsonObject) one).getInteger("rank") == 1));
            }
        }
        fleet.assertOneSetPerEpoch();
    }

    private static void restart(int host) throws Exception {
        fleet.at(host).signal("KILL");
        fleet.at(host).awaitExit();
        fleet.start(host);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2}) // the one that founds the cluster, and another
    @Order(4)
    @Timeout(300)
    void aProcessKilledAgainAndAgainWhileItStartsComesBack(int host) throws Exception {
        var random = new Random();
        long seed = random.nextLong();
        System.out.println("restarts while starting: seed " + seed);
        random.setSeed(seed);
        fleet.forgetEvents();
        for (int kill = 0; kill < KILLS_WHILE_STARTING; kill++) {
            restart(host);
            Thread.sleep(random.nextInt(500)); // the moment of the fault
        }
        restart(host);
        long startedNanos = System.nanoTime();
        fleet.noteEpoch();
        fleet.awaitAllConnectedAgain();
        System.out.println("restarts while starting: all connected after "
                + (System.nanoTime() - startedNanos) / 1_000_000 + " ms, epoch " + fleet.epoch());
        fleet.assertOneSetPerEpoch();
    }

    /** The resources that a process uses. */
    private record Holdings(int threads, int descriptors, long residentKib) {
        static Holdings of(long pid) throws IOException {
            Path proc = Path.of("/proc", String.valueOf(pid));
            try (Stream<Path> tasks = Files.list(proc.resolve("task"));
                    Stream<Path> open = Files.list(proc.resolve("fd"))) {
                long resident = Files.readAllLines(proc.resolve("status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                        .findFirst()
                        .orElse(0);
                return new Holdings((int) tasks.count(), (int) open.count(), resident);
            }
        }
    }

    @Test
    @Order(5)
    @Timeout(3_000)
    void eachRestartEndsInAGreaterEpochAndNothingGrows() throws Exception {
        List<Holdings> rounds = new ArrayList<>();
        var names = new StoreKeys(new GroupName("g"));
        Set<String> keys = new HashSet<>(names.ranks(WORLD));
        keys.add(names.epoch());
        assertThat(storedKeys()).containsAll(keys);
        keys.addAll(names.ready(IntStream.range(0, WORLD))); // a mark is stored only if it had to be written
        long before = fleet.epoch();
        for (int restart = 0; restart < RESTARTS; restart++) {
            int host = restart % RESTARTED + 1;
            long killedNanos = System.nanoTime();
            fleet.forgetEvents();
            fleet.at(host).signal("KILL");
            fleet.at(host).awaitExit();
            fleet.start(host);
            fleet.awaitAllConnectedAgain();
            assertThat(fleet.epoch()).isGreaterThan(before);
            before = fleet.epoch();
            System.out.println("restart " + (restart + 1) + " of " + RESTARTS + ": rank " + (host - 1) + ", epoch "
                    + before + ", all connected after " + (System.nanoTime() - killedNanos) / 1_000_000 + " ms");
            if (host == RESTARTED) {
                rounds.add(Holdings.of(fleet.at(WORLD).pid()));
            }
        }
        fleet.assertOneSetPerEpoch();
        assertThat(keys).containsAll(storedKeys());
        System.out.println("after each round, the last process: " + rounds);
        Holdings first = rounds.removeFirst();
        if (rounds.isEmpty()) {
            return; // a short run has one round
        }
        List<Holdings> last = rounds.subList(
                Math.max(0, rounds.size() - 3), rounds.size()); // connections vary; a leak is in each round
        assertThat(last).map(Holdings::threads).anyMatch(threads -> threads <= first.threads() + 8);
        assertThat(last).map(Holdings::descriptors).anyMatch(descriptors -> descriptors <= first.descriptors() + 8);
        assertThat(last).map(Holdings::residentKib).anyMatch(resident -> resident < first.residentKib() * 3 / 2);
    }

    @Test
    @Order(6)
    @Timeout(180)
    void aProcessOutOfFilesSaysSoAndRecoversWithAHigherLimit() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "no prlimit here");
        fleet.forgetEvents();
        String before = fleet.at(2).err();
        limitFiles(2, "10"); // every free descriptor is above this limit, so the process can't open another file
        fleet.at(3).signal("STOP"); // after the limit: otherwise the kernel of the stopped process could accept a
        // connection before, which needs no more files
        fleet.at(2)
                .await(
                        "peer-state",
                        link -> link.getInteger("peer") == 2
                                && "CONNECTED".equals(link.getString("from"))); // so it has to dial
        fleet.at(3).signal("CONT");
        awaitErr(fleet.at(2), before.length(), "Too many open files");
        assertThat(fleet.at(2).isAlive()).isTrue();

        limitFiles(2, "4096");

        fleet.awaitAllConnectedAgain();
    }

    @Test // B-3: a process without its store can't take part in a group, and must not appear to do so
    @Order(7)
    @Timeout(180)
    void aProcessWhoseStoreRunsOutOfFilesSaysSoAndEnds() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "no prlimit here");
        fleet.forgetEvents();
        limitFiles(2, "10");
        List<String> settings = PLACE.settings(2);
        try (Socket _ = new Socket(
                InetAddress.getLoopbackAddress(),
                Integer.parseInt(settings.get(settings.indexOf("--hazelcast-port") + 1)))) {
            assertThat(fleet.at(2).awaitExit()).as(() -> fleet.at(2).toString()).isEqualTo(1);
        }
        assertThat(fleet.at(2).err()).contains("Hazelcast has shut down in this process", "start it again");

        fleet.start(2);

        fleet.awaitAllConnectedAgain();
    }

    private static void awaitErr(MusterCommand process, int from, String wanted) {
        Eventually.value(
                "'" + wanted + "' on standard error",
                Duration.ofSeconds(60),
                () -> process.err().substring(from),
                err -> err.contains(wanted));
    }

    private static void limitFiles(int host, String soft) throws Exception {
        Process prlimit = new ProcessBuilder(
                        "prlimit", "--pid", String.valueOf(fleet.at(host).pid()), "--nofile=" + soft + ":")
                .inheritIO()
                .start();
        assertThat(prlimit.waitFor()).isZero();
    }

    @Test
    @Order(8)
    void aStartWithTooFewFilesNamesTheLimitToRaise() throws Exception {
        MusterCommand few = MusterCommand.start(
                List.of("/bin/sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"),
                temp,
                "run",
                "--group",
                "few",
                "--rank",
                "0",
                "--world-size",
                "1",
                "--control-port",
                "0",
                "--hazelcast-port",
                "0",
                "--json",
                "--while-stdin-open");
        assertThat(few.awaitExit()).as(few::toString).isNotZero();
        assertThat(few.err()).contains("raise its limit (ulimit -n) to 1024 or more");
    }

    private static Set<String> storedKeys() {
        List<String> settings = PLACE.settings(1);
        HazelcastInstance member = Onlooker.join("127.0.0.1:" + settings.get(settings.indexOf("--hazelcast-port") + 1));
        try {
            return member.<String, byte[]>getMap(MusterHazelcast.MAP_NAME).keySet().stream()
                    .map(key -> key.substring(0, key.indexOf('@')))
                    .collect(Collectors.toCollection(TreeSet::new));
        } finally {
            member.shutdown();
        }
    }
}
