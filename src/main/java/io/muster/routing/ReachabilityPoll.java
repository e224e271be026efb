// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.blame.View;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.Complaints;
import io.muster.transfer.ControlKind;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Asks the other processes of a group which processes they reach, and answers such questions.
 *
 * <p><b>What it holds.</b> One {@link Asked} per open question, by id: the process asked, the views received so far,
 * and the promise. It holds no state of a group and makes no finding: {@code BlameRules} does.
 *
 * <p><b>Threads.</b> May be called from any context; all maps are concurrent. An answer arrives on the context of its
 * channel.
 *
 * <p><b>Order of events.</b> The asker sends one question to each process that it reaches, and names in it the
 * processes that it does not reach. The receiver answers at once with its own view. If it reaches some of the named
 * processes, it asks them in turn, with half of the time, and sends their views in a second answer. The last answer
 * carries the flag {@code last}. The poll completes when every question has its last answer or its time is over.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>A poll never fails, and contains the view of the asker.
 *   <li>An answer counts only if it comes from the process that was asked. The first view of each observer counts.
 *   <li>A question that is passed on names no further processes, so it goes no further than one step.
 *   <li>A question leaves no timer and no map entry behind.
 * </ul>
 *
 * <p><b>The trap that shaped it.</b> It is used when a process hangs, and then the cluster's event bus may hang too. So
 * it uses the control connections only. And without the detour the two sides of a broken connection would poll
 * different processes and blame different ones.
 */
public final class ReachabilityPoll {
    private static final int ASK = 'v';
    private static final int ANSWER = 'a';
    private static final int MAX_ASKED = 4096;
    /** Upper limit of the time that an asker may ask this process to wait for it. */
    private static final int MAX_WITHIN_MS = 60_000;

    private final Ports ports;
    private final Complaints malformed =
            new Complaints(LoggerFactory.getLogger(ReachabilityPoll.class), LogEvents.VIEW_MALFORMED);
    private final AtomicLong nextId = new AtomicLong();
    private final Map<Long, Asked> asked = new ConcurrentHashMap<>();

    /** A question to one process: the views received so far. Completes with its last answer or at the deadline. */
    private record Asked(ProcessId process, Map<ProcessId, View> views, Promise<Void> done) {}

    /** The services of the process. */
    public interface Ports {
        /** A living channel to a process, null if there is none. */
        @Nullable
        Channel channelTo(ProcessId process);

        /** The view of this process in a group; fails if it has no such group. */
        Future<View> viewHere(GroupName group);

        /** Runs the task once, after the delay, unless the returned action has run before. */
        Runnable after(long delayMs, Runnable task);
    }

    public ReachabilityPoll(Ports ports) {
        this.ports = ports;
    }

    /**
     * The views of all processes that answer in time, the own one included. Never fails.
     *
     * @param others the other processes of the group
     */
    public Future<Collection<View>> ask(GroupName group, View own, Collection<ProcessId> others, long withinMs) {
        Set<ProcessId> unreached = new TreeSet<>();
        List<Channel> reached = new ArrayList<>();
        others.forEach(other -> {
            Channel channel = ports.channelTo(other);
            if (channel == null) {
                unreached.add(other);
            } else {
                reached.add(channel);
            }
        });
        Map<ProcessId, View> views = new ConcurrentHashMap<>();
        views.put(own.observer(), own);
        return Future.join(reached.stream()
                        .map(channel -> ask(group, channel, unreached, withinMs, views))
                        .toList())
                .transform(_ -> Future.succeededFuture(views.values()));
    }

    private Future<Void> ask(
            GroupName group,
            Channel channel,
            Collection<ProcessId> through,
            long withinMs,
            Map<ProcessId, View> views) {
        long id = nextId.incrementAndGet();
        Promise<Void> done = Promise.promise();
        asked.put(id, new Asked(channel.peer(), views, done));
        Runnable cancel = ports.after(withinMs, done::tryComplete);
        var out = new CanonicalWriter()
                .u8(ASK)
                .i64(id)
                .text(group.value())
                .i32((int) Math.min(withinMs, Integer.MAX_VALUE))
                .i32(through.size());
        through.forEach(one -> out.i64(one.high()).i64(one.low()));
        channel.send(ControlKind.VIEW, Buffer.buffer(out.toByteArray()));
        return done.future().onComplete(_ -> {
            asked.remove(id);
            cancel.run();
        });
    }

    /** A question or an answer has arrived. */
    public void received(Channel channel, Buffer payload) {
        try {
            var in = new CanonicalReader(payload.getBytes());
            int kind = in.u8("kind");
            long id = in.i64("id");
            switch (kind) {
                case ASK -> asked(channel, id, in);
                case ANSWER -> answered(channel, id, in);
                default -> throw new MalformedException("kind: " + kind);
            }
        } catch (MalformedException | MusterException e) {
            malformed.note(
                    channel.address().host(),
                    "sent a malformed view message: process=" + channel.peer() + " reason=" + e.getMessage());
        }
    }

    private void asked(Channel asker, long id, CanonicalReader in) throws MalformedException {
        var group = new GroupName(in.text("group", 64));
        int withinMs = Math.min(MAX_WITHIN_MS, in.bounded("within", Integer.MAX_VALUE));
        Set<ProcessId> wanted = new TreeSet<>();
        for (int left = in.bounded("through", MAX_ASKED); left > 0; left--) {
            wanted.add(new ProcessId(in.i64("process"), in.i64("process")));
        }
        in.end();
        List<Channel> through = wanted.stream()
                .flatMap(one -> Stream.ofNullable(ports.channelTo(one)))
                .toList();
        ports.viewHere(group)
                .onSuccess(own -> {
                    answer(asker, id, List.of(own), through.isEmpty());
                    if (!through.isEmpty()) {
                        Map<ProcessId, View> theirs = new ConcurrentHashMap<>();
                        Future.join(through.stream()
                                        .map(channel -> ask(group, channel, List.of(), withinMs / 2, theirs))
                                        .toList())
                                .onComplete(_ -> answer(asker, id, theirs.values(), true));
                    }
                })
                .onFailure(_ -> answer(asker, id, List.of(), true));
    }

    private static void answer(Channel asker, long id, Collection<View> views, boolean last) {
        var out = new CanonicalWriter().u8(ANSWER).i64(id).flag(last).i32(views.size());
        views.forEach(view -> view.writeTo(out));
        asker.send(ControlKind.VIEW, Buffer.buffer(out.toByteArray()));
    }

    /** Takes the views, if they come from the process that was asked. */
    private void answered(Channel channel, long id, CanonicalReader in) throws MalformedException {
        boolean last = in.flag("last");
        List<View> views = new ArrayList<>();
        for (int left = in.bounded("views", MAX_ASKED); left > 0; left--) {
            views.add(View.readFrom(in));
        }
        in.end();
        Asked waiting = asked.get(id);
        if (waiting == null || !waiting.process().equals(channel.peer())) {
            return;
        }
        views.forEach(view -> waiting.views().putIfAbsent(view.observer(), view));
        if (last) {
            waiting.done().tryComplete();
        }
    }
}
