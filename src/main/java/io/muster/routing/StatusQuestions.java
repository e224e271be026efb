// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
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
import org.jspecify.annotations.Nullable;

/**
 * Asks the other processes of a group for their part of the status, and answers such questions. The parts are opaque
 * here.
 *
 * <p>Questions and answers travel on the control connections and depend on no third process: the cluster's event bus
 * would have to register a consumer with the whole cluster, and waits while any member is frozen. An answer is sent in
 * pieces, since a part may be longer than a frame.
 *
 * <p>May be called from any context; the map is concurrent. The answer of a process arrives on the context of its
 * channel, so its pieces arrive one after the other.
 */
public final class StatusQuestions {
    private static final int ASK = 'q';
    private static final int ANSWER = 'a';
    /** Fits into the shortest frame that a process may agree to. */
    static final int PIECE_BYTES = 64 << 10;

    static final int MAX_PART_BYTES = 16 << 20;

    private final Ports ports;
    private final AtomicLong nextId = new AtomicLong();
    private final Map<Long, Question> asked = new ConcurrentHashMap<>();

    /** A question to one process, and what has arrived of its answer. */
    private record Question(GroupName group, ProcessId process, Buffer pieces, Promise<Buffer> answer) {}

    /**
     * What the other processes have answered. A process that is in neither collection was asked and did not answer.
     *
     * @param parts by process; empty if the process has no rank of the group any more
     * @param notAsked there is no connection to them
     */
    public record Answers(Map<ProcessId, Buffer> parts, Set<ProcessId> notAsked) {
        public Answers {
            parts = Map.copyOf(parts);
            notAsked = Set.copyOf(notAsked);
        }
    }

    /** The services of the process. */
    public interface Ports {
        /** A living channel to a process, null if there is none. */
        @Nullable
        Channel channelTo(ProcessId process);

        /** A channel as the group uses it: signed, if the group has a secret. */
        Channel over(Channel channel, GroupName group);

        /**
         * Whether a message about a group that came over a channel may be trusted.
         *
         * @param signedBy the group whose secret signed it, null if it is unsigned
         */
        boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy);

        /** The part of this process; fails if it has no such group. */
        Future<byte[]> statusHere(GroupName group);

        /** Runs the task once, after the delay, unless the returned action has run before. */
        Runnable after(long delayMs, Runnable task);

        /** A message could not be decoded. */
        void malformed(Channel channel, String reason);
    }

    public StatusQuestions(Ports ports) {
        this.ports = ports;
    }

    /** The parts of all processes that answer in time. Never fails. */
    public Future<Answers> ask(GroupName group, Collection<ProcessId> others, long withinMs) {
        Map<ProcessId, Buffer> parts = new ConcurrentHashMap<>();
        Set<ProcessId> notAsked = new TreeSet<>();
        List<Future<Buffer>> questions = new ArrayList<>();
        others.forEach(other -> {
            Channel channel = ports.channelTo(other);
            if (channel == null) {
                notAsked.add(other);
            } else {
                questions.add(ask(group, channel, withinMs).onSuccess(part -> parts.put(other, part)));
            }
        });
        return Future.join(questions).transform(_ -> Future.succeededFuture(new Answers(parts, notAsked)));
    }

    private Future<Buffer> ask(GroupName group, Channel channel, long withinMs) {
        long id = nextId.incrementAndGet();
        Promise<Buffer> answer = Promise.promise();
        asked.put(id, new Question(group, channel.peer(), Buffer.buffer(), answer));
        Runnable cancel = ports.after(withinMs, () -> answer.tryFail("no answer after " + withinMs + " ms"));
        ports.over(channel, group)
                .send(
                        ControlKind.STATUS,
                        Buffer.buffer(new CanonicalWriter()
                                .u8(ASK)
                                .i64(id)
                                .text(group.value())
                                .toByteArray()));
        return answer.future().onComplete(_ -> {
            asked.remove(id);
            cancel.run();
        });
    }

    /**
     * A question or an answer has arrived.
     *
     * @param signedBy the group whose secret signed it, null if it is unsigned
     */
    public void received(Channel channel, @Nullable GroupName signedBy, Buffer payload) {
        try {
            var in = new CanonicalReader(payload.getBytes());
            int kind = in.u8("kind");
            long id = in.i64("id");
            switch (kind) {
                case ASK -> {
                    var group = new GroupName(in.text("group", 64));
                    in.end();
                    if (ports.isTrusted(channel, group, signedBy)) {
                        ports.statusHere(group)
                                .otherwise(new byte[0])
                                .onSuccess(part -> answer(ports.over(channel, group), id, Buffer.buffer(part)));
                    }
                }
                case ANSWER -> answered(channel, signedBy, id, in.flag("last"), in.rest());
                default -> throw new MalformedException("kind: " + kind);
            }
        } catch (MalformedException | MusterException e) {
            ports.malformed(channel, String.valueOf(e.getMessage()));
        }
    }

    private static void answer(Channel asker, long id, Buffer part) {
        int from = 0;
        do {
            int to = Math.min(part.length(), from + PIECE_BYTES);
            byte[] head = new CanonicalWriter()
                    .u8(ANSWER)
                    .i64(id)
                    .flag(to == part.length())
                    .toByteArray();
            asker.send(ControlKind.STATUS, Buffer.buffer(head).appendBuffer(part, from, to - from));
            from = to;
        } while (from < part.length());
    }

    private void answered(Channel channel, @Nullable GroupName signedBy, long id, boolean last, byte[] piece)
            throws MalformedException {
        Question question = asked.get(id);
        if (question == null
                || !question.process().equals(channel.peer())
                || !ports.isTrusted(channel, question.group(), signedBy)) {
            return;
        }
        if (question.pieces().length() + piece.length > MAX_PART_BYTES) {
            asked.remove(id);
            throw new MalformedException("a status of more than " + MAX_PART_BYTES + " bytes");
        }
        question.pieces().appendBytes(piece);
        if (last) {
            question.answer().tryComplete(question.pieces());
        }
    }
}
