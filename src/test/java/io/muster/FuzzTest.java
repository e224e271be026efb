// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.Gossip;
import io.muster.cluster.ControlFuzz;
import io.muster.group.GroupName;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkMessage;
import io.muster.peer.PairId;
import io.muster.peer.WarmupAnswer;
import io.muster.peer.WarmupSlot;
import io.muster.routing.Beat;
import io.muster.runtime.QuestionsFuzz;
import io.muster.runtime.SealedMessage;
import io.muster.segment.RandomValues;
import io.muster.segment.Schema;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RemoteRegion;
import io.muster.transfer.gpu.TransferFuzz;
import io.muster.transfer.tcp.WireFuzz;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fuzzes {@link Fuzz} with Jazzer, in a JVM of its own, from a corpus of good messages; and reads again whatever was
 * once found.
 */
// T-3, R-4
class FuzzTest {
    /** 0: a number of inputs that takes some seconds, however slow the machine is. */
    private static final int SECONDS = Integer.getInteger("muster.fuzz.seconds", 0);
    /** The one reader that is fuzzed, by hand; empty: all. */
    private static final String ONLY = System.getProperty("muster.fuzz.reader", "");

    private static final int INPUTS = 10_000;
    /** Ten times what the inputs take; of processor time, since a busy machine gives little of it in a second. */
    private static final Duration CPU_LIMIT = Duration.ofSeconds(300);
    /** A fuzzer that uses no processor time for so long hangs. */
    private static final Duration HANGS = Duration.ofSeconds(90);
    /** What a fuzzer would take long to guess: the words of JSON, and of the control port. */
    private static final String WORDS = """
      "null"
      "true"
      "false"
      "{}"
      "[]"
      "\\x0a"
      "\"ask\":"
      "\"status\""
      "\"cluster\""
      "\"echo\""
      "\"waitMs\":"
      "\"group\":"
      "\"error\":"
      "\"kind\":"
      "\"formed\":"
      "\"asks\":"
      "\\\\ud800"
      "1e999"
      """;

    private static final Pattern DONE = Pattern.compile("Done (\\d+) runs in (\\d+) second");

    @TempDir
    Path folder;

    /** A good message for each reader, or several. */
    private static Map<Fuzz.Reader, List<byte[]>> good() throws IOException {
        var values = new RandomValues("FuzzTest", 7);
        var group = new GroupName("g");
        var pair = new PairId(values.member(1), values.member(0), 3, 4, 5);
        var slot = new WarmupSlot(new RemoteRegion(1, 2, 64), 8);
        var answer = new WarmupAnswer(WarmupAnswer.Plan.EXCHANGE, true, "tcp", "why");
        Map<Fuzz.Reader, List<byte[]>> good = new EnumMap<>(Fuzz.Reader.class);
        byte[] entry = Schema.encode(values.entry(group, 2)).toByteArray();
        good.put(Fuzz.Reader.RANK, List.of(entry));
        good.put(Fuzz.Reader.READY, List.of(Schema.encode(values.mark()).toByteArray()));
        good.put(Fuzz.Reader.EPOCH, List.of(Schema.encode(values.epoch()).toByteArray()));
        good.put(Fuzz.Reader.SEALED, List.of(entry));
        good.put(
                Fuzz.Reader.LINK,
                Stream.of(
                                new LinkMessage.Open(values.entry(group, 1), pair.waiter(), 3, 4, slot, answer),
                                new LinkMessage.Accept(group, pair, slot, answer),
                                new LinkMessage.Close(group, 0, 1, pair, "bye"),
                                new LinkMessage.Refuse(
                                        group, pair.writer(), 0, 3, LinkMessage.Refuse.Code.RETRY, "no", pair.waiter()))
                        .map(message -> LinkCodec.encode(message).getBytes())
                        .toList());
        good.put(
                Fuzz.Reader.GOSSIP,
                List.of(new Gossip(group, "g/rank/1", Schema.encode(values.mark()))
                        .encode()
                        .getBytes()));
        good.put(
                Fuzz.Reader.BEAT,
                List.of(new Beat(List.of(new Beat.GroupBeat("g", 3, null, Set.of(1L, 2L)).signed(new byte[32])))
                        .encode()
                        .getBytes()));
        good.put(
                Fuzz.Reader.SEALED_MESSAGE,
                List.of(new SealedMessage(ControlKind.SEALED_LINK, group, new byte[32], new byte[5])
                        .encode()
                        .getBytes()));
        good.put(Fuzz.Reader.FRAMES, List.of(WireFuzz.goodHello()));
        good.put(Fuzz.Reader.BULK, List.of(WireFuzz.goodWrites()));
        good.put(
                Fuzz.Reader.SETTINGS,
                List.of(
                        Files.readAllBytes(Path.of("conf", "muster.yaml")),
                        "{\"endpoint\": {\"port\": 70000}}".getBytes(StandardCharsets.UTF_8)));
        good.put(
                Fuzz.Reader.NAMES,
                Stream.of(
                                "g/rank/1",
                                "g/ready/7",
                                "g/epoch",
                                "[::1]:7600",
                                "10.0.0.1:7600",
                                "00000000000000000000000000000001")
                        .map(text -> text.getBytes(StandardCharsets.UTF_8))
                        .toList());
        good.put(Fuzz.Reader.CLAIM, QuestionsFuzz.goodClaims());
        good.put(Fuzz.Reader.VIEW, QuestionsFuzz.goodViews());
        good.put(Fuzz.Reader.TRANSFER, List.of(TransferFuzz.good()));
        good.put(Fuzz.Reader.CONTROL_REQUESTS, ControlFuzz.goodRequests());
        good.put(Fuzz.Reader.CONTROL_ANSWER, ControlFuzz.goodAnswers());
        return good;
    }

    private static byte[] input(Fuzz.Reader reader, byte[] bytes) {
        byte[] input = new byte[bytes.length + 1];
        input[0] = (byte) reader.ordinal();
        System.arraycopy(bytes, 0, input, 1, bytes.length);
        return input;
    }

    @Test
    @Timeout(60)
    void goodMessagesOfEveryKindAreRead() throws IOException {
        Map<Fuzz.Reader, List<byte[]>> good = good();
        assertThat(good).containsOnlyKeys(Fuzz.Reader.values());
        good.forEach((reader, all) -> all.forEach(bytes -> Fuzz.fuzzerTestOneInput(input(reader, bytes))));
    }

    @Test
    @Timeout(60)
    void inputsThatOnceFailedAreHarmless() throws IOException {
        try (InputStream found = FuzzTest.class.getResourceAsStream("/io/muster/fuzz/found.txt")) {
            assertThat(found).isNotNull();
            new String(found.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(line -> Fuzz.fuzzerTestOneInput(
                            java.util.Base64.getDecoder().decode(line.strip())));
        }
    }

    private static void awaitEnd(Process fuzzer) throws InterruptedException {
        Duration used = Duration.ZERO;
        long movedNanos = System.nanoTime();
        while (!fuzzer.waitFor(1, TimeUnit.SECONDS)) {
            Duration now = fuzzer.info().totalCpuDuration().orElse(used);
            if (now.compareTo(used) > 0) {
                used = now;
                movedNanos = System.nanoTime();
            }
            assertThat(used).as("processor time of the fuzzer").isLessThan(CPU_LIMIT.plusSeconds(4L * SECONDS));
            assertThat(Duration.ofNanos(System.nanoTime() - movedNanos))
                    .as("time in which the fuzzer did nothing")
                    .isLessThan(HANGS);
        }
    }

    @Test
    void readersOfForeignBytesNeverThrowOrAcceptForgeries() throws Exception {
        Path corpus = Files.createDirectory(folder.resolve("corpus"));
        Path words = Files.writeString(folder.resolve("words"), WORDS);
        int number = 0;
        for (var reader : good().entrySet()) {
            if (!ONLY.isEmpty() && !reader.getKey().name().equals(ONLY)) {
                continue;
            }
            for (byte[] bytes : reader.getValue()) {
                Files.write(corpus.resolve(reader.getKey() + "-" + number++), input(reader.getKey(), bytes));
            }
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "@" + Path.of("conf", "jvm.options"),
                ONLY.isEmpty() ? "-Dmuster.fuzz=all" : "-Dmuster.fuzz.reader=" + ONLY,
                "-Dlogback.configurationFile=io/muster/fuzz/logback.xml",
                "-Xmx512m",
                "-XX:+EnableDynamicAgentLoading",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                        .replace(':', File.pathSeparatorChar),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + Fuzz.class.getName(),
                "--instrumentation_includes=io.muster.**:io.vertx.core.json.**:com.fasterxml.jackson.core.**",
                "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.UnsafeSanitizer", // trips over the way that
                // Netty is loaded
                "--reproducer_path=" + folder,
                "-artifact_prefix=" + folder + "/",
                SECONDS > 0 ? "-max_total_time=" + SECONDS : "-runs=" + INPUTS,
                "-max_len=16384",
                "-dict=" + words,
                "-print_final_stats=1",
                corpus.toString()));
        Path said = folder.resolve("said");
        Process fuzzer = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        try {
            awaitEnd(fuzzer);
        } finally {
            fuzzer.destroyForcibly();
        }
        String text = Files.readString(said);
        assertThat(fuzzer.exitValue())
                .as("what it found (put the Base64 line into found.txt):\n" + text)
                .isZero();
        Matcher done = DONE.matcher(text);
        assertThat(done.find()).as(text).isTrue();
        assertThat(Long.parseLong(done.group(1))).as("inputs").isGreaterThanOrEqualTo(SECONDS > 0 ? 1 : INPUTS);
        String last = text.lines()
                .filter(line -> line.contains(" cov: "))
                .reduce((_, later) -> later)
                .orElse("");
        System.out.println("FuzzTest: " + done.group() + "; " + last.strip());
    }
}
