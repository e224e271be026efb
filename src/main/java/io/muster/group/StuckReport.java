// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The ranks that are missing for all-connected, each with its phase, as one process sees it. A rank that is not listed
 * has done its part as far as this process knows.
 *
 * @param storeTrouble since when and why the store does not answer, empty if it does
 * @param eventLoop which event loop of this process stands still, and where; empty if none does
 * @param blame the cause, where processes miss each other
 */
public record StuckReport(
        GroupName group,
        long epoch,
        String epochState,
        String storeTrouble,
        String eventLoop,
        List<Missing> missing,
        Blame blame) {
    public StuckReport {
        missing = List.copyOf(missing);
    }

    /**
     * How far a missing rank has come. The name of the constant is the {@code phase} in JSON, the text its
     * {@code phaseText}.
     */
    public enum Phase {
        NEVER_PUBLISHED("never published"),
        VANISHED("published, then vanished"),
        LEFT("left the group"),
        REJECTED("published, but its entry can't be used"),
        FOREIGN("its entry is unsigned or foreign: refused"),
        SIGNED("its entry is signed, and no secret is set here: refused"),
        CONNECTING("connecting"),
        DIAL_FAILED("dial failed"),
        REFUSED("refused"),
        WARMUP_FAILED("warmup failed"),
        LOST("connected, then lost"),
        UNHEARD("connected, then received nothing from the observer"),
        NOT_IN_STORE("connected, but not in the store"),
        MARK_MISSING("ready mark missing");

        private final String text;

        Phase(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }

        /** Of two phases in which two processes see one rank, the greater one shows more of the cause. */
        public int weight() {
            return switch (this) {
                case MARK_MISSING -> 0;
                case NEVER_PUBLISHED -> 1;
                case CONNECTING, UNHEARD -> 2;
                case VANISHED, NOT_IN_STORE -> 3;
                case LOST -> 4;
                case DIAL_FAILED, WARMUP_FAILED -> 5;
                case REFUSED -> 6;
                case REJECTED, FOREIGN, SIGNED -> 7;
                case LEFT -> 8;
            };
        }

        /** The phase with this code; CONNECTING if there is none, because a newer version may know further phases. */
        public static Phase of(String code) {
            return Stream.of(values())
                    .filter(phase -> phase.name().equals(code))
                    .findFirst()
                    .orElse(CONNECTING);
        }
    }

    /** {@code , 2 attempts}; empty if there was none. */
    public static String attemptsText(int attempts) {
        return attempts == 0 ? "" : ", " + attempts + (attempts == 1 ? " attempt" : " attempts");
    }

    /**
     * One missing rank.
     *
     * @param sinceMs how long it has been missing here: since its link was last connected, or, if it never was, since
     *     this process waits for it; in the phases that concern its key or its mark, since the key or the epoch is so
     * @param seenBy the rank of this process that sees it so
     * @param host empty if it has never been known
     */
    public record Missing(
            int rank,
            Phase phase,
            long sinceMs,
            int seenBy,
            int attempts,
            String lastError,
            String host,
            long pid,
            String whatToDo) {
        /** The same with another remedy. */
        public Missing with(String remedy) {
            return new Missing(rank, phase, sinceMs, seenBy, attempts, lastError, host, pid, remedy);
        }

        /** The same with another error and remedy. */
        public Missing with(String error, String remedy) {
            return new Missing(rank, phase, sinceMs, seenBy, attempts, error, host, pid, remedy);
        }

        JsonObject toJson() {
            return new JsonObject()
                    .put("rank", rank)
                    .put("phase", phase.name())
                    .put("phaseText", phase.text())
                    .put("sinceMs", sinceMs)
                    .put("seenBy", seenBy < 0 ? null : seenBy)
                    .put("attempts", attempts)
                    .put("lastError", lastError)
                    .put("host", host)
                    .put("pid", pid)
                    .put("whatToDo", whatToDo);
        }

        String text() {
            return "  rank " + rank + ": " + phase.text() + " for " + sinceMs + " ms"
                    + (host.isEmpty() ? "" : ", pid " + pid + " at " + host)
                    + attemptsText(attempts)
                    + (lastError.isEmpty() ? "" : ", last error: " + lastError)
                    + (seenBy < 0
                            ? " (seen by this process, which has no seat yet); "
                            : " (seen by rank " + seenBy + "); ")
                    + whatToDo;
        }
    }

    /** The same with other remedies, by rank. */
    public StuckReport with(Map<Integer, String> remedies) {
        List<Missing> explained = missing.stream()
                .map(one -> one.with(remedies.getOrDefault(one.rank(), one.whatToDo())))
                .toList();
        return new StuckReport(group, epoch, epochState, storeTrouble, eventLoop, explained, blame);
    }

    public JsonObject toJson() {
        return new JsonObject()
                .put("group", group.value())
                .put("epoch", epoch)
                .put("epochState", epochState)
                .put("storeTrouble", storeTrouble)
                .put("eventLoop", eventLoop)
                .put(
                        "missing",
                        new JsonArray(missing.stream().map(Missing::toJson).toList()))
                .put("blame", blame.toJson());
    }

    /** For people: one line per missing rank. */
    public String text() {
        var text = new StringBuilder(
                "group=" + group + " epoch=" + epoch + " " + epochState + " missing=" + missing.size());
        if (!storeTrouble.isEmpty()) {
            text.append("\n  ").append(storeTrouble);
        }
        if (!eventLoop.isEmpty()) {
            text.append("\n  ").append(eventLoop);
        }
        missing.forEach(one -> text.append('\n').append(one.text()));
        blame.text().lines().forEach(line -> text.append("\n  ").append(line));
        return text.toString();
    }
}
