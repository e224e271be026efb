package io.muster.barrier;

import static io.muster.barrier.BarrierValues.mark;
import static io.muster.barrier.BarrierValues.seen;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.BarrierEffect.Timer;
import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The rules of epochs, one by one, for the process of rank 0 in a group of two. */
class BarrierMachineTest {
  private static final GroupName GROUP = new GroupName("g");
  private static final Member ZERO = member(0, 10);
  private static final Member ONE = member(1, 20);
  private static final BarrierSetup SETUP = new BarrierSetup(GROUP, 2, new ProcessId(0, 1), 30, 200, 0, 250, 100);

  private BarrierState state = BarrierState.INITIAL;
  private List<BarrierEffect> effects = List.of();

  private static Member member(int rank, long incarnation) {
    return new Member(rank, incarnation, new LifeId(rank, incarnation));
  }

  private static Seen<RankEntry> entry(Member member) {
    var handle = new SegmentHandle(new ProcessId(0, member.rank() + 1), "h", 1, "", 0, "", "exchange", List.of("tcp"),
        SegmentHandle.FabricOffer.NONE, List.of());
    var entry = new RankEntry(GROUP, 2, member, RankEntry.State.LIVE, 0, handle);
    return new Seen<>(Schema.encode(entry), entry);
  }

  private static EpochRecord open(long number, Member... vector) {
    return BarrierValues.open(GROUP, number, vector);
  }

  private void when(BarrierEvent event) {
    when(SETUP, event);
  }

  private void when(BarrierSetup setup, BarrierEvent event) {
    var step = BarrierMachine.transition(setup, state, event);
    state = step.next();
    effects = step.effects();
  }

  private <T extends BarrierEffect> List<T> effects(Class<T> type) {
    List<T> found = new ArrayList<>();
    effects.forEach(effect -> {
      if (type.isInstance(effect)) {
        found.add(type.cast(effect));
      }
    });
    return found;
  }

  private static BarrierEvent.ReadDone read(@Nullable Seen<EpochRecord> basis, Map<Integer, Seen<ReadyMark>> marks) {
    return new BarrierEvent.ReadDone(basis, Map.of(0, entry(ZERO), 1, entry(ONE)), marks);
  }

  private @Nullable EpochRecord written() {
    List<BarrierEffect.WriteRecord> all = effects(BarrierEffect.WriteRecord.class);
    return all.isEmpty() ? null : all.getFirst().next().value();
  }

  private void givenASeatConnectedToAll() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
    when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
  }

  private EpochRecord givenAMarkFor(EpochRecord record) {
    givenASeatConnectedToAll();
    when(new BarrierEvent.RecordSeen(seen(record)));
    when(new BarrierEvent.MarkWritten(0, mark(ZERO, record), true));
    return record;
  }

  private EpochRecord givenComplete() {
    EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
    when(new BarrierEvent.RecordSeen(seen(record.complete(ProofCounts.NONE))));
    return record.complete(ProofCounts.NONE);
  }

  @Test // B-1
  void opensTheFirstEpochOnlyFromAFreshRead() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.RankSeen(0, entry(ZERO)));
    when(new BarrierEvent.RankSeen(1, entry(ONE)));

    assertThat(written()).isNull();
    assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    when(read(null, Map.of()));
    assertThat(written()).isEqualTo(open(1, ZERO, ONE));
  }

  @Test // B-1: N processes that publish at once all read, and would all write, and all but one read again
  void whoHasReadForAnotherReasonLeavesTheOpeningToTheFirstProcess() {
    var second = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
    when(second, new BarrierEvent.SeatTaken(ONE));
    when(second, new BarrierEvent.Reconcile());
    when(second, read(null, Map.of()));
    assertThat(effects).as("it waits for its turn").containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));

    when(second, new BarrierEvent.Reconcile());
    when(second, read(null, Map.of()));
    assertThat(effects).as("which has not come yet").isEmpty();

    when(second, new BarrierEvent.TimerFired(Timer.HEDGE));
    assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    when(second, read(null, Map.of()));
    assertThat(written()).isEqualTo(open(1, ZERO, ONE));

    when(second, new BarrierEvent.RecordWritten(seen(open(1, ZERO, ONE)), false));
    when(second, read(null, Map.of()));
    assertThat(written()).as("once a turn").isNull();
    assertThat(effects(BarrierEffect.StartTimer.class)).containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));
  }

  @Test // ADR 25: the store tells nobody of marks
  void aMarkWhoseWriteWasNotAnsweredIsSpreadWhenItIsFound() {
    EpochRecord record = open(1, ZERO, ONE);
    givenASeatConnectedToAll();
    when(new BarrierEvent.RecordSeen(seen(record)));
    when(new BarrierEvent.MarkWriteFailed(0));
    assertThat(effects(BarrierEffect.SpreadMark.class)).isEmpty();
    when(new BarrierEvent.TimerFired(Timer.RETRY));
    when(read(seen(record), Map.of(0, mark(ZERO, record))));
    assertThat(effects(BarrierEffect.SpreadMark.class)).containsExactly(new BarrierEffect.SpreadMark(mark(ZERO, record), Set.of(new ProcessId(0, 2))));

    when(new BarrierEvent.Reconcile());
    when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, open(1, ZERO, member(1, 19))))));
    assertThat(effects(BarrierEffect.SpreadMark.class)).as("once").isEmpty();
  }

  @Test // B-1
  void opensNothingWhileASeatIsEmpty() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.ReadDone(null, Map.of(0, entry(ZERO)), Map.of()));

    assertThat(written()).isNull();
  }

  @Test // B-1: a restarted rank is never counted twice
  void neverOpensAVectorThatGoesBack() {
    when(new BarrierEvent.SeatTaken(ZERO));
    EpochRecord newer = open(4, ZERO, member(1, 21)).degraded(List.of());
    when(new BarrierEvent.RecordSeen(seen(newer)));
    when(read(seen(newer), Map.of()));

    assertThat(written()).isNull();
  }

  @Test
  void marksOnceAllLinksAreConnectedToExactlyTheVector() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE))));
    when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
    when(new BarrierEvent.LinkConnected(0, member(1, 19), Proof.WARMUP));
    assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();

    when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
    assertThat(effects(BarrierEffect.WriteMark.class)).hasSize(1);
    when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
    assertThat(effects(BarrierEffect.WriteMark.class)).isEmpty();
  }

  @Test // B-2
  void completesOnlyWithMarksOfThisVeryVector() {
    EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
    EpochRecord other = open(1, ZERO, member(1, 19));
    when(new BarrierEvent.Reconcile());
    when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, other))));
    assertThat(written()).isNull();

    when(new BarrierEvent.Reconcile());
    when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
    assertThat(written()).isEqualTo(record.complete(ProofCounts.NONE));
  }

  @Test // B-1, PROTOCOL 3: what was heard may be older than what the store holds
  void completesNothingFromMarksThatItHasOnlyHeardOf() {
    EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
    when(new BarrierEvent.RankSeen(0, entry(ZERO)));
    when(new BarrierEvent.RankSeen(1, entry(ONE)));
    when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
    assertThat(written()).isNull();
    assertThat(effects).containsExactly(new BarrierEffect.ReadAll(false, seen(record)));

    Member next = member(1, 21);
    when(new BarrierEvent.ReadDone(seen(record), Map.of(0, entry(ZERO), 1, entry(next)), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
    assertThat(written()).isEqualTo(open(2, ZERO, next));
  }

  @Test // B-2: its mark may have been made by links that have never come up again
  void endsACompleteEpochThatItIsNotConnectedFor() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.LinkConnected(0, ZERO, Proof.LOCAL));
    EpochRecord complete = open(1, ZERO, ONE).complete(ProofCounts.NONE);
    when(new BarrierEvent.RecordSeen(seen(complete)));

    assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();
    assertThat(written()).isNotNull().satisfies(next -> {
      assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
      assertThat(next.lost()).singleElement().satisfies(lost -> {
        assertThat(lost.member()).isEqualTo(ONE);
        assertThat(lost.reason()).isEqualTo("NOT_CONNECTED");
      });
    });
  }

  @Test // B-2
  void completesNothingOnceANewerLifeIsPublished() {
    EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
    when(new BarrierEvent.Reconcile());
    when(new BarrierEvent.ReadDone(seen(record), Map.of(0, entry(ZERO), 1, entry(member(1, 21))),
        Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));

    assertThat(written()).isNotNull().isNotEqualTo(record.complete(ProofCounts.NONE));
  }

  @Test // B-2
  void aLossAfterTheMarkEndsTheEpochEvenIfTheLinkIsBack() {
    EpochRecord record = givenAMarkFor(open(1, ZERO, ONE));
    when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
    assertThat(written()).isEqualTo(record.degraded(List.of()));
    when(new BarrierEvent.RecordWriteFailed());
    when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
    when(new BarrierEvent.TimerFired(Timer.RETRY));

    when(read(seen(record.complete(ProofCounts.NONE)), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
    assertThat(effects(BarrierEffect.CompleteWaiters.class)).isEmpty();
    assertThat(written()).isNotNull().extracting(EpochRecord::state).isEqualTo(EpochRecord.State.DEGRADED);
  }

  @Test
  void aLossBeforeTheMarkChangesNothingInTheStore() {
    when(new BarrierEvent.SeatTaken(ZERO));
    when(new BarrierEvent.LinkConnected(0, ONE, Proof.WARMUP));
    when(new BarrierEvent.RecordSeen(seen(open(1, ZERO, ONE))));
    when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));

    assertThat(effects).isEmpty();
  }

  @Test // B-6
  void tellsDegradedOnItsOwnNodeInTheStepThatSeesTheLoss() {
    givenComplete();
    when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));

    assertThat(effects.getFirst()).isEqualTo(new BarrierEffect.TellDegraded(1, List.of(new LostMember(ONE, "SOCKET_CLOSED", "closed", 0))));
    assertThat(written()).isNotNull().extracting(EpochRecord::lastComplete).isEqualTo(1L);
  }

  @Test // B-6: with a greater epoch, also for an unchanged vector
  void opensTheNextNumberForAnUnchangedVectorAfterDegraded() {
    EpochRecord degraded = givenComplete().degraded(List.of());
    when(new BarrierEvent.RecordSeen(seen(degraded)));
    when(read(seen(degraded), Map.of()));

    assertThat(written()).isNotNull().satisfies(next -> {
      assertThat(next.number()).isEqualTo(2);
      assertThat(next.vector()).containsExactly(ZERO, ONE);
      assertThat(next.lastComplete()).isEqualTo(1);
    });
  }

  @Test // B-8
  void readsWhenAPeerHasSeenMore() {
    givenComplete();
    when(new BarrierEvent.PeerSaw(2, EpochRecord.State.OPEN));

    assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
  }

  @Test // B-7
  void publishesAgainWhatNobodyWasHeardToPublish() {
    EpochRecord complete = givenComplete();
    assertThat(effects).contains(new BarrierEffect.StartTimer(Timer.REPUBLISH, 200));
    when(new BarrierEvent.TimerFired(Timer.REPUBLISH));
    assertThat(effects).containsExactly(new BarrierEffect.PublishAllConnected(complete));
  }

  @Test // B-7
  void publishesNothingAgainThatWasHeard() {
    givenComplete();
    when(new BarrierEvent.AllConnectedHeard(1));
    when(new BarrierEvent.TimerFired(Timer.REPUBLISH));

    assertThat(effects).isEmpty();
  }

  @Test
  void putsTheRecordBackThatTheStoreHasLost() {
    EpochRecord complete = givenComplete();
    when(new BarrierEvent.RecordSeen(null));
    when(read(null, Map.of()));

    assertThat(written()).isEqualTo(complete);
  }

  @Test // B-2: two halves of a split
  void endsANumberThatHasTwoVectors() {
    givenAMarkFor(open(1, ZERO, ONE));
    EpochRecord other = open(1, ZERO, member(1, 21));
    when(new BarrierEvent.RecordSeen(seen(other)));
    when(read(seen(other), Map.of()));

    assertThat(written()).isNotNull().satisfies(next -> {
      assertThat(next.number()).isEqualTo(1);
      assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
    });
  }

  @Test // B-6; found in network namespaces: while one process can't reach the owner of some other key, nobody was told
  void degradesAlsoWhileSomeOtherKeyCanNotBeRead() {
    EpochRecord complete = givenComplete();
    when(new BarrierEvent.Reconcile());
    when(new BarrierEvent.LinkLost(0, ONE, "SILENCE", "nothing heard"));
    assertThat(written()).as("a read is under way, which may show that it has ended already").isNull();

    when(new BarrierEvent.ReadFailed());

    assertThat(written()).isEqualTo(complete.degraded(List.of(new LostMember(ONE, "SILENCE", "nothing heard", 0))));
  }

  @Test // found by simulation: it compared with its own bytes for ever, and opened nothing
  void buildsOnTheBytesThatAMergeHasLeft() {
    EpochRecord complete = givenComplete();
    EpochRecord here = complete.degraded(List.of(new LostMember(ONE, "SILENCE", "here", 0)));
    EpochRecord there = complete.degraded(List.of(new LostMember(ZERO, "SILENCE", "there", 1)));
    when(new BarrierEvent.RecordSeen(seen(here)));
    when(new BarrierEvent.ReadFailed());
    when(new BarrierEvent.TimerFired(Timer.RETRY));
    when(read(seen(there), Map.of()));

    assertThat(effects(BarrierEffect.WriteRecord.class)).singleElement()
        .satisfies(write -> assertThat(write.expected()).isEqualTo(seen(there).bytes()));
  }

  @Test // found by simulation: it waited for the next reconcile, seconds later
  void keepsWhatItHeardWhileItReadSomethingOlder() {
    givenAMarkFor(open(1, ZERO, ONE));
    EpochRecord record = open(1, ZERO, ONE);
    when(new BarrierEvent.Reconcile());
    when(new BarrierEvent.MarkSeen(1, mark(ONE, record)));
    when(read(seen(record), Map.of(0, mark(ZERO, record))));
    assertThat(written()).as("decided from what was heard").isNull();

    assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
    when(read(seen(record), Map.of(0, mark(ZERO, record), 1, mark(ONE, record))));
    assertThat(written()).isEqualTo(record.complete(ProofCounts.NONE));
  }

  @Test // found by simulation: stale writes kept every read from being looked at
  void degradesAgainOnlyAfterAReadWhenTheStoreHeldSomethingElse() {
    givenComplete();
    when(new BarrierEvent.LinkLost(0, ONE, "SOCKET_CLOSED", "closed"));
    Seen<EpochRecord> tried = effects(BarrierEffect.WriteRecord.class).getFirst().next();
    when(new BarrierEvent.RecordWritten(tried, false));

    assertThat(written()).isNull();
    assertThat(effects(BarrierEffect.ReadAll.class)).hasSize(1);
  }

  @Test
  void waitsForThoseBeforeItBeforeItOpens() {
    var setup = new BarrierSetup(GROUP, 2, new ProcessId(0, 2), 30, 200, 0, 250, 100);
    var step = BarrierMachine.transition(setup, BarrierState.INITIAL, new BarrierEvent.SeatTaken(ONE));
    step = BarrierMachine.transition(setup, step.next(), new BarrierEvent.RankSeen(1, entry(ONE)));
    step = BarrierMachine.transition(setup, step.next(), new BarrierEvent.RankSeen(0, entry(ZERO)));
    assertThat(step.effects()).containsExactly(new BarrierEffect.StartTimer(Timer.HEDGE, 30));

    step = BarrierMachine.transition(setup, step.next(), new BarrierEvent.TimerFired(Timer.HEDGE));
    assertThat(step.effects()).singleElement().isInstanceOf(BarrierEffect.ReadAll.class);
  }

  @Test // G-2
  void aLeaverEndsTheEpochItself() {
    givenComplete();
    when(new BarrierEvent.SeatLeaving(0));

    assertThat(written()).isNotNull().satisfies(next -> {
      assertThat(next.state()).isEqualTo(EpochRecord.State.DEGRADED);
      assertThat(next.lost()).singleElement().extracting(LostMember::reason).isEqualTo("LEFT");
    });
  }
}
