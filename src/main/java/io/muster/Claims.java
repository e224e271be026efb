package io.muster;

import io.muster.barrier.GroupPorts.SeatAnswer;
import io.muster.barrier.GroupPorts.WitnessAnswer;
import io.muster.barrier.SeatEvent.IncumbentAnswered.Answer;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.segment.CanonicalReader;
import io.muster.segment.CanonicalReader.MalformedException;
import io.muster.segment.CanonicalWriter;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.ProcessAddress;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks other processes who holds a rank, and answers them: what a newcomer needs to know before it takes a seat over. Questions and
 * answers travel on the control connection. May be called from any context.
 */
final class Claims {
  private static final Logger LOG = LoggerFactory.getLogger(Claims.class);
  private static final int HOLDS = 'h';
  private static final int REACHES = 'r';
  private static final int ANSWER = 'a';
  private static final int WITNESSES = 2;

  private final OwnContext own;
  private final Function<ProcessAddress, Future<Channel>> connect;
  private final BiPredicate<GroupName, Member> holdsHere;
  private final Function<RankEntry, LinkEvent.Reach> reach;
  private final ProcessAddress here;
  private final long limitMs;
  private final AtomicLong nextId = new AtomicLong();
  /** Questions that wait for an answer; asked on any context, answered on the control connection's. */
  private final Map<Long, Promise<Boolean>> asked = new ConcurrentHashMap<>();

  Claims(OwnContext own, Function<ProcessAddress, Future<Channel>> connect, BiPredicate<GroupName, Member> holdsHere,
      Function<RankEntry, LinkEvent.Reach> reach, ProcessAddress here, long limitMs) {
    this.own = own;
    this.connect = connect;
    this.holdsHere = holdsHere;
    this.reach = reach;
    this.here = here;
    this.limitMs = limitMs;
  }

  /** Whether the process that an entry names holds the life that it names. Never fails. */
  Future<SeatAnswer> askIncumbent(RankEntry incumbent) {
    SegmentHandle handle = incumbent.handle();
    if (handle.process().equals(here.process())) {
      return Future.succeededFuture(holdsHere.test(incumbent.group(), incumbent.member())
          ? new SeatAnswer(Answer.HOLDS, "this very process holds it") : new SeatAnswer(Answer.GONE, "this process holds it no more"));
    }
    if (reach.apply(incumbent) instanceof LinkEvent.Reach.Unusable(String why)) {
      return Future.succeededFuture(new SeatAnswer(Answer.SILENT, why));
    }
    if (handle.host().equals(here.host()) && handle.port() == here.port()) {
      return Future.succeededFuture(new SeatAnswer(Answer.GONE, "this process listens at its address now"));
    }
    return connect.apply(address(handle))
        .compose(channel -> ask(channel, HOLDS, incumbent))
        .map(holds -> holds ? new SeatAnswer(Answer.HOLDS, "it answers") : new SeatAnswer(Answer.GONE, "its process answers that it has ended"))
        .otherwise(failure -> failure instanceof ConnectException failed ? new SeatAnswer(switch (failed.kind()) {
          case REFUSED, OTHER_PROCESS -> Answer.GONE;
          case SILENT, UNREACHABLE, PROTOCOL, CUT, LOCAL -> Answer.SILENT;
        }, String.valueOf(failed.getMessage())) : new SeatAnswer(Answer.SILENT, String.valueOf(failure.getMessage())));
  }

  /** Whether one of two other processes reaches the one that an entry names. Never fails. */
  Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
    List<RankEntry> chosen = new ArrayList<>();
    for (RankEntry other : others) {
      if (chosen.size() < WITNESSES && chosen.stream().noneMatch(one -> one.handle().process().equals(other.handle().process()))) {
        chosen.add(other);
      }
    }
    List<Future<WitnessAnswer>> answers = chosen.stream().map(witness -> connect.apply(address(witness.handle()))
        .compose(channel -> ask(channel, REACHES, incumbent))
        .otherwise(false)
        .map(reaches -> new WitnessAnswer(reaches, witness.handle().host() + ":" + witness.handle().port()))).toList();
    return Future.join(answers).map(all -> all.<WitnessAnswer>list().stream().filter(WitnessAnswer::reachable).findFirst()
        .orElse(new WitnessAnswer(false, "")));
  }

  private Future<Boolean> ask(Channel channel, int question, RankEntry about) {
    long id = nextId.incrementAndGet();
    Promise<Boolean> promise = Promise.promise();
    asked.put(id, promise);
    own.after(limitMs, () -> promise.tryFail("no answer after " + limitMs + " ms"));
    byte[] head = new CanonicalWriter().u8(question).i64(id).toByteArray();
    channel.send(ControlKind.CLAIM, Buffer.buffer(head).appendBytes(Schema.encode(about).toByteArray()));
    return promise.future().onComplete(_ -> asked.remove(id));
  }

  /** A message of this kind has come. */
  void received(Channel channel, Buffer payload) {
    try {
      var in = new CanonicalReader(payload.getBytes());
      int kind = in.u8("kind");
      long id = in.i64("id");
      switch (kind) {
        case ANSWER -> answered(id, in.flag("answer"));
        case HOLDS -> about(in, entry -> answer(channel, id, holdsHere.test(entry.group(), entry.member())));
        case REACHES -> about(in, entry -> askIncumbent(entry)
            .onSuccess(answer -> answer(channel, id, answer.answer() == Answer.HOLDS)));
        default -> throw new MalformedException("kind: " + kind);
      }
    } catch (MalformedException e) {
      LOG.warn("muster.claim.malformed process={} reason={}", channel.address(), e.getMessage());
    }
  }

  private static void about(CanonicalReader in, java.util.function.Consumer<RankEntry> then) throws MalformedException {
    switch (Schema.rankEntry(io.muster.segment.StoredBytes.copyOf(in.rest()))) {
      case io.muster.segment.Decoded.Valid<RankEntry>(RankEntry entry) -> then.accept(entry);
      case io.muster.segment.Decoded.Malformed<RankEntry>(String reason) -> throw new MalformedException(reason);
    }
  }

  private void answered(long id, boolean answer) {
    Promise<Boolean> promise = asked.get(id);
    if (promise != null) {
      promise.tryComplete(answer);
    }
  }

  private static void answer(Channel channel, long id, boolean answer) {
    channel.send(ControlKind.CLAIM, Buffer.buffer(new CanonicalWriter().u8(ANSWER).i64(id).flag(answer).toByteArray()));
  }

  private static ProcessAddress address(SegmentHandle handle) {
    return new ProcessAddress(handle.process(), handle.host(), handle.port());
  }
}
