// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.Fuzz;
import io.muster.barrier.Network.SeatAnswer;
import io.muster.blame.View;
import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.routing.Claims;
import io.muster.routing.ReachabilityPoll;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RandomValues;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RecordingChannel;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What processes ask each other on the control connection, about ranks and about who reaches whom, for {@link Fuzz}.
 */
public final class QuestionsFuzz {
    private static final GroupName GROUP = new GroupName("g");
    private static final ProcessId HERE = new ProcessId(0, 1);
    private static final ProcessId PEER = new ProcessId(0, 2);
    private static final ProcessId OTHER = new ProcessId(0, 3);
    private static final int ANSWER = 'a';
    private static final long QUESTION = 1;

    private QuestionsFuzz() {}

    /** Made once per JVM, when the first input needs it. */
    private static final class Known {
        static final MusterContext OWN = new MusterContext(Vertx.vertx(), 0);
        static final RankEntry ENTRY = new RandomValues("QuestionsFuzz", 7).entry(GROUP, 0);
    }

    // ---- CLAIM

    /** The process that is asked; everybody may be dialled, and nobody who is dialled answers. */
    private record ClaimPorts(boolean trusts) implements Claims.Ports {
        @Override
        public Future<Channel> connect(ProcessAddress address, GroupName group) {
            return Future.succeededFuture(new RecordingChannel(PEER));
        }

        @Override
        public boolean isTrusted(Channel channel, GroupName group, @Nullable GroupName signedBy) {
            return trusts;
        }

        @Override
        public LinkEvent.Reach reach(RankEntry entry) {
            return new LinkEvent.Reach.Dialable();
        }

        @Override
        public Future<Answer> holdsHere(RankEntry about, long withinMs) {
            return Future.succeededFuture(Answer.HOLDS);
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            return () -> {};
        }
    }

    /**
     * A message about a claim, while a question of this process is open: from whom it was asked, from another, and
     * where nobody is trusted.
     */
    public static void claim(byte[] bytes) {
        claim(bytes, true, PEER);
        claim(bytes, true, OTHER);
        claim(bytes, false, PEER);
    }

    private static void claim(byte[] bytes, boolean trusts, ProcessId from) {
        var claims = new Claims(new ClaimPorts(trusts), () -> new ProcessAddress(HERE, "127.0.0.1", 1), 1_000);
        Future<SeatAnswer> asked = claims.askIncumbent(Known.ENTRY);
        List<Buffer> heard = new ArrayList<>();
        claims.received(
                new RecordingChannel(from).onSend((kind, payload) -> {
                    check(kind == ControlKind.CLAIM, "answered as " + kind);
                    heard.add(payload);
                }),
                null,
                Buffer.buffer(bytes));
        if (asked.isComplete()) {
            check(trusts && from.equals(PEER), "an answer of somebody else is believed");
            check(Arrays.equals(bytes, claimAnswer(asked.result().answer())), "believed, but not what an answer is");
        }
        check(heard.size() <= (trusts ? 1 : 0), heard.size() + " answers");
        for (Buffer answer : heard) {
            var in = new CanonicalReader(answer.getBytes());
            try {
                check(
                        in.u8("kind") == ANSWER
                                && in.i64("id")
                                        == new CanonicalReader(Arrays.copyOfRange(bytes, 1, bytes.length)).i64("id"),
                        "an answer to another question");
                in.constant("answer", Answer.values());
                in.end();
            } catch (MalformedException e) {
                throw new AssertionError("an answer that nobody can read", e);
            }
        }
    }

    private static byte[] claimAnswer(Answer answer) {
        return new CanonicalWriter()
                .u8(ANSWER)
                .i64(QUESTION)
                .u8(answer.ordinal())
                .toByteArray();
    }

    public static List<byte[]> goodClaims() {
        List<byte[]> good = new ArrayList<>();
        for (int kind : new int[] {'h', 'r'}) {
            good.add(Buffer.buffer(new CanonicalWriter().u8(kind).i64(5).toByteArray())
                    .appendBytes(Schema.encode(Known.ENTRY).toByteArray())
                    .getBytes());
        }
        good.add(claimAnswer(Answer.HOLDS));
        return good;
    }

    // ---- VIEW

    /**
     * A message about who reaches whom, while a question of this process is open, from whom it was asked and from
     * another.
     */
    public static void view(byte[] bytes) {
        view(bytes, PEER);
        view(bytes, OTHER);
    }

    private static void view(byte[] bytes, ProcessId from) {
        var reaches = new View(HERE, Set.of(PEER, OTHER), Map.of());
        List<ReachabilityPoll> asking = new ArrayList<>();
        List<ProcessId> through = new ArrayList<>();
        var silent = new RecordingChannel(PEER);
        // whoever is asked on behalf of the sender has nothing to say, and says so at once
        var obliging = new RecordingChannel(OTHER);
        var speaking = new RecordingChannel(OTHER).onSend((_, payload) -> {
            through.add(OTHER);
            asking.getFirst().received(obliging, Buffer.buffer(answerTo(payload)));
        });
        var observers = new ReachabilityPoll(new ReachabilityPoll.Ports() {
            @Override
            public @Nullable Channel channelTo(ProcessId process) {
                return process.equals(PEER) ? silent : process.equals(OTHER) ? speaking : null;
            }

            @Override
            public Future<View> viewHere(GroupName group) {
                return group.equals(GROUP) ? Future.succeededFuture(reaches) : Future.failedFuture("no group " + group);
            }

            @Override
            public Runnable after(long delayMs, Runnable task) {
                return Known.OWN.after(delayMs, task);
            }
        });
        asking.add(observers);
        Future<Collection<View>> asked = observers.ask(GROUP, reaches, List.of(PEER), 1);
        List<Buffer> heard = new ArrayList<>();
        var sender = new RecordingChannel(from).onSend((kind, payload) -> {
            check(kind == ControlKind.VIEW, "answered as " + kind);
            heard.add(payload);
        });
        observers.received(sender, Buffer.buffer(bytes));
        check(through.size() <= 1, "one message makes this process ask another " + through.size() + " times");
        check(heard.size() <= 2, heard.size() + " answers");
        heard.forEach(answer -> check(
                answer.getByte(0) == ANSWER && Arrays.equals(answer.getBytes(1, 9), Arrays.copyOfRange(bytes, 1, 9)),
                "an answer to another question"));
        if (asked.isComplete()) { // or by its deadline of a millisecond, with the own view
            check(asked.succeeded() && asked.result().contains(reaches), "the own view is lost");
            check(from.equals(PEER) || asked.result().size() == 1, "an answer of somebody else is believed");
        }
    }

    private static byte[] answerTo(Buffer question) {
        return Buffer.buffer()
                .appendByte((byte) ANSWER)
                .appendBytes(question.getBytes(1, 9))
                .appendByte((byte) 1)
                .appendInt(0)
                .getBytes();
    }

    public static List<byte[]> goodViews() {
        var seen = new View(
                PEER, Set.of(HERE), Map.of(OTHER, new View.Missed(View.How.SILENT, "nothing heard for 3000 ms")));
        var answer = new CanonicalWriter().u8(ANSWER).i64(QUESTION).flag(true).i32(1);
        seen.writeTo(answer);
        return List.of(
                answer.toByteArray(),
                new CanonicalWriter()
                        .u8('v')
                        .i64(5)
                        .text("g")
                        .i32(1_000)
                        .i32(2)
                        .i64(OTHER.high())
                        .i64(OTHER.low())
                        .i64(PEER.high())
                        .i64(PEER.low())
                        .toByteArray(),
                new CanonicalWriter().u8('v').i64(6).text("h").i32(1_000).i32(0).toByteArray());
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
