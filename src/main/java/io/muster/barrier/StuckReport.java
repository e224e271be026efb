package io.muster.barrier;

import io.muster.group.GroupName;
import io.muster.peer.History;
import io.muster.peer.LinkState;
import io.muster.peer.LinkTable;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who is missing for all-connected, in which phase, as one process sees it. Outliers only: a rank that is not listed has done its part as
 * far as this process can tell.
 *
 * @param storeTrouble since when and why the store does not answer, empty if it does
 */
public record StuckReport(GroupName group, long epoch, String epochState, String storeTrouble, List<Missing> missing) {
  public StuckReport {
    missing = List.copyOf(missing);
  }

  /** How far a missing rank has come. */
  public enum Phase {
    NEVER_PUBLISHED("never published"), VANISHED("published, then vanished"), REJECTED("published, but its entry can't be used"),
    CONNECTING("connecting"), DIAL_FAILED("dial failed"), REFUSED("refused"), WARMUP_FAILED("warmup failed"),
    LOST("connected, then lost"), MARK_MISSING("ready mark missing");

    private final String text;

    Phase(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }
  }

  /**
   * One missing rank.
   *
   * @param sinceMs time in this phase
   * @param seenBy the rank of this process that sees it so
   * @param host empty if it has never been known
   */
  public record Missing(int rank, Phase phase, long sinceMs, int seenBy, int attempts, String lastError, String host, long pid,
      String whatToDo) {
    JsonObject toJson() {
      return new JsonObject().put("rank", rank).put("phase", phase.text()).put("sinceMs", sinceMs).put("seenBy", seenBy)
          .put("attempts", attempts).put("lastError", lastError).put("host", host).put("pid", pid).put("whatToDo", whatToDo);
    }

    String text() {
      return "  rank " + rank + ": " + phase.text() + " for " + sinceMs + " ms" + (host.isEmpty() ? "" : ", pid " + pid + " at " + host)
          + (attempts > 0 ? ", " + attempts + " attempts" : "") + (lastError.isEmpty() ? "" : ", last error: " + lastError)
          + " (seen by rank " + seenBy + "); " + whatToDo;
    }
  }

  /**
   * The report of one process.
   *
   * @param waitingSinceNanos since when this process has been in the group
   */
  static StuckReport of(GroupName group, int worldSize, GroupCore core, LinkTable links, String storeTrouble, long waitingSinceNanos,
      long nowNanos) {
    EpochRecord epoch = core.barrier().epoch();
    List<Missing> missing = new ArrayList<>();
    boolean complete = epoch != null && epoch.state() == EpochRecord.State.COMPLETE;
    int observer = core.barrier().seats().keySet().stream().findFirst().orElse(-1);
    for (int rank = 0; rank < worldSize; rank++) {
      Missing one = missing(rank, observer, core, links, complete, waitingSinceNanos, nowNanos);
      if (one != null) {
        missing.add(one);
      }
    }
    return new StuckReport(group, epoch == null ? 0 : epoch.number(), epoch == null ? "NONE" : epoch.state().name(), storeTrouble, missing);
  }

  private static @Nullable Missing missing(int rank, int observer, GroupCore core, LinkTable links, boolean complete, long startNanos,
      long nowNanos) {
    Seen<RankEntry> seen = core.directory().get(rank);
    RankEntry entry = Seen.valueOf(seen);
    String host = entry == null ? "" : entry.handle().host() + ":" + entry.handle().port();
    long pid = entry == null ? 0 : entry.handle().pid();
    SeatState seat = core.seats().get(rank);
    if (seat != null && !(seat instanceof SeatState.Held)) {
      return new Missing(rank, Phase.NEVER_PUBLISHED, ms(startNanos, nowNanos), rank, 0, seatText(seat), host, pid,
          "it is a rank of this process and has no seat yet");
    }
    String rejected = core.rejected().get(rank);
    if (rejected != null) {
      return new Missing(rank, Phase.REJECTED, ms(startNanos, nowNanos), observer, 0, rejected, host, pid,
          "start rank " + rank + " with the same version, group and world size as the others");
    }
    Missing unconnected = worstLink(rank, core, links, entry, host, pid, startNanos, nowNanos);
    if (unconnected != null || complete) {
      return unconnected;
    }
    return markMissing(rank, observer, core, links, host, pid, nowNanos);
  }

  private static @Nullable Missing worstLink(int rank, GroupCore core, LinkTable links, @Nullable RankEntry entry, String host, long pid,
      long startNanos, long nowNanos) {
    for (Seat seat : core.barrier().seats().values()) {
      int here = seat.member().rank();
      if (seat.links().get(rank) != null) {
        continue;
      }
      LinkTable.Row row = links.row(here, rank);
      History history = row == null ? History.EMPTY : row.state().history();
      History.Trouble trouble = history.trouble();
      Phase phase = phase(row, entry, history);
      long since = row == null ? startNanos : row.sinceNanos();
      return new Missing(rank, phase, ms(since, nowNanos), here, history.attempt(), trouble == null ? "" : trouble.detail(), host, pid,
          whatToDo(phase, rank, host));
    }
    return null;
  }

  private static Phase phase(LinkTable.@Nullable Row row, @Nullable RankEntry entry, History history) {
    History.Trouble trouble = history.trouble();
    if (row == null || row.state() instanceof LinkState.WaitingStore) {
      return entry == null && history.newest() == null ? Phase.NEVER_PUBLISHED
          : entry != null && entry.isLive() ? Phase.CONNECTING : Phase.VANISHED;
    }
    if (row.state() instanceof LinkState.Refused) {
      return Phase.REFUSED;
    }
    if (trouble == null) {
      return Phase.CONNECTING;
    }
    return switch (trouble.phase()) {
      case VANISHED -> Phase.VANISHED;
      case REJECTED -> Phase.REJECTED;
      case DIAL -> Phase.DIAL_FAILED;
      case REFUSED -> Phase.REFUSED;
      case OPEN -> Phase.CONNECTING;
      case WARMUP -> Phase.WARMUP_FAILED;
      case LOST -> Phase.LOST;
    };
  }

  private static @Nullable Missing markMissing(int rank, int observer, GroupCore core, LinkTable links, String host, long pid,
      long nowNanos) {
    EpochRecord epoch = core.barrier().epoch();
    if (epoch == null || epoch.state() != EpochRecord.State.OPEN) {
      return null;
    }
    ReadyMark mark = Seen.valueOf(core.barrier().marks().get(rank));
    if (mark != null && mark.epoch() == epoch.number() && mark.member().equals(epoch.vector().get(rank))) {
      return null;
    }
    LinkTable.Row row = links.row(observer, rank);
    boolean ownWaits = core.barrier().seats().containsKey(rank);
    if (ownWaits && !Objects.requireNonNull(core.barrier().seats().get(rank)).isConnectedToAllOf(epoch)) {
      return null;
    }
    return new Missing(rank, Phase.MARK_MISSING, row == null ? 0 : ms(row.sinceNanos(), nowNanos), observer, 0, "", host, pid,
        "connected from here, but it has not marked epoch " + epoch.number() + ": its own links are not all connected, see the status there");
  }

  private static String seatText(SeatState seat) {
    return switch (seat) {
      case SeatState.Idle _ -> "not started";
      case SeatState.Looking _ -> "reading who holds the seat";
      case SeatState.AskingIncumbent _ -> "asking the process that holds the seat";
      case SeatState.AskingWitnesses _ -> "asking others whether they reach the process that holds the seat";
      case SeatState.Claiming _ -> "writing its claim";
      case SeatState.Pausing(var _, String reason) -> reason;
      case SeatState.Held _ -> "";
      case SeatState.Leaving _ -> "leaving";
      case SeatState.Ended(String reason, var _) -> reason;
    };
  }

  private static String whatToDo(Phase phase, int rank, String host) {
    return switch (phase) {
      case NEVER_PUBLISHED -> "start rank " + rank + ", or look at its log: it has not come as far as the store";
      case VANISHED -> "its process has ended or left: start it again";
      case REJECTED -> "start it with the same version, group and world size as the others";
      case CONNECTING -> "wait; if it stays so, look at the status at " + host;
      case DIAL_FAILED -> "check that its process runs and that this host reaches " + host;
      case REFUSED -> "mend what the reason names; then it is tried again by itself";
      case WARMUP_FAILED -> "connected, but bytes do not arrive: check MTU and firewalls on the way to " + host
          + ", or raise peer.warmup.timeoutMs";
      case LOST -> "it is being dialled again; check its process at " + host;
      case MARK_MISSING -> "see the status at " + host;
    };
  }

  private static long ms(long fromNanos, long toNanos) {
    return Math.max(0, (toNanos - fromNanos) / 1_000_000);
  }

  public JsonObject toJson() {
    return new JsonObject().put("group", group.value()).put("epoch", epoch).put("epochState", epochState)
        .put("storeTrouble", storeTrouble).put("missing", new JsonArray(missing.stream().map(Missing::toJson).toList()));
  }

  /** For people: one line per missing rank. */
  public String text() {
    var text = new StringBuilder("group=" + group + " epoch=" + epoch + " " + epochState + " missing=" + missing.size());
    if (!storeTrouble.isEmpty()) {
      text.append("\n  ").append(storeTrouble);
    }
    missing.forEach(one -> text.append('\n').append(one.text()));
    return text.toString();
  }

  /** The same for whoever sees only the numbers of a map. */
  Map<Integer, Phase> phases() {
    Map<Integer, Phase> phases = new java.util.TreeMap<>();
    missing.forEach(one -> phases.put(one.rank(), one.phase()));
    return phases;
  }
}
