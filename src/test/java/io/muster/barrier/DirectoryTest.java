// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.muster.epoch.BarrierSetup;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.wire.StoredBytes;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Warnings about entries that a process cannot use. */
class DirectoryTest {
    private static final Logger LOG = (Logger) org.slf4j.LoggerFactory.getLogger(Directory.class);

    private long nowNanos = 10;
    private final BarrierSetup setup =
            new BarrierSetup(new GroupName("g"), 2, new ProcessId(0, 1), 30, 200, 0, 250, 100);
    private final GroupPorts nobodyIsAsked = (GroupPorts)
            Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {GroupPorts.class}, (_, method, _) -> {
                throw new AssertionError(method.getName());
            });
    private final Directory directory = new Directory(
            setup, new StoredValues(setup), new WorldSizes(setup, nobodyIsAsked, Map.of()), () -> nowNanos);
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();

    @BeforeEach
    void listen() {
        lines.start();
        LOG.addAppender(lines);
    }

    @AfterEach
    void stopListening() {
        LOG.detachAppender(lines);
    }

    // B-3
    @Test
    void knowsSinceWhenAKeyHoldsNoLiveEntry() {
        assertThat(directory.sinceNanos(0)).isNull();
        learn(entry(RankEntry.State.LIVE, 1));
        nowNanos = 20;
        learn(entry(RankEntry.State.LIVE, 2));
        assertThat(directory.sinceNanos(0)).isEqualTo(10);
        learn(entry(RankEntry.State.GONE, 2));
        nowNanos = 30;
        learn(null);
        assertThat(directory.sinceNanos(0)).isEqualTo(20);
    }

    private void learn(@Nullable RankEntry entry) {
        directory.learn(0, entry == null ? null : new Versioned<>(Schema.encode(entry), entry));
    }

    private RankEntry entry(RankEntry.State state, int revision) {
        var handle = new SegmentHandle(
                new ProcessId(0, 1),
                "127.0.0.1",
                7000,
                "host",
                100,
                "",
                "auto",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                List.of());
        return new RankEntry(setup.group(), 2, new Member(0, 1, new LifeId(1, 2)), state, revision, handle);
    }

    // S-6: a writer of the store can write without end
    @Test
    void repeatedRejectionsOfAKeyWarnLessAndLess() {
        for (int times = 0; times < 100; times++) {
            directory.decode(0, StoredBytes.copyOf(new byte[] {7}));
            assertThat(directory.rejected()).containsKey(0);
            directory.decode(0, null);
        }
        List<String> warnings = lines.list.stream()
                .filter(line -> line.getLevel() == Level.WARN)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
        assertThat(warnings).hasSize(7);
        assertThat(warnings.getLast()).startsWith("muster.entry.rejected group=g rank=0 times=64 reason=");
    }
}
