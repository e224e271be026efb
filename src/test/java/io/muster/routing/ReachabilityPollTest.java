// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.blame.View;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.RecordingChannel;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

// P-10: every process asks the same others, also those that only some reach
class ReachabilityPollTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final ProcessId A = new ProcessId(0, 1);
    private static final ProcessId B = new ProcessId(0, 2);
    private static final ProcessId C = new ProcessId(0, 3);

    private final Map<ProcessId, Node> nodes = new HashMap<>();
    private final Queue<Runnable> messages = new ArrayDeque<>();
    private final Node a = new Node(A, Set.of(B));
    private final Node b = new Node(B, Set.of(A, C));
    private final Node c = new Node(C, Set.of(B));

    /** One process, which reaches some of the others. */
    private final class Node implements ReachabilityPoll.Ports {
        final ProcessId id;
        final Set<ProcessId> reached;
        final ReachabilityPoll observers = new ReachabilityPoll(this);
        final List<Runnable> timers = new ArrayList<>();
        boolean hasGroup = true;
        boolean answers = true;

        Node(ProcessId id, Set<ProcessId> reached) {
            this.id = id;
            this.reached = reached;
            nodes.put(id, this);
        }

        View own() {
            return new View(id, reached, Map.of());
        }

        Future<Collection<View>> ask(ProcessId... others) {
            Future<Collection<View>> asked = observers.ask(GROUP, own(), List.of(others), 100);
            deliver();
            return asked;
        }

        @Override
        public @Nullable Channel channelTo(ProcessId process) {
            return reached.contains(process) ? to(process) : null;
        }

        /** The end at this process of its channel to another. */
        Channel to(ProcessId process) {
            return new RecordingChannel(process)
                    .onSend((_, payload) ->
                            messages.add(() -> nodes.get(process).receives(id, payload)));
        }

        void receives(ProcessId from, Buffer payload) {
            if (answers) {
                observers.received(to(from), payload);
            }
        }

        @Override
        public Future<View> viewHere(GroupName group) {
            return hasGroup
                    ? Future.succeededFuture(own())
                    : Future.failedFuture(MusterException.retry("no group here"));
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            timers.add(task);
            return () -> timers.remove(task);
        }
    }

    private void deliver() {
        for (Runnable next = messages.poll(); next != null; next = messages.poll()) {
            next.run();
        }
    }

    @Test
    void asksUnreachableProcessesThroughReachableOnes() {
        assertThat(a.ask(B, C).result()).containsExactlyInAnyOrder(a.own(), b.own(), c.own());
        assertThat(List.of(a.timers, b.timers, c.timers))
                .as("deadlines of questions that were answered")
                .containsOnly(List.of());
    }

    @Test
    void hasItsOwnViewIfNoOtherIsReached() {
        assertThat(new Node(new ProcessId(0, 9), Set.of()).ask(A, B).result()).hasSize(1);
    }

    @Test
    void waitsForASilentProcessOnlyUntilTheDeadline() {
        b.answers = false;
        Future<Collection<View>> asked = a.ask(B);
        assertThat(asked.isComplete()).isFalse();
        List.copyOf(a.timers).forEach(Runnable::run);
        assertThat(asked.result()).containsExactly(a.own());
    }

    @Test
    void hasTheViewOfTheRelayEvenIfTheThirdDoesNotAnswer() {
        c.answers = false;
        Future<Collection<View>> asked = a.ask(B, C);
        assertThat(asked.isComplete()).as("the middle waits for the third").isFalse();
        List.copyOf(b.timers).forEach(Runnable::run);
        deliver();
        assertThat(asked.result()).containsExactlyInAnyOrder(a.own(), b.own());
    }

    @Test
    void aProcessWithoutTheGroupAnswersAtOnceWithoutAView() {
        b.hasGroup = false;
        assertThat(a.ask(B).result()).containsExactly(a.own());
    }

    @Test
    void ignoresAnswersOfProcessesThatItDidNotAsk() {
        b.answers = false;
        Future<Collection<View>> asked = a.ask(B);
        Node forger = new Node(new ProcessId(0, 9), Set.of(A));
        forger.receives(A, question());
        deliver();
        assertThat(asked.isComplete()).isFalse();
    }

    /** The first question that a process asks, as it goes out. */
    private static Buffer question() {
        List<Buffer> said = new ArrayList<>();
        var asking = new ReachabilityPoll(new ReachabilityPoll.Ports() {
            @Override
            public Channel channelTo(ProcessId process) {
                return new RecordingChannel(process).onSend((_, payload) -> said.add(payload));
            }

            @Override
            public Future<View> viewHere(GroupName group) {
                return Future.failedFuture("not asked");
            }

            @Override
            public Runnable after(long delayMs, Runnable task) {
                return () -> {};
            }
        });
        asking.ask(GROUP, new View(A, Set.of(), Map.of()), List.of(B), 100);
        return said.getFirst();
    }
}
