// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.LogEvents;
import io.muster.ops.FlightRecorder;
import io.muster.ops.StatusVerticle;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import io.vertx.core.Context;
import io.vertx.core.internal.ContextInternal;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices when an event loop that Muster needs stands still, because something blocks it. It gives each loop a task,
 * and measures on a thread of its own how long the task waits.
 *
 * <p>It counts the time in which its own thread ran: a process that was stopped as a whole blames none of its event
 * loops.
 */
public final class LoopWatch implements StatusVerticle.Loops {
    private static final Logger LOG = LoggerFactory.getLogger(LoopWatch.class);

    private final FlightRecorder flight;
    private final long limitNanos;
    private final long pauseMs;
    /** Set once, before the start. */
    private Runnable stalled = () -> {};

    private final Map<EventLoop, Watched> loops = new ConcurrentHashMap<>();
    private final Thread thread;

    /** One event loop. Its thread and the watching one meet here. */
    private static final class Watched {
        /** Whether the task of this watch still waits. */
        private volatile boolean waits;
        /** How long it has waited. Written by the watching thread. */
        private final AtomicLong waitedNanos = new AtomicLong();
        /** Whether this was reported. Used by the watching thread only. */
        private boolean reported;
    }

    /** @param limitMs an event loop that has not run for so long stands still; 0: never */
    LoopWatch(FlightRecorder flight, long limitMs) {
        this.flight = flight;
        this.limitNanos = limitMs == 0 ? Long.MAX_VALUE : TimeUnit.MILLISECONDS.toNanos(limitMs);
        this.pauseMs = Math.max(10, limitMs / 4);
        this.thread = Thread.ofVirtual().name("muster-loop-watch").unstarted(this::watch);
    }

    /** What to do when an event loop is found to stand still. */
    void onStalled(Runnable action) {
        stalled = action;
    }

    void start() {
        if (limitNanos < Long.MAX_VALUE) {
            thread.start();
        }
    }

    /** Watches the event loop of a context, from now on. */
    @Override
    public void add(Context context) {
        loops.computeIfAbsent(((ContextInternal) context).nettyEventLoop(), _ -> new Watched());
    }

    /**
     * A sentence if the event loop of one of these contexts stands still, else empty. May be called from any thread.
     */
    @Override
    public String trouble(List<Context> contexts) {
        return contexts.stream()
                .map(context -> sentence(((ContextInternal) context).nettyEventLoop()))
                .filter(sentence -> !sentence.isEmpty())
                .findFirst()
                .orElse("");
    }

    /** A sentence if any watched event loop stands still, else empty. */
    String trouble() {
        return loops.keySet().stream()
                .map(this::sentence)
                .filter(sentence -> !sentence.isEmpty())
                .findFirst()
                .orElse("");
    }

    private String sentence(EventLoop loop) {
        Watched watched = loops.get(loop);
        return watched != null && watched.waits && watched.waitedNanos.get() >= limitNanos
                ? sentence(loop, watched)
                : "";
    }

    private static String sentence(EventLoop loop, Watched watched) {
        return "the event loop " + name(loop) + " of this process has not run for "
                + watched.waitedNanos.get() / 1_000_000 + " ms; it is in " + where(loop)
                + ": nothing may block an event loop";
    }

    private static String name(EventLoop loop) {
        return loop instanceof SingleThreadEventExecutor executor
                ? executor.threadProperties().name()
                : loop.toString();
    }

    /** The innermost method that is not of the JDK, which blocks. */
    private static String where(EventLoop loop) {
        if (!(loop instanceof SingleThreadEventExecutor executor)) {
            return "an unknown method";
        }
        StackTraceElement[] stack = executor.threadProperties().stackTrace();
        return Arrays.stream(stack)
                .filter(frame -> frame.getModuleName() == null)
                .findFirst()
                .map(frame -> frame.getClassName() + "." + frame.getMethodName() + ":" + frame.getLineNumber())
                .orElse("an unknown method");
    }

    private void watch() {
        long last = System.nanoTime();
        while (true) {
            try {
                Thread.sleep(pauseMs);
            } catch (InterruptedException _) {
                return;
            }
            long now = System.nanoTime();
            long ran = Math.min(now - last, TimeUnit.MILLISECONDS.toNanos(2 * pauseMs));
            last = now;
            loops.forEach((loop, watched) -> look(loop, watched, ran));
        }
    }

    private void look(EventLoop loop, Watched watched, long ranNanos) {
        if (watched.waits) {
            long waitedNanos = watched.waitedNanos.addAndGet(ranNanos);
            if (!watched.reported && waitedNanos >= limitNanos) {
                watched.reported = true;
                String sentence = sentence(loop, watched);
                LOG.warn(LogEvents.LOOP_STALLED + " {}", sentence);
                flight.loop(name(loop), waitedNanos / 1_000_000, sentence);
                stalled.run();
            }
            return;
        }
        if (watched.reported) {
            long ms = watched.waitedNanos.get() / 1_000_000;
            LOG.warn(LogEvents.LOOP_RUNS + " loop={} ms={}: the event loop runs again", name(loop), ms);
            flight.loop(name(loop), ms, "runs again");
            watched.reported = false;
        }
        watched.waitedNanos.set(0);
        watched.waits = true;
        try {
            loop.execute(() -> watched.waits = false);
        } catch (RejectedExecutionException _) {
            loops.remove(loop); // Vert.x is closed
        }
    }

    /** Muster has been closed, or could not start. */
    public void close() {
        thread.interrupt();
    }
}
