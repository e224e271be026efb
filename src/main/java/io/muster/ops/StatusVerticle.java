// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.barrier.BarrierVerticle;
import io.muster.bus.Addresses;
import io.muster.group.Blame;
import io.muster.group.HostPort;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.peer.LinkTable;
import io.muster.segment.EpochRecord;
import io.muster.segment.RankEntry;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The status picture of one group. A node is a process as the event bus sees it. Each node describes itself. The node
 * that is asked at {@code muster.<g>.status} gathers the answers of all nodes that have a LIVE rank, with one deadline
 * for all of them, and lists the nodes that did not answer. Asking changes no state of ranks and links.
 */
public final class StatusVerticle extends VerticleBase {
    private static final int MAX_DISTRUST = 32;

    private final Addresses addresses;
    private final BarrierVerticle barrier;
    private final LinkTable links;
    private final Node node;
    private final long nodeTimeoutMs;
    private final List<MessageConsumer<?>> consumers = new ArrayList<>();
    /**
     * Questions that are under way. They are asked on any thread. The timers of the verticle end with it, so the open
     * questions must fail then. Otherwise they would never complete.
     */
    private final Set<Promise<JsonObject>> gathering = ConcurrentHashMap.newKeySet();

    /**
     * This node, as the picture shows it.
     *
     * @param refusals the rejected values and messages without a valid signature of the group
     */
    public record Node(ProcessId process, long pid, String host, Refusals refusals) {}

    public StatusVerticle(
            Addresses addresses, BarrierVerticle barrier, LinkTable links, Node node, long nodeTimeoutMs) {
        this.addresses = addresses;
        this.barrier = barrier;
        this.links = links;
        this.node = node;
        this.nodeTimeoutMs = nodeTimeoutMs;
    }

    @Override
    public Future<?> start() {
        MessageConsumer<JsonObject> asked = vertx.eventBus().consumer(addresses.status(), this::asked);
        MessageConsumer<JsonObject> part = vertx.eventBus()
                .consumer(
                        addresses.nodeStatus(),
                        message -> own().onSuccess(own ->
                                vertx.eventBus().send(message.body().getString("replyTo"), own)));
        consumers.add(asked);
        consumers.add(part);
        return Future.all(asked.completion(), part.completion());
    }

    @Override
    public Future<?> stop() {
        gathering.forEach(
                one -> one.tryFail(MusterException.fatal("the group was closed here while its status was gathered")));
        return Future.join(consumers.stream().map(MessageConsumer::unregister).toList());
    }

    private void asked(Message<JsonObject> question) {
        gather().onSuccess(question::reply).onFailure(failure -> question.fail(1, failure.getMessage()));
    }

    /** The picture from all nodes. May be called from any thread. */
    public Future<JsonObject> gather() {
        Promise<JsonObject> gathered = Promise.promise();
        gathering.add(gathered);
        gathered.future().onComplete(_ -> gathering.remove(gathered));
        context.runOnContext(_ -> {
            Future<Blame> blame = barrier.whoIsToBlame();
            barrier.picture()
                    .compose(this::gather)
                    .compose(picture -> blame.map(found -> picture.put("blame", found.toJson())))
                    .onComplete(gathered);
        });
        return gathered.future();
    }

    private Future<JsonObject> gather(BarrierVerticle.Picture picture) {
        Map<String, JsonObject> expected = new TreeMap<>();
        for (RankEntry entry : picture.entries()) {
            if (entry.isLive() && !entry.handle().process().equals(node.process())) {
                JsonObject other = expected.computeIfAbsent(
                        entry.handle().process().toString(),
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
        List<JsonObject> parts = new ArrayList<>(List.of(describe(picture)));
        if (expected.isEmpty()) {
            return Future.succeededFuture(merge(picture, parts, expected));
        }
        Promise<JsonObject> done = Promise.promise();
        String replyTo = addresses.nodeStatus() + "." + UUID.randomUUID();
        MessageConsumer<JsonObject> replies = vertx.eventBus().consumer(replyTo);
        long timer = vertx.setTimer(nodeTimeoutMs, _ -> done.tryComplete(merge(picture, parts, expected)));
        replies.handler(message -> {
            if (expected.remove(message.body().getString("process")) != null) {
                parts.add(message.body());
            }
            if (expected.isEmpty()) {
                done.tryComplete(merge(picture, parts, expected));
            }
        });
        replies.completion()
                .onSuccess(_ ->
                        vertx.eventBus().publish(addresses.nodeStatus(), new JsonObject().put("replyTo", replyTo)));
        return done.future().onComplete(_ -> {
            vertx.cancelTimer(timer);
            replies.unregister();
        });
    }

    private Future<JsonObject> own() {
        return barrier.picture().map(this::describe);
    }

    private JsonObject describe(BarrierVerticle.Picture picture) {
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
                .put("report", picture.report().toJson())
                .put("distrusted", node.refusals().count())
                .put("distrust", node.refusals().latest());
    }

    private JsonObject merge(BarrierVerticle.Picture picture, List<JsonObject> parts, Map<String, JsonObject> silent) {
        Map<String, Integer> states = new TreeMap<>();
        Map<String, JsonObject> missing = new TreeMap<>();
        for (JsonObject part : parts) {
            part.getJsonObject("links")
                    .forEach(link -> states.merge(link.getKey(), ((Number) link.getValue()).intValue(), Integer::sum));
            part.getJsonObject("report").getJsonArray("missing").forEach(one -> {
                JsonObject row = (JsonObject) one;
                String key = "%05d %s".formatted(row.getInteger("rank"), row.getString("phase"));
                JsonObject known = missing.get(key);
                JsonArray seenBy = known == null ? new JsonArray() : known.getJsonArray("seenByRanks");
                seenBy.add(row.getInteger("seenBy"));
                if (known == null || known.getLong("sinceMs") < row.getLong("sinceMs")) {
                    missing.put(key, row.copy().put("seenByRanks", seenBy));
                }
            });
        }
        dropMarksExplained(missing);
        EpochRecord epoch = picture.epoch();
        var counts = new JsonObject();
        states.forEach(counts::put);
        StuckReport report = picture.report();
        return new JsonObject()
                .put("group", report.group().value())
                .put("epoch", report.epoch())
                .put("epochState", report.epochState())
                .put("lastComplete", epoch == null ? 0 : epoch.lastComplete())
                .put(
                        "allConnected",
                        picture.allConnected() == null
                                ? null
                                : picture.allConnected().toJson())
                .put("processes", parts.size())
                .put("links", counts)
                .put("storeTrouble", report.storeTrouble())
                .put("distrusted", distrusted(parts))
                .put("distrust", distrust(parts))
                .put("missing", new JsonArray(List.copyOf(missing.values())))
                .put("noAnswer", new JsonArray(List.copyOf(silent.values())));
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
     * Removes the rows of ranks of which only the mark is missing, if any other row remains. Such a rank waits for
     * another one and is not the cause.
     */
    private static void dropMarksExplained(Map<String, JsonObject> missing) {
        Set<String> marks = new HashSet<>();
        missing.forEach((key, row) -> {
            if (row.getString("phase").equals(StuckReport.Phase.MARK_MISSING.text())) {
                marks.add(key);
            }
        });
        if (marks.size() < missing.size()) {
            marks.forEach(missing::remove);
        }
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
        picture.getJsonArray("missing").forEach(one -> {
            JsonObject row = (JsonObject) one;
            text.append("\n  rank ")
                    .append(row.getInteger("rank"))
                    .append(": ")
                    .append(row.getString("phase"))
                    .append(" for ")
                    .append(row.getLong("sinceMs"))
                    .append(" ms");
            if (!row.getString("host").isEmpty()) {
                text.append(", pid ").append(row.getLong("pid")).append(" at ").append(row.getString("host"));
            }
            if (row.getInteger("attempts") > 0) {
                text.append(", ").append(row.getInteger("attempts")).append(" attempts");
            }
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
        picture.getJsonArray("noAnswer").forEach(one -> {
            JsonObject row = (JsonObject) one;
            text.append("\n  no answer from pid ")
                    .append(row.getLong("pid"))
                    .append(" at ")
                    .append(row.getString("host"))
                    .append(", ranks ")
                    .append(row.getJsonArray("ranks").encode());
        });
        return text.toString();
    }
}
