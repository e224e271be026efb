// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.blame.View;
import io.muster.epoch.BarrierSetup;
import io.muster.group.Blame;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * When findings are published, at process 0. Two or three others are known, and process 1 answers. Process i holds rank
 * i.
 */
class BlameWatchTest {
    private static final BarrierSetup SETUP =
            new BarrierSetup(new GroupName("g"), 4, new ProcessId(0, 1), 30, 200, 0, 250, 100);
    private static final long RECONNECT_MS = 6_000;
    private static final LossEvidence CLOSED = new LossEvidence(LossEvidence.Kind.SOCKET_CLOSED, "closed");

    private final GroupPorts nothingIsAsked = (GroupPorts)
            Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {GroupPorts.class}, (_, method, _) -> {
                throw new AssertionError(method.getName());
            });
    private final GroupCore core = new GroupCore(SETUP, nothingIsAsked);
    private final Ports ports = new Ports();
    private final BlameWatch watch =
            new BlameWatch(SETUP, ports, core, new BarrierTiming(60_000, 0, 50, 1_000, RECONNECT_MS));

    private record Timer(long delayMs, Runnable task) {}

    private static final class Ports implements BlameWatch.Ports {
        final Deque<Timer> timers = new ArrayDeque<>();
        final List<String> published = new ArrayList<>();
        Set<Integer> missedByOne = Set.of();

        @Override
        public boolean reaches(ProcessId process) {
            return process.equals(process(1));
        }

        @Override
        public LinkTable links() {
            return new LinkTable(() -> 0);
        }

        @Override
        public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
            Map<ProcessId, View.Missed> missed = missedByOne.stream()
                    .collect(Collectors.toMap(
                            BlameWatchTest::process, _ -> new View.Missed(View.How.SILENT, "SILENCE")));
            Set<ProcessId> reached = new HashSet<>(others);
            reached.add(process(0));
            reached.remove(process(1));
            reached.removeAll(missed.keySet());
            var one = new View(process(1), reached, missed);
            return Future.succeededFuture(List.of(own, one));
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            var timer = new Timer(delayMs, task);
            timers.add(timer);
            return () -> timers.remove(timer);
        }

        @Override
        public void changed(Blame blame) {
            published.add(blame.findings().stream()
                    .map(finding -> finding.getClass().getSimpleName())
                    .toList()
                    .toString());
        }
    }

    private static ProcessId process(int i) {
        return new ProcessId(i, 1);
    }

    @BeforeEach
    void threeAreKnown() {
        know(3);
    }

    private void know(int ranks) {
        for (int rank = 0; rank < ranks; rank++) {
            var handle = new SegmentHandle(
                    process(rank),
                    "127.0.0.1",
                    7000 + rank,
                    "host",
                    100 + rank,
                    "",
                    "auto",
                    List.of("tcp"),
                    SegmentHandle.FabricOffer.NONE,
                    List.of());
            core.linkOpened(new RankEntry(
                    SETUP.group(), 4, new Member(rank, 1, new LifeId(rank, 1)), RankEntry.State.LIVE, 0, handle));
        }
    }

    private long runNextTimer() {
        Timer timer = ports.timers.remove();
        timer.task().run();
        return timer.delayMs();
    }

    private void runNextPoll() {
        run(ports.timers.stream()
                .filter(timer -> timer.delayMs() != RECONNECT_MS)
                .findFirst()
                .orElseThrow());
    }

    private void run(Timer timer) {
        ports.timers.remove(timer);
        timer.task().run();
    }

    @Test // ADR 46: as while the others detect a loss, one after the other
    void aPairAmongThreeIsPublishedOnceASecondPollFindsIt() {
        watch.lost(process(2), CLOSED);
        assertThat(runNextTimer()).isEqualTo(100);
        assertThat(watch.ask(50).result().findings()).as("nor by a report").isEmpty();
        assertThat(ports.published).isEmpty();
        assertThat(runNextTimer()).isEqualTo(1_000);
        assertThat(ports.published).containsExactly("[Pair]");
        assertThat(watch.ask(50).result().findings()).hasSize(1);
    }

    @Test // ADR 46
    void aProcessThatTwoMissIsPublishedAtOnceAndWithoutAPairBefore() {
        watch.lost(process(2), CLOSED);
        runNextTimer();
        ports.missedByOne = Set.of(2);
        runNextTimer();
        assertThat(ports.published).containsExactly("[Blamed]");
    }

    @Test // ADR 46: process 2 comes back, and has reconnected to process 1 only
    void aReturningProcessIsNoPairUntilAllCouldReconnect() {
        watch.lost(process(2), CLOSED);
        ports.missedByOne = Set.of(2);
        runNextPoll();
        ports.missedByOne = Set.of();
        for (int poll = 0; poll < 3; poll++) {
            runNextPoll();
        }
        assertThat(watch.ask(50).result().findings()).as("nor by a report").isEmpty();
        assertThat(ports.published).containsExactly("[Blamed]", "[]");

        run(ports.timers.stream()
                .filter(timer -> timer.delayMs() == RECONNECT_MS)
                .findFirst()
                .orElseThrow());
        runNextPoll();
        assertThat(ports.published).containsExactly("[Blamed]", "[]", "[Pair]");
    }

    @Test // ADR 46: the network is split, and process 1 has not noticed yet that it does not reach process 3
    void whileLossesAreDetectedNoProcessIsBlamedForASplit() {
        know(4);
        var silence = new LossEvidence(LossEvidence.Kind.SILENCE, "nothing received");
        watch.lost(process(2), silence);
        watch.lost(process(3), silence);
        ports.missedByOne = Set.of(2);
        runNextPoll();
        ports.missedByOne = Set.of(2, 3);
        runNextPoll();
        assertThat(ports.published).containsExactly("[Block]");
    }
}
