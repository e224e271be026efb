// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.Clause;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.options.OwnAddress;
import io.muster.transfer.Complaints;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides, before Hazelcast starts, whether this process founds a cluster or joins one.
 *
 * <p><b>Rule.</b> All processes have the same list of control addresses. A process that finds a formed cluster at any
 * of them joins it. Otherwise only the first listed process founds, and only after each of the others has answered, has
 * refused the connection, or has been silent for {@link Settings#silence}. The others wait for it. {@link #decide} is
 * this rule: a pure function of what is known of each address.
 *
 * <p><b>State.</b> The decision so far ({@code progress}), the future of the formed cluster, and the queue of processes
 * that are about to join ({@link JoinQueue}).
 *
 * <p><b>Threads.</b> The thread that starts the process runs {@link #await}. One virtual thread per listed address asks
 * and puts answers into a queue, which only {@code await} reads. Threads of the control port answer others at the same
 * time. They meet the starting thread in {@code progress} (volatile) and in the future.
 *
 * <p><b>Order of events.</b> Ask all; decide after each answer; found or join; {@link #formed} then answers the
 * processes that are waiting. Waiting has no polling latency: the first listed process holds the question open until
 * its cluster has formed. The other addresses are asked at once and then slowly, which finds a cluster whose first
 * process is dead.
 *
 * <p><b>Invariants.</b> Two processes with equal lists never both found. A process that founds publishes that in
 * {@code progress} before it asks its first question, so if two processes with different lists would both found, at
 * least one sees the other, and its {@link #await} fails with CONFIG.
 *
 * <p><b>The trap.</b> The first listed process may be a restarted one, whose cluster is alive without it. It therefore
 * must not found just because it is the first: it asks all others, and counts an address as answered only if it has
 * replied or refused. If a control port is open but does not know the question yet, its process counts as one that has
 * not formed a cluster.
 */
public final class ClusterFormation {
    /** The name of the question on the control port. */
    public static final String ASK = "cluster";

    /** The name of the question that is answered when the asking process may join. */
    public static final String ASK_TURN = "join-turn";

    /** The name of the message by which a process tells the others why it does not get on. */
    private static final String TELL = "trouble";

    private static final int MAX_TEXT = 400;
    private static final Executor VIRTUAL =
            task -> Thread.ofVirtual().name("muster-form-size").start(task);

    /** A message that is lost is missed by a person only, and nothing waits for it. */
    private static final Duration TELL_PATIENCE = Duration.ofSeconds(2);

    private static final Logger log = LoggerFactory.getLogger(ClusterFormation.class);
    /**
     * How long a question is held by a process that has not formed yet. Shorter than a firewall keeps an idle
     * connection.
     */
    private static final Duration HOLD = Duration.ofSeconds(10);
    /** What a busy host may add to it. */
    private static final Duration HOLD_SLACK = Duration.ofSeconds(3);
    /** A usual start is over before that. */
    private static final Duration FIRST_LOG = Duration.ofSeconds(2);
    /** Often enough for a person who watches a terminal. */
    private static final Duration NEXT_LOG = Duration.ofSeconds(5);
    /** What an asker may ask for, so that a stranger does not hold connections. Above {@link #HOLD}. */
    private static final long MAX_HOLD_MS = 20_000;
    /** A join takes some 20 ms at the master. */
    private static final Duration TURN_SETTLE = Duration.ofMillis(30);
    /** A member that dies in its turn delays the next one by this. */
    private static final Duration TURN_LIMIT = Duration.ofMillis(250);
    /** 40 turns of members that die. A process that gets no turn joins all the same. */
    private static final Duration TURN_PATIENCE = Duration.ofSeconds(10);

    private final Complaints troubles = new Complaints(log, LogEvents.CLUSTER_TROUBLE);
    private final ControlAddress own;
    private final ProcessId process;
    private final List<ControlAddress> members;
    /** The entry of this process in the list, if it has one. */
    private final Optional<ControlAddress> ownEntry;

    private final Settings settings;
    private final StartProgress start;
    private final CompletableFuture<String> formed = new CompletableFuture<>();
    private final JoinQueue turns = new JoinQueue(TURN_SETTLE, TURN_LIMIT);

    /** The current answer of this process. Written by the starting thread, read by threads of the control port. */
    private volatile Progress progress;

    /** @param founder whether this process is the first listed, so that it founds if it finds no cluster */
    private record Progress(Decision decision, boolean founder) {}

    /**
     * @param deadline limit of the wait for a cluster to join, or for the permission to found one
     * @param silence how long a founder waits for a listed address that neither answers nor refuses. If it is too
     *     short, a restarted first process founds a second cluster beside one whose processes are all slow (the two
     *     merge later). If it is too long, machines that are down delay the start
     */
    public record Settings(Duration deadline, Duration silence) {
        /** For a process that waits for its cluster without limit. */
        public static final Settings DEFAULT = new Settings(Duration.ofDays(365), Duration.ofSeconds(3));
    }

    /** The knowledge about one listed address. */
    sealed interface Seen {
        /** It has not answered yet. */
        record Unasked() implements Seen {}

        /** It is this process. */
        record Self() implements Seen {}

        /** It is in a cluster; its member listens at this address. */
        record Formed(String hazelcast) implements Seen {}

        /** It is up and in no cluster yet. */
        record Forming(boolean founder) implements Seen {}

        /** Nothing listens there. */
        record Absent(String why) implements Seen {}

        /** It has neither answered nor refused, or its answer is not understood. */
        record Silent(String why) implements Seen {}
    }

    /** The decision. */
    public sealed interface Decision {
        /**
         * @param at the process to join
         * @param hazelcast the member to join with, {@code host:port}
         * @param known all known members, this one included
         */
        record Join(ControlAddress at, String hazelcast, List<String> known) implements Decision {}

        /** @param unanswered listed addresses that have neither answered nor refused */
        record Found(List<ControlAddress> unanswered) implements Decision {}

        /** Keep waiting. */
        record WaitFor(ControlAddress address, String why) implements Decision {}

        /** Another process founds as well: the lists differ. */
        record Conflict(ControlAddress other) implements Decision {}
    }

    /**
     * @param port gets the handler that answers other processes
     * @param members the listed control addresses, the same in all processes; empty: this process is alone
     * @param advertise the address that others dial, if it differs from that of the port; else empty
     * @throws MusterException of kind CONFIG if the list has an address of this host at which nothing listens, in place
     *     of that of the port
     */
    public ClusterFormation(
            ControlPort port, ProcessId process, List<ControlAddress> members, String advertise, Settings settings) {
        this(port, process, members, advertise, settings, new StartProgress());
    }

    /** The same with the place where this process says what it waits for. */
    ClusterFormation(
            ControlPort port,
            ProcessId process,
            List<ControlAddress> members,
            String advertise,
            Settings settings,
            StartProgress start) {
        this.own = port.address();
        this.process = process;
        this.members = members.isEmpty() ? List.of(own) : List.copyOf(members);
        this.settings = settings;
        this.start = start;
        this.ownEntry = new MemberList(OwnAddress.of(own.host(), advertise), own.port(), this.members)
                .ownEntry()
                .map(ClusterFormation::logged);
        this.progress = new Progress(
                new Decision.WaitFor(this.members.getFirst(), "just started"), isOwn(this.members.getFirst()));
        port.handle(ASK, this::answer);
        port.handle(ASK_TURN, _ -> turns.take());
        port.handle(TELL, this::told);
        LargePackets.answerAt(port);
    }

    /** The decision that follows from what is known. The map has the addresses in the order of the list. */
    static Decision decide(Map<ControlAddress, Seen> known) {
        List<String> clustered = new ArrayList<>();
        List<ControlAddress> clusteredAt = new ArrayList<>();
        List<ControlAddress> unanswered = new ArrayList<>();
        List<ControlAddress> open = new ArrayList<>();
        List<ControlAddress> founders = new ArrayList<>();
        known.forEach((address, seen) -> {
            switch (seen) {
                case Seen.Formed(String hazelcast) -> {
                    clusteredAt.add(address);
                    clustered.add(hazelcast);
                }
                case Seen.Unasked() -> open.add(address);
                case Seen.Silent(var _) -> unanswered.add(address);
                case Seen.Forming(boolean founder) when founder -> founders.add(address);
                case Seen.Forming(var _), Seen.Absent(var _), Seen.Self() -> {}
            }
        });
        if (!clustered.isEmpty()) {
            return new Decision.Join(clusteredAt.getFirst(), clustered.getFirst(), List.copyOf(clustered));
        }
        Map.Entry<ControlAddress, Seen> first = known.entrySet().iterator().next();
        return switch (first.getValue()) {
            case Seen.Self() when !founders.isEmpty() -> new Decision.Conflict(founders.getFirst());
            case Seen.Self()
            when !open.isEmpty() ->
                new Decision.WaitFor(open.getFirst(), "it has not answered yet and may be in a cluster");
            case Seen.Self() -> new Decision.Found(List.copyOf(unanswered));
            case Seen.Unasked() -> new Decision.WaitFor(first.getKey(), "it has not answered yet");
            case Seen.Forming(var _) -> new Decision.WaitFor(first.getKey(), "it is founding the cluster");
            case Seen.Absent(String why) -> new Decision.WaitFor(first.getKey(), why);
            case Seen.Silent(String why) -> new Decision.WaitFor(first.getKey(), why);
            case Seen.Formed(String hazelcast) -> new Decision.Join(first.getKey(), hazelcast, List.copyOf(clustered));
        };
    }

    /**
     * Blocks until the decision is made. Called by the thread that starts the process, and again if joining fails.
     *
     * @return a Join or a Found
     * @throws MusterException RETRY if there is no cluster in time, CONFIG if two processes found, FATAL if the thread
     *     is interrupted
     */
    public Decision await() {
        Map<ControlAddress, Seen> known = new LinkedHashMap<>();
        members.forEach(address -> known.put(address, isOwn(address) ? new Seen.Self() : new Seen.Unasked()));
        BlockingQueue<Map.Entry<ControlAddress, Seen>> news = new LinkedBlockingQueue<>();
        long startNanos = System.nanoTime();
        long logNanos = startNanos + FIRST_LOG.toNanos();
        long endNanos = startNanos + settings.deadline().toNanos();
        ExecutorService askers = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("muster-form-", 0).factory());
        try {
            known.forEach((address, seen) -> {
                if (!(seen instanceof Seen.Self)) {
                    askers.execute(() -> keepAsking(address, news));
                }
            });
            while (true) {
                Decision decision = decide(known);
                progress = new Progress(decision, known.get(members.getFirst()) instanceof Seen.Self);
                long now = System.nanoTime();
                switch (decision) {
                    case Decision.Join _, Decision.Found _ -> {
                        if (!unlisted(known).isEmpty()) {
                            log.warn(LogEvents.CLUSTER_UNLISTED + " control={}{}", own, unlisted(known));
                        }
                        return decision;
                    }
                    case Decision.Conflict(ControlAddress other) ->
                        throw MusterException.config("two processes found a cluster: " + own + " and " + other
                                + " each are the first in their own list of members;"
                                + " give all processes the same list in the same order");
                    case Decision.WaitFor(ControlAddress address, String why) -> {
                        start.waitsFor(
                                waitedFor(address),
                                why + "; if it does not run, start it; check that this host reaches it"
                                        + unlisted(known));
                        if (now - endNanos >= 0) {
                            throw MusterException.retry("no cluster after "
                                    + settings.deadline().toMillis() + " ms: " + own + " waits for "
                                    + waitedFor(address) + " (" + why
                                    + "); start that process, or check that this host reaches it"
                                    + unlisted(known));
                        }
                        if (now - logNanos >= 0) {
                            log.info(
                                    LogEvents.CLUSTER_WAITING + " for={} why=\"{}\" ms={}",
                                    address,
                                    why,
                                    TimeUnit.NANOSECONDS.toMillis(now - startNanos));
                            logNanos = now + NEXT_LOG.toNanos();
                        }
                    }
                }
                var answer = news.poll(Math.min(logNanos, endNanos) - now, TimeUnit.NANOSECONDS);
                if (answer != null) {
                    known.put(answer.getKey(), answer.getValue());
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw MusterException.fatal("interrupted while forming the cluster");
        } finally {
            askers.shutdownNow();
        }
    }

    private String waitedFor(ControlAddress address) {
        return (address.equals(members.getFirst()) ? "the first listed process, which founds, at " : "the process at ")
                + address;
    }

    /** Says on which paths from here large packets are lost, empty if on none. Blocks for three seconds at most. */
    String largePacketsLost() {
        return largePacketsLost(_ -> true);
    }

    /** The same for the listed processes of one host; true also says so in the log. */
    boolean isBadPath(String host) {
        String lost = largePacketsLost(address ->
                address.resolve().stream().anyMatch(one -> one.getHostAddress().equals(host)));
        if (!lost.isEmpty()) {
            troubles.note(host, "is not merged with this part of the cluster: " + lost);
        }
        return !lost.isEmpty();
    }

    private String largePacketsLost(Predicate<ControlAddress> of) {
        return members.stream()
                .filter(address -> !isOwn(address) && of.test(address))
                .map(address -> CompletableFuture.supplyAsync(
                        () -> LargePackets.areLost(address) ? LargePackets.sentence(own, address) : "", VIRTUAL))
                .toList()
                .stream()
                .map(CompletableFuture::join)
                .filter(lost -> !lost.isEmpty())
                .collect(Collectors.joining("; "));
    }

    /** A clause if this process is not in its own list. Empty as long as a listed address may be its own. */
    private String unlisted(Map<ControlAddress, Seen> known) {
        boolean mayBeOwn =
                known.values().stream().anyMatch(seen -> seen instanceof Seen.Self || seen instanceof Seen.Unasked);
        return mayBeOwn
                ? ""
                : "; this process is not in its list of members " + members + ": add " + own
                        + " to the list of every process, or no other process can find the cluster through it";
    }

    /**
     * This process is in the cluster. The questions that are held open, and all later ones, are answered with the
     * address of its member.
     */
    public void formed(String hazelcast) {
        formed.complete(hazelcast);
    }

    /** A member has joined the cluster. May be called on any thread. */
    public void memberJoined() {
        turns.joined();
    }

    /** Blocks until this process may join, or until waiting for its turn has taken too long. */
    public void awaitTurn(Decision.Join join) {
        ControlClient.Reply reply = ControlClient.ask(join.at(), new JsonObject().put("ask", ASK_TURN), TURN_PATIENCE);
        log.debug(LogEvents.CLUSTER_TURN + " at={} reply={}", join.at(), reply);
    }

    private void keepAsking(ControlAddress address, BlockingQueue<Map.Entry<ControlAddress, Seen>> news) {
        // Read before the first question. If it is true, other processes could read it before this one asked. So one
        // answer of each is enough: of two processes that both found, at least one sees the other.
        boolean founds = progress.founder();
        boolean founder = address.equals(members.getFirst());
        long pauseMs = founder ? 25 : 1000;
        long maxPauseMs = founder ? 200 : 4000;
        boolean hold = false;
        try {
            while (!Thread.currentThread().isInterrupted()) {
                Seen seen = ask(address, hold ? HOLD : Duration.ZERO);
                news.add(Map.entry(address, seen));
                if (seen instanceof Seen.Self || (founds && !(seen instanceof Seen.Silent))) {
                    return;
                }
                hold = founder && seen instanceof Seen.Forming;
                if (!hold) {
                    Thread.sleep(pauseMs / 2 + ThreadLocalRandom.current().nextLong(pauseMs));
                    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private Seen ask(ControlAddress address, Duration hold) {
        JsonObject request = new JsonObject().put("ask", ASK).put("waitMs", hold.toMillis());
        Duration deadline = hold.isZero() ? settings.silence() : hold.plus(HOLD_SLACK);
        return switch (ControlClient.ask(address, request, deadline)) {
            case ControlClient.Reply.Answered(JsonObject body) -> seen(body);
            case ControlClient.Reply.Refused(String why) -> new Seen.Absent(why);
            case ControlClient.Reply.Silent(String why) -> new Seen.Silent(why);
        };
    }

    Seen seen(JsonObject body) {
        if (process.toString().equals(body.getValue("processId"))) {
            return new Seen.Self();
        }
        if (Boolean.TRUE.equals(body.getValue("formed")) && body.getValue("hazelcast") instanceof String hazelcast) {
            return new Seen.Formed(hazelcast);
        }
        if (Boolean.FALSE.equals(body.getValue("formed"))) {
            return new Seen.Forming(Boolean.TRUE.equals(body.getValue("founder")));
        }
        if (body.getValue("asks") instanceof JsonArray) {
            return new Seen.Forming(false); // its control port is open, but it has not begun to form a cluster
        }
        return new Seen.Silent(body.getValue("error") instanceof String error ? error : "its answer is not understood");
    }

    private CompletionStage<JsonObject> answer(JsonObject request) {
        long waitMs = request.getValue("waitMs") instanceof Number number
                ? Math.clamp(number.longValue(), 0, MAX_HOLD_MS)
                : 0;
        if (formed.isDone() || waitMs == 0) {
            return CompletableFuture.completedFuture(state());
        }
        return formed.thenApply(_ -> state()).completeOnTimeout(state(), waitMs, TimeUnit.MILLISECONDS);
    }

    private JsonObject state() {
        JsonObject state = new JsonObject()
                .put("formed", formed.isDone())
                .put("processId", process.toString())
                .put("control", own.toString());
        if (formed.isDone()) {
            return state.put("hazelcast", formed.join());
        }
        Progress now = progress;
        state.put("founder", now.founder());
        return switch (now.decision()) {
            case Decision.WaitFor(ControlAddress address, String why) ->
                state.put("waitingFor", address.toString()).put("why", why);
            case Decision.Join(var _, String hazelcast, var _) -> state.put("waitingFor", "joining " + hazelcast);
            case Decision.Found _ -> state.put("waitingFor", "founding");
            case Decision.Conflict(ControlAddress other) -> state.put("waitingFor", "conflict with " + other);
        };
    }

    /** Tells the other listed processes why this one does not get on. Does not block. */
    void tell(String why) {
        JsonObject message =
                new JsonObject().put("ask", TELL).put("from", own.toString()).put("why", Clause.atMost(MAX_TEXT, why));
        for (ControlAddress address : members) {
            if (!isOwn(address)) {
                Thread.ofVirtual()
                        .name("muster-form-tell")
                        .start(() -> ControlClient.ask(address, message, TELL_PATIENCE));
            }
        }
    }

    private CompletionStage<JsonObject> told(JsonObject message) {
        if (message.getValue("from") instanceof String from && message.getValue("why") instanceof String why) {
            troubles.note(printable(from), "can't get on: " + printable(why));
        }
        return CompletableFuture.completedFuture(new JsonObject());
    }

    /** The control port takes messages of any process of the network. */
    static String printable(String text) {
        return Clause.atMost(MAX_TEXT, text).replaceAll("\\p{Cntrl}", "?");
    }

    private boolean isOwn(ControlAddress address) {
        return ownEntry.filter(address::equals).isPresent();
    }

    private static ControlAddress logged(MemberList.OwnEntry own) {
        if (!own.why().isEmpty()) {
            log.warn(
                    LogEvents.CLUSTER_OWN_ENTRY
                            + " entry={} why=\"{}\": taken for this process; the others must resolve it to that address",
                    own.entry(),
                    own.why());
        }
        return own.entry();
    }
}
