// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.barrier.BarrierVerticle;
import io.muster.bus.Addresses;
import io.muster.bus.Registrations;
import io.muster.group.AllConnected;
import io.muster.group.Blame;
import io.muster.group.HostPort;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.peer.LinkTable;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The status picture of one group. Each process describes itself. The process that is asked gathers the parts of all
 * processes that have a LIVE rank, with one deadline for all of them. It asks over the connections that it has, so an
 * answer depends on no third process. It lists the processes that it asked in vain, and those that it could not ask.
 * Asking changes no state of ranks and links.
 */
public final class StatusVerticle extends VerticleBase {
    private static final int MAX_DISTRUST = 32;
    /** The state of the epoch in the picture of a node that has not started its part of the group. */
    private static final String STARTING = "STARTING";
    /** The same while an event loop that the answer needs stands still. */
    private static final String UNKNOWN = "UNKNOWN";

    /** The process of a rank knows most of it. */
    private static final Comparator<JsonObject> MORE_OF_THE_CAUSE = Comparator.comparingInt(
                    (JsonObject row) -> row.getInteger("rank").equals(row.getInteger("seenBy")) ? 1 : 0)
            .thenComparingInt(row -> phase(row).weight())
            .thenComparingLong(row -> row.getLong("sinceMs"));

    private final Addresses addresses;
    private final BarrierVerticle barrier;
    private final LinkTable links;
    private final Node node;
    private final Ask ask;
    private final long nodeTimeoutMs;
    private @Nullable MessageConsumer<Object> consumer;
    /** Set on the verticle's context; read by callers on any thread. */
    private volatile Life life = Life.STARTING;
    /**
     * Questions that are under way, each with its answer if the barrier cannot be asked. They are asked on any thread.
     * The timers of the verticle end with it, so the open questions must fail then. Otherwise they would never
     * complete.
     */
    private final Map<Promise<JsonObject>, Supplier<JsonObject>> gathering = new ConcurrentHashMap<>();

    private enum Life {
        STARTING,
        RUNNING,
        STOPPED
    }

    /** Asks other processes for their parts. Never fails. */
    @FunctionalInterface
    public interface Ask {
        Future<Answers> within(Collection<ProcessId> others, long ms);
    }

    /**
     * What other processes have answered. A process that is in neither collection was asked and did not answer.
     *
     * @param parts by process; empty if the process has no rank of the group any more
     * @param notAsked there is no connection to them
     */
    public record Answers(Map<ProcessId, Buffer> parts, Set<ProcessId> notAsked) {}

    /**
     * This node, as the picture shows it.
     *
     * @param refusals the rejected values and messages without a valid signature of the group
     */
    public record Node(ProcessId process, long pid, String host, Refusals refusals, Loops loops) {}

    /** Knows which event loops stand still. May be called from any thread. */
    public interface Loops {
        /** Watches the event loop of a context. */
        void add(Context context);

        /** A sentence if the event loop of one of these contexts stands still, else empty. */
        String trouble(List<Context> contexts);
    }

    public StatusVerticle(
            Addresses addresses, BarrierVerticle barrier, LinkTable links, Node node, Ask ask, long nodeTimeoutMs) {
        this.addresses = addresses;
        this.barrier = barrier;
        this.links = links;
        this.node = node;
        this.ask = ask;
        this.nodeTimeoutMs = nodeTimeoutMs;
    }

    @Override
    public Future<?> start() {
        life = Life.RUNNING;
        node.loops().add(context);
        node.loops().add(barrier.context());
        consumer = vertx.eventBus().consumer(addresses.status(), this::asked);
        return Registrations.await(vertx, addresses.status(), List.of(consumer));
    }

    @Override
    public Future<?> stop() {
        life = Life.STOPPED;
        gathering.keySet().forEach(one -> one.tryFail(stopped()));
        if (consumer != null) {
            Registrations.end(List.of(consumer));
        }
        return Future.succeededFuture();
    }

    private static MusterException stopped() {
        return MusterException.fatal("the group was closed here while its status was gathered");
    }

    private void asked(Message<Object> question) {
        gather().onSuccess(question::reply).onFailure(failure -> question.fail(1, failure.getMessage()));
    }

    /**
     * The picture from all nodes. May be called from any thread and at any time: before the verticle has started the
     * picture says STARTING, while its event loop stands still it says UNKNOWN, after it has stopped the future fails
     * with FATAL.
     */
    public Future<JsonObject> gather() {
        return onContext(this::alone, gathered -> {
            Future<Blame> blame = barrier.whoIsToBlame();
            barrier.picture()
                    .compose(this::gather)
                    .compose(picture -> blame.map(found -> picture.put("blame", found.toJson())))
                    .onComplete(gathered::tryComplete, gathered::tryFail);
        });
    }

    /** The part of this node, which another one gathers. May be called from any thread and at any time. */
    public Future<JsonObject> part() {
        return onContext(
                () -> part(withoutBarrier()),
                described ->
                        barrier.picture().map(this::describe).onComplete(described::tryComplete, described::tryFail));
    }

    private Future<JsonObject> onContext(Supplier<JsonObject> early, Consumer<Promise<JsonObject>> question) {
        if (life == Life.STARTING || !stalled().isEmpty()) {
            return Future.succeededFuture(early.get());
        }
        Promise<JsonObject> answer = Promise.promise();
        gathering.put(answer, early);
        answer.future().onComplete(_ -> gathering.remove(answer));
        try {
            context.runOnContext(_ -> question.accept(answer));
        } catch (RejectedExecutionException _) {
            answer.tryFail(stopped());
        }
        if (life == Life.STOPPED) { // stop() may have been there before the question was added
            answer.tryFail(stopped());
        }
        return answer.future();
    }

    /** The picture while the barrier cannot be asked: nothing is known of others. */
    private JsonObject alone() {
        StuckReport report = withoutBarrier();
        return merge(null, null, report, List.of(part(report)))
                .put("noAnswer", new JsonArray())
                .put("notAsked", new JsonArray())
                .put("blame", report.blame().toJson());
    }

    private StuckReport withoutBarrier() {
        return new StuckReport(
                addresses.group(), 0, life == Life.STARTING ? STARTING : UNKNOWN, "", stalled(), List.of(), Blame.NONE);
    }

    /** Which event loop that an answer needs stands still; empty if none does. */
    private String stalled() {
        return life == Life.STARTING ? "" : node.loops().trouble(List.of(context, barrier.context()));
    }

    /** An event loop of this process stands still: questions that wait for it get what is known without it. */
    public void loopStalled() {
        if (life == Life.RUNNING && !stalled().isEmpty()) {
            gathering.forEach((answer, early) -> answer.tryComplete(early.get()));
        }
    }

    private Future<JsonObject> gather(BarrierVerticle.Picture picture) {
        Map<ProcessId, JsonObject> others = new TreeMap<>();
        for (RankEntry entry : picture.entries()) {
            if (entry.isLive() && !entry.handle().process().equals(node.process())) {
                JsonObject other = others.computeIfAbsent(
                        entry.handle().process(),
                        _ -> new JsonObject()
                                .put("pid", entry.handle().pid())
                                .put(
                                        "host",
                                        HostPort.text(
                                                entry.handle().host(),
                                                entry.handle().port()))
                                .put("ranks", new JsonArray()));
                other.getJsonArray("ranks").add(entry.member().rank());
            }
        }
        return ask.within(others.keySet(), nodeTimeoutMs).map(answers -> {
            List<JsonObject> parts = new ArrayList<>(List.of(describe(picture)));
            var noAnswer = new JsonArray();
            var notAsked = new JsonArray();
            others.forEach((process, row) -> {
                Buffer part = answers.parts().get(process);
                if (answers.notAsked().contains(process)) {
                    notAsked.add(row);
                } else if (part == null) {
                    noAnswer.add(row);
                } else if (part.length() > 0) { // empty: it has left the group meanwhile
                    parts.add(part.toJsonObject());
                }
            });
            return merge(picture.epoch(), picture.allConnected(), picture.report(), parts)
                    .put("noAnswer", noAnswer)
                    .put("notAsked", notAsked);
        });
    }

    private JsonObject describe(BarrierVerticle.Picture picture) {
        return part(picture.report());
    }

    private JsonObject part(StuckReport report) {
        Map<String, Integer> states = new TreeMap<>();
        Set<Integer> ranks = new TreeSet<>();
        links.forEach((key, row) -> {
            ranks.add(key.rank());
            if (key.rank() != key.peer()) {
                states.merge(row.state().name().name(), 1, Integer::sum);
            }
        });
        var counts = new JsonObject();
        states.forEach(counts::put);
        return new JsonObject()
                .put("process", node.process().toString())
                .put("pid", node.pid())
                .put("host", node.host())
                .put("ranks", new JsonArray(List.copyOf(ranks)))
                .put("links", counts)
                .put("report", report.toJson())
                .put("distrusted", node.refusals().count())
                .put("distrust", node.refusals().latest());
    }

    private static JsonObject merge(
            @Nullable EpochRecord epoch,
            @Nullable AllConnected allConnected,
            StuckReport report,
            List<JsonObject> parts) {
        Map<String, Integer> states = new TreeMap<>();
        List<JsonObject> seen = new ArrayList<>();
        for (JsonObject part : parts) {
            part.getJsonObject("links")
                    .forEach(link -> states.merge(link.getKey(), ((Number) link.getValue()).intValue(), Integer::sum));
            part.getJsonObject("report").getJsonArray("missing").forEach(row -> seen.add((JsonObject) row));
        }
        var counts = new JsonObject();
        states.forEach(counts::put);
        return new JsonObject()
                .put("group", report.group().value())
                .put("epoch", report.epoch())
                .put("epochState", report.epochState())
                .put("lastComplete", epoch == null ? 0 : epoch.lastComplete())
                .put("allConnected", allConnected == null ? null : allConnected.toJson())
                .put("processes", parts.size())
                .put("links", counts)
                .put("storeTrouble", report.storeTrouble())
                .put("distrusted", distrusted(parts))
                .put("distrust", distrust(parts))
                .put("missing", new JsonArray(missing(seen)))
                .put("stalled", stalled(parts));
    }

    private static JsonArray stalled(List<JsonObject> parts) {
        var stalled = new JsonArray();
        for (JsonObject part : parts) {
            String text = part.getJsonObject("report").getString("eventLoop", "");
            if (!text.isEmpty()) {
                stalled.add(new JsonObject()
                        .put("pid", part.getLong("pid"))
                        .put("host", part.getString("host"))
                        .put("ranks", part.getJsonArray("ranks"))
                        .put("text", text));
            }
        }
        return stalled;
    }

    private static long distrusted(List<JsonObject> parts) {
        return parts.stream().mapToLong(part -> part.getLong("distrusted")).sum();
    }

    /** The latest rejections of all nodes, each with its node, at most {@link #MAX_DISTRUST} in all. */
    private static JsonArray distrust(List<JsonObject> parts) {
        var all = new JsonArray();
        for (JsonObject part : parts) {
            part.getJsonArray("distrust").forEach(one -> {
                if (all.size() < MAX_DISTRUST) {
                    all.add(((JsonObject) one).copy().put("at", part.getString("host")));
                }
            });
        }
        return all;
    }

    /**
     * One row for each missing rank, from the rows of all processes: the one that shows most of the cause, with all
     * ranks that miss this rank. A rank of which only the mark is missing waits for another one and is not the cause.
     * Nor is a rank that received nothing from its observer, if the observer is missing itself.
     */
    static List<JsonObject> missing(List<JsonObject> seen) {
        Map<Integer, List<JsonObject>> byRank = new TreeMap<>();
        seen.forEach(row -> byRank.computeIfAbsent(row.getInteger("rank"), _ -> new ArrayList<>())
                .add(row));
        List<JsonObject> rows = byRank.values().stream()
                .map(ofOneRank ->
                        Collections.max(ofOneRank, MORE_OF_THE_CAUSE).copy().put("seenByRanks", seenBy(ofOneRank)))
                .toList();
        boolean onlyMarks = rows.stream().allMatch(row -> phase(row) == StuckReport.Phase.MARK_MISSING);
        return rows.stream()
                .filter(row -> onlyMarks || phase(row) != StuckReport.Phase.MARK_MISSING)
                .filter(row -> phase(row) != StuckReport.Phase.UNHEARD
                        || !byRank.keySet()
                                .containsAll(row.getJsonArray("seenByRanks").getList()))
                .toList();
    }

    private static JsonArray seenBy(List<JsonObject> rows) {
        return new JsonArray(rows.stream()
                .map(row -> row.getInteger("seenBy"))
                .filter(Objects::nonNull)
                .distinct()
                .sorted()
                .toList());
    }

    private static StuckReport.Phase phase(JsonObject row) {
        return StuckReport.Phase.of(row.getString("phase"));
    }

    /** The picture as text, with the fields of the JSON. */
    public static String text(JsonObject picture) {
        var text = new StringBuilder("group=" + picture.getString("group") + " epoch=" + picture.getLong("epoch") + " "
                + picture.getString("epochState") + " processes=" + picture.getInteger("processes") + " links="
                + picture.getJsonObject("links").encode());
        JsonObject standing = picture.getJsonObject("allConnected");
        if (standing != null) {
            text.append("\n  all-connected proofs=")
                    .append(standing.getJsonObject("links").encode())
                    .append(" elapsedMs=")
                    .append(standing.getLong("elapsedMs"));
        }
        if ("COMPLETE".equals(picture.getString("epochState"))
                && !picture.getJsonArray("missing").isEmpty()) {
            text.append("\n  not all ranks are connected any more; the end of epoch ")
                    .append(picture.getLong("epoch"))
                    .append(" is not in the store yet");
        }
        @Nullable String trouble = picture.getString("storeTrouble");
        if (trouble != null && !trouble.isEmpty()) {
            text.append("\n  ").append(trouble);
        }
        if (picture.getLong("distrusted", 0L) > 0) {
            text.append("\n  rejected ")
                    .append(picture.getLong("distrusted"))
                    .append(" messages or values that were not signed with the group's secret:");
            picture.getJsonArray("distrust").forEach(one -> {
                JsonObject row = (JsonObject) one;
                text.append("\n    ")
                        .append(row.getString("who"))
                        .append(" (")
                        .append(row.getLong("times"))
                        .append(" times, at ")
                        .append(row.getString("at"))
                        .append("): it ")
                        .append(row.getString("what"));
            });
        }
        picture.getJsonArray("stalled", new JsonArray()).forEach(one -> {
            JsonObject row = (JsonObject) one;
            text.append("\n  pid ")
                    .append(row.getLong("pid"))
                    .append(" at ")
                    .append(row.getString("host"))
                    .append(", ranks ")
                    .append(row.getJsonArray("ranks").encode())
                    .append(": ")
                    .append(row.getString("text"));
        });
        picture.getJsonArray("missing").forEach(one -> {
            JsonObject row = (JsonObject) one;
            text.append("\n  rank ")
                    .append(row.getInteger("rank"))
                    .append(": ")
                    .append(row.getString("phaseText"))
                    .append(" for ")
                    .append(row.getLong("sinceMs"))
                    .append(" ms");
            if (!row.getString("host").isEmpty()) {
                text.append(", pid ").append(row.getLong("pid")).append(" at ").append(row.getString("host"));
            }
            text.append(StuckReport.attemptsText(row.getInteger("attempts")));
            if (!row.getString("lastError").isEmpty()) {
                text.append(", last error: ").append(row.getString("lastError"));
            }
            text.append(" (seen by ranks ")
                    .append(row.getJsonArray("seenByRanks").encode())
                    .append("); ")
                    .append(row.getString("whatToDo"));
        });
        picture.getJsonObject("blame", new JsonObject())
                .getString("text", "")
                .lines()
                .forEach(line -> text.append("\n  ").append(line));
        processes(text, "asked, but gave no answer: ", picture.getJsonArray("noAnswer"));
        processes(
                text,
                "not asked, because this process has no connection to it: ",
                picture.getJsonArray("notAsked", new JsonArray()));
        return text.toString();
    }

    private static void processes(StringBuilder text, String what, JsonArray rows) {
        rows.forEach(one -> {
            JsonObject row = (JsonObject) one;
            text.append("\n  ")
                    .append(what)
                    .append("pid ")
                    .append(row.getLong("pid"))
                    .append(" at ")
                    .append(row.getString("host"))
                    .append(", ranks ")
                    .append(row.getJsonArray("ranks").encode());
        });
    }
}
