package io.muster.barrier;

import io.muster.group.ProcessId;
import io.muster.peer.History;
import io.muster.peer.LinkTable;
import io.muster.segment.RankEntry;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whom this process reaches, and who is to blame where somebody is missed: asked of all processes when one is lost, and then again, more
 * and more slowly, for as long as somebody is. Lives on the group's context.
 */
final class BlameWatch {
  private static final long SOON_MS = 100;
  private static final long FIRST_PAUSE_MS = 1000;
  private static final long LONGEST_PAUSE_MS = 30_000;

  private final BarrierSetup setup;
  private final GroupHost host;
  private final GroupCore core;
  private final Vertx vertx;
  private final Context context;
  private final BarrierVerticle.Timing timing;
  private final Consumer<Blame> changed;
  /** How this process knows that it has lost another of the group, while it does not reach it again. */
  private final Map<ProcessId, View.Missed> losses = new HashMap<>();
  /** Who has ended the connection because it did not hear this process: it misses this one, not this one it (P-9), unless a dial fails. */
  private final Set<ProcessId> unheardBy = new HashSet<>();
  private Blame latest = Blame.NONE;
  private long timer = -1;
  private long pauseMs = FIRST_PAUSE_MS;

  /** @param changed told of each change, on the group's context */
  BlameWatch(BarrierSetup setup, GroupHost host, GroupCore core, Context context, BarrierVerticle.Timing timing, Consumer<Blame> changed) {
    this.setup = setup;
    this.host = host;
    this.core = core;
    this.vertx = context.owner();
    this.context = context;
    this.timing = timing;
    this.changed = changed;
  }

  /** The connection to a process has ended. */
  void lost(ProcessId process, LossEvidence evidence) {
    if (parties().stream().noneMatch(party -> party.process().equals(process))) {
      return;
    }
    boolean bySilence = evidence.kind().isSilence();
    if (evidence.kind() == LossEvidence.Kind.UNHEARD) {
      losses.remove(process);
      unheardBy.add(process);
    } else {
      losses.put(process, new View.Missed(bySilence, evidence.kind() + ": " + evidence.detail()));
      unheardBy.remove(process);
    }
    pauseMs = FIRST_PAUSE_MS;
    // the others do not see a silence at the same moment
    look(bySilence ? timing.livenessIntervalMs() + SOON_MS : SOON_MS);
  }

  /** The group has lost somebody, perhaps not this process. */
  void degraded() {
    pauseMs = FIRST_PAUSE_MS;
    if (timer < 0) {
      look(SOON_MS);
    }
  }

  Blame latest() {
    return latest;
  }

  private void look(long delayMs) {
    if (timer >= 0) {
      vertx.cancelTimer(timer);
    }
    timer = vertx.setTimer(delayMs, _ -> {
      timer = -1;
      ask(timing.observersMs());
    });
  }

  /** Asks whoever can be heard in time. Never fails. */
  Future<Blame> ask(long withinMs) {
    List<Party> parties = parties();
    View own = view(parties);
    List<ProcessId> others = parties.stream().map(Party::process).filter(process -> !process.equals(setup.process())).toList();
    Promise<Blame> blame = Promise.promise();
    host.askObservers(own, others, withinMs).map(views -> BlameRules.of(parties, views))
        .onComplete(asked -> context.runOnContext(_ -> blame.handle(asked)));
    return blame.future().onSuccess(this::found);
  }

  private void found(Blame blame) {
    if (!isSame(blame)) {
      latest = blame;
      changed.accept(blame);
      pauseMs = FIRST_PAUSE_MS;
    }
    if (!blame.findings().isEmpty() && timer < 0) {
      look(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** Whether it blames the same processes; what they were seen to do grows older all the time. */
  private boolean isSame(Blame blame) {
    return blame.findings().stream().map(BlameWatch::who).toList().equals(latest.findings().stream().map(BlameWatch::who).toList());
  }

  private static List<?> who(Blame.Finding finding) {
    return switch (finding) {
      case Blame.Blamed(Party party, var _) -> List.of(party);
      case Blame.Pair(Party one, Party other, var _) -> List.of(one, other);
      case Blame.Block(var parts, var unheard) -> List.of(parts, unheard);
    };
  }

  // ---- what this process sees

  View view() {
    return view(parties());
  }

  private View view(List<Party> parties) {
    Set<ProcessId> reached = new HashSet<>();
    Map<ProcessId, View.Missed> missed = new HashMap<>();
    for (Party party : parties) {
      ProcessId process = party.process();
      if (process.equals(setup.process())) {
        continue;
      }
      if (host.reaches(process)) {
        reached.add(process);
        unheardBy.remove(process);
        continue;
      }
      View.Missed why = losses.containsKey(process) ? losses.get(process) : trouble(party);
      if (why != null) {
        missed.put(process, why);
      }
    }
    losses.keySet().retainAll(missed.keySet());
    return new View(setup.process(), reached, missed);
  }

  /** Why no link has come to that process yet, null if nothing has been tried in vain. */
  private View.@Nullable Missed trouble(Party party) {
    for (int rank : party.ranks()) {
      for (int here : core.barrier().seats().keySet()) {
        LinkTable.Row row = host.links().row(here, rank);
        History.Trouble trouble = row == null ? null : row.state().history().trouble();
        boolean told = trouble != null && trouble.phase() == History.Phase.LOST && unheardBy.contains(party.process());
        if (trouble != null && !told && isOfThePath(trouble.phase())) {
          return new View.Missed(false, trouble.detail());
        }
      }
    }
    return null;
  }

  private static boolean isOfThePath(History.Phase phase) {
    return switch (phase) {
      case DIAL, OPEN, WARMUP, LOST, VANISHED -> true;
      case REFUSED, REJECTED -> false;
    };
  }

  /** The processes of the group: whoever holds the newest life of a rank, unless it has left. */
  List<Party> parties() {
    Map<ProcessId, List<RankEntry>> byProcess = new TreeMap<>();
    core.directory().values().forEach(seen -> {
      RankEntry entry = seen.value();
      if (entry != null && entry.state() != RankEntry.State.LEFT) {
        byProcess.computeIfAbsent(entry.handle().process(), _ -> new ArrayList<>()).add(Objects.requireNonNull(entry));
      }
    });
    return byProcess.entrySet().stream().map(one -> {
      var handle = one.getValue().getFirst().handle();
      return new Party(one.getKey(), handle.pid(), handle.host() + ":" + handle.port(),
          one.getValue().stream().map(entry -> entry.member().rank()).toList());
    }).toList();
  }
}
