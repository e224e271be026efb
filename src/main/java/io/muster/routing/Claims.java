// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Network.SeatAnswer;
import io.muster.barrier.Network.WitnessAnswer;
import io.muster.group.GroupName;
import io.muster.group.HostPort;
import io.muster.group.LogEvents;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.transfer.Channel;
import io.muster.transfer.Complaints;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Asks other processes whether they hold a rank, and answers such questions. A newcomer asks before it takes over a
 * seat. Questions and answers travel on the control connection. May be called from any context.
 */
public final class Claims {
    private static final int HOLDS = 'h';
    private static final int REACHES = 'r';
    private static final int ANSWER = 'a';
    private static final int WITNESSES = 2;
    /**
     * The incumbent may use this fraction of the asker's time limit to write its entry again. The rest is for the
     * network, including the detour through witnesses.
     */
    private static final int SHARE_OF_LIMIT = 4;

    private final Ports ports;
    private final Supplier<ProcessAddress> own;
    private final long limitMs;
    private final Complaints malformed =
            new Complaints(LoggerFactory.getLogger(Claims.class), LogEvents.CLAIM_MALFORMED);
    private final AtomicLong nextId = new AtomicLong();
    /** Unanswered questions: added on any context, answered on the control connection's. */
    private final Map<Long, Question> asked = new ConcurrentHashMap<>();

    /** A question about a group, and the process that was asked. */
    private record Question(GroupName group, ProcessId process, Promise<Answer> answer) {}

    /** The services of the process. */
    public interface Ports {
        /** A channel to a process, as the group uses it. */
        Future<Channel> connect(ProcessAddress address, GroupName group);

        /** A channel as the group uses it: signed, if the group has a secret. */
        default Channel over(Channel channel, GroupName group) {
            return channel;
        }

        /**
         * Whether a message about a group that came over a channel may be trusted.
         *
         * @param signedBy the group whose secret signed it, null if it is unsigned
         */
        default boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy) {
            return signedBy == null;
        }

        /** Whether and how the process of an entry can be reached from here. */
        LinkEvent.Reach reach(RankEntry entry);

        /** Whether this process holds the life that an entry names, after writing it again if it does. Never fails. */
        Future<Answer> holdsHere(RankEntry about, long withinMs);

        /** Runs the task once, after the delay, unless the returned action has run before. */
        Runnable after(long delayMs, Runnable task);
    }

    /**
     * {@code ports} and {@code own} are not called before the first question or message.
     *
     * @param own the address of this process
     * @param limitMs time that a question waits for its answer
     */
    public Claims(Ports ports, Supplier<ProcessAddress> own, long limitMs) {
        this.ports = ports;
        this.own = own;
        this.limitMs = limitMs;
    }

    /** Whether the process that an entry names holds the life that it names. Never fails. */
    public Future<SeatAnswer> askIncumbent(RankEntry incumbent) {
        SegmentHandle handle = incumbent.handle();
        ProcessAddress here = own.get();
        if (handle.process().equals(here.process())) {
            return answerHere(incumbent).map(answer -> new SeatAnswer(answer, "this very process answers"));
        }
        if (ports.reach(incumbent) instanceof LinkEvent.Reach.Unusable(String why)) {
            return Future.succeededFuture(new SeatAnswer(Answer.SILENT, why));
        }
        if (handle.host().equals(here.host()) && handle.port() == here.port()) {
            return Future.succeededFuture(new SeatAnswer(Answer.GONE, "this process listens at its address now"));
        }
        return ports.connect(address(handle), incumbent.group())
                .compose(channel -> ask(channel, HOLDS, incumbent))
                .map(answer -> new SeatAnswer(
                        answer, answer == Answer.GONE ? "its process answers that it has ended" : "it answers"))
                .otherwise(failure -> failure instanceof ConnectException failed
                        ? new SeatAnswer(
                                switch (failed.kind()) {
                                    case REFUSED, OTHER_PROCESS -> Answer.GONE;
                                    case SILENT, UNREACHABLE, PROTOCOL, UNPROVED, CUT, LOCAL -> Answer.SILENT;
                                },
                                String.valueOf(failed.getMessage()))
                        : new SeatAnswer(Answer.SILENT, String.valueOf(failure.getMessage())));
    }

    /** Asks two other processes to ask the process that an entry names. Never fails. */
    public Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
        List<RankEntry> chosen = new ArrayList<>();
        for (RankEntry other : others) {
            if (chosen.size() < WITNESSES
                    && chosen.stream()
                            .noneMatch(one ->
                                    one.handle().process().equals(other.handle().process()))) {
                chosen.add(other);
            }
        }
        List<Future<WitnessAnswer>> answers = chosen.stream()
                .map(witness -> ports.connect(address(witness.handle()), incumbent.group())
                        .compose(channel -> ask(channel, REACHES, incumbent))
                        .otherwise(Answer.SILENT)
                        .map(answer -> new WitnessAnswer(
                                answer,
                                HostPort.text(
                                        witness.handle().host(),
                                        witness.handle().port()))))
                .toList();
        return Future.join(answers)
                .map(all -> all.<WitnessAnswer>list().stream()
                        .filter(one -> one.answer() == Answer.HOLDS)
                        .findFirst()
                        .orElse(WitnessAnswer.NONE));
    }

    private Future<Answer> answerHere(RankEntry about) {
        return ports.holdsHere(about, limitMs / SHARE_OF_LIMIT);
    }

    private Future<Answer> ask(Channel channel, int question, RankEntry about) {
        long id = nextId.incrementAndGet();
        Promise<Answer> promise = Promise.promise();
        asked.put(id, new Question(about.group(), channel.peer(), promise));
        Runnable cancel = ports.after(limitMs, () -> promise.tryFail("no answer after " + limitMs + " ms"));
        byte[] head = new CanonicalWriter().u8(question).i64(id).toByteArray();
        channel.send(
                ControlKind.CLAIM,
                Buffer.buffer(head).appendBytes(Schema.encode(about).toByteArray()));
        return promise.future().onComplete(_ -> {
            asked.remove(id);
            cancel.run();
        });
    }

    /**
     * A claim message has arrived.
     *
     * @param signedBy the group whose secret signed it, null if it is unsigned
     */
    public void received(Channel channel, @Nullable GroupName signedBy, Buffer payload) {
        try {
            var in = new CanonicalReader(payload.getBytes());
            int kind = in.u8("kind");
            long id = in.i64("id");
            switch (kind) {
                case ANSWER -> {
                    Answer answer = in.constant("answer", Answer.values());
                    in.end();
                    answered(channel, signedBy, id, answer);
                }
                case HOLDS ->
                    about(
                            in,
                            channel,
                            signedBy,
                            entry -> answerHere(entry)
                                    .onSuccess(answer -> answer(ports.over(channel, entry.group()), id, answer)));
                case REACHES ->
                    about(
                            in,
                            channel,
                            signedBy,
                            entry -> askIncumbent(entry)
                                    .onSuccess(
                                            answer -> answer(ports.over(channel, entry.group()), id, answer.answer())));
                default -> throw new MalformedException("kind: " + kind);
            }
        } catch (MalformedException e) {
            malformed.note(
                    channel.address().host(),
                    "sent a malformed claim message: process=" + channel.peer() + " reason=" + e.getMessage());
        }
    }

    private void about(CanonicalReader in, Channel channel, @Nullable GroupName signedBy, Consumer<RankEntry> then)
            throws MalformedException {
        switch (Schema.rankEntry(StoredBytes.copyOf(in.rest()))) {
            case Decoded.Valid<RankEntry>(RankEntry entry) -> {
                if (ports.isTrusted(channel, entry.group(), signedBy)) {
                    then.accept(entry);
                }
            }
            case Decoded.Malformed<RankEntry>(String reason) -> throw new MalformedException(reason);
        }
    }

    private void answered(Channel channel, @Nullable GroupName signedBy, long id, Answer answer) {
        Question question = asked.get(id);
        if (question != null
                && question.process().equals(channel.peer())
                && ports.isTrusted(channel, question.group(), signedBy)) {
            question.answer().tryComplete(answer);
        }
    }

    private static void answer(Channel channel, long id, Answer answer) {
        channel.send(
                ControlKind.CLAIM,
                Buffer.buffer(new CanonicalWriter()
                        .u8(ANSWER)
                        .i64(id)
                        .u8(answer.ordinal())
                        .toByteArray()));
    }

    private static ProcessAddress address(SegmentHandle handle) {
        return new ProcessAddress(handle.process(), handle.host(), handle.port());
    }
}
