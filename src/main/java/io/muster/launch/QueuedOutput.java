// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongFunction;

/**
 * A print stream whose callers never wait for the reader. Whole lines go into a bounded queue, and a thread of its own
 * writes them. A line that finds no room is dropped and counted; when the reader reads again, a line says how many were
 * dropped.
 *
 * <p>For processes with event loops: a supervisor that stops reading the pipe must not stop an event loop.
 */
public final class QueuedOutput extends PrintStream {
    /** The output of some ten thousand transitions of links. */
    private static final int MAX_BYTES = 8 << 20;
    /** How long an ending process waits until its last lines have been read. */
    private static final Duration LAST_OUTPUT = Duration.ofSeconds(1);

    private final Lines lines;

    QueuedOutput(PrintStream out, String name, int maxBytes, LongFunction<String> dropped) {
        this(new Lines(out, maxBytes, dropped));
        Thread.ofPlatform().daemon().name(name).start(lines::write);
    }

    private QueuedOutput(Lines lines) {
        super(lines, false, StandardCharsets.UTF_8);
        this.lines = lines;
    }

    /**
     * Puts a queue before standard output and standard error of this JVM. To be called before anything prints.
     *
     * @param json whether standard output has one JSON object per line and nothing else
     */
    public static void install(boolean json) {
        System.setOut(new QueuedOutput(
                System.out,
                "muster-stdout",
                MAX_BYTES,
                json ? count -> "{\"event\":\"output-dropped\",\"lines\":" + count + "}" : QueuedOutput::sentence));
        System.setErr(new QueuedOutput(System.err, "muster-stderr", MAX_BYTES, QueuedOutput::sentence));
    }

    private static String sentence(long count) {
        return "(" + count + " lines were dropped here, because this output was not read)";
    }

    /** Waits until the queues are empty, or for a second if nobody reads. Does nothing without queues. */
    public static void drain() {
        long endNanos = System.nanoTime() + LAST_OUTPUT.toNanos();
        for (PrintStream stream : new PrintStream[] {System.out, System.err}) {
            if (stream instanceof QueuedOutput queued) {
                queued.lines.awaitEmpty(endNanos);
            }
        }
    }

    void awaitEmpty(Duration atMost) {
        lines.awaitEmpty(System.nanoTime() + atMost.toNanos());
    }

    /** The queue. The print stream above calls it with its own lock held, so the parts of a line come together. */
    private static final class Lines extends OutputStream {
        private final PrintStream out;
        private final int maxBytes;
        private final LongFunction<String> notice;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        /** This and the fields below are guarded by the lock. */
        private final Queue<byte[]> queue = new ArrayDeque<>();

        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private int queuedBytes;
        private long dropped;
        private boolean writing;

        Lines(PrintStream out, int maxBytes, LongFunction<String> notice) {
            this.out = out;
            this.maxBytes = maxBytes;
            this.notice = notice;
        }

        @Override
        public void write(int one) {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int count) {
            lock.lock();
            try {
                int start = from;
                for (int i = from; i < from + count; i++) {
                    if (bytes[i] == '\n') {
                        line.write(bytes, start, i + 1 - start);
                        offer(line.toByteArray());
                        line.reset();
                        start = i + 1;
                    }
                }
                line.write(bytes, start, from + count - start);
            } finally {
                lock.unlock();
            }
        }

        private void offer(byte[] whole) {
            if (queuedBytes + whole.length > maxBytes) {
                dropped++;
                return;
            }
            tellDropped();
            add(whole);
        }

        private void tellDropped() {
            if (dropped > 0) {
                add((notice.apply(dropped) + System.lineSeparator()).getBytes(StandardCharsets.UTF_8));
                dropped = 0;
            }
        }

        private void add(byte[] whole) {
            queue.add(whole);
            queuedBytes += whole.length;
            changed.signalAll();
        }

        /** Writes until the JVM ends. */
        void write() {
            while (true) {
                byte[] next;
                lock.lock();
                try {
                    writing = false;
                    if (queue.isEmpty()) {
                        tellDropped();
                    }
                    changed.signalAll();
                    while (queue.isEmpty()) {
                        changed.awaitUninterruptibly();
                    }
                    next = queue.remove();
                    queuedBytes -= next.length;
                    writing = true;
                } finally {
                    lock.unlock();
                }
                out.write(next, 0, next.length);
                out.flush();
            }
        }

        void awaitEmpty(long endNanos) {
            lock.lock();
            try {
                long left = endNanos - System.nanoTime();
                while ((writing || !queue.isEmpty()) && left > 0) {
                    left = changed.awaitNanos(left);
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            } finally {
                lock.unlock();
            }
        }
    }
}
