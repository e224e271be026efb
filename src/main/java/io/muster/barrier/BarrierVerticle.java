// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.blame.View;
import io.muster.bus.Addresses;
import io.muster.bus.Body;
import io.muster.bus.LocalCodec;
import io.muster.bus.Registrations;
import io.muster.epoch.BarrierSetup;
import io.muster.group.AllConnected;
import io.muster.group.Blame;
import io.muster.group.LogEvents;
import io.muster.group.Member;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.group.StuckReport;
import io.muster.peer.LinkChange;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkTable;
import io.muster.seat.SeatEvent;
import io.muster.seat.SeatState;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.muster.segment.Versioned;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The barrier of one group in one process, as a verticle. It is the shell of {@link GroupCore}: the states of the links
 * come in as messages, {@code all-connected} and {@code degraded} go out.
 *
 * <p><b>What it holds.</b> The core; the open promises of callers ({@link Waits}); the search for the process to blame
 * ({@link BlameWatch}); the current all-connected, if it still holds; and the store's trouble, if it has any.
 *
 * <p><b>Threads.</b> All state is used on the verticle's context, except the volatile fields. Public methods may be
 * called from any thread: they move to the context through {@link #execute} or {@link #ask}. Messages of other
 * processes may arrive before {@link #start}; {@link #execute} drops them, since a rank that joins later reads
 * everything.
 *
 * <p><b>Order of events.</b> A message of a link becomes an event of the core. The core calls {@link CoreListener}
 * within its transition, and the listener publishes on the bus and completes waits. On this node degraded is published
 * at once with the evidence; the whole cluster gets it after the record has been written.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Every promise completes: with its result, at its deadline, when its rank ends, or when the verticle stops.
 *   <li>A wait completes only with an epoch that is COMPLETE at that moment and that has the waiting rank's life.
 *   <li>An event from the cluster's bus never changes an epoch. It shows that the outcome is published, and may start a
 *       read of the store. If the group has a secret, the event must be signed with it.
 * </ul>
 *
 * <p><b>The trap that shaped it.</b> A caller may ask while the verticle stops. Its question may be queued on a context
 * that runs nothing any more, and its future would never complete. So each question is registered in {@link #answers}
 * before it is sent, {@link #stop} fails all that are registered, and the question checks {@link #stopped} both before
 * it is sent and when it runs.
 */
public final class BarrierVerticle extends VerticleBase implements BarrierCalls {
    private static final Logger LOG = LoggerFactory.getLogger(BarrierVerticle.class);
    private static final DeliveryOptions HERE = new DeliveryOptions().setLocalOnly(true);

    private static final DeliveryOptions RECORDS_HERE = LocalCodec.delivery();

    private final BarrierSetup setup;
    private final GroupServices services;
    private final BarrierTiming timing;
    private final Addresses addresses;
    private final List<MessageConsumer<?>> consumers = new ArrayList<>();
    private @Nullable Waits waits;
    /** Unanswered questions, asked on any thread; they fail when the verticle stops. */
    private final Set<Promise<?>> answers = ConcurrentHashMap.newKeySet();

    /** Unanswered reports, asked on any thread; they are answered early when the event loop stands still. */
    private final Set<Promise<StuckReport>> reports = ConcurrentHashMap.newKeySet();

    private @Nullable BlameWatch blame;
    /** Set once, when the verticle starts; read by the liveness answers of other contexts. */
    private volatile @Nullable GroupCore core;

    private @Nullable AllConnected current;
    private @Nullable String storeTrouble;
    private long storeTroubleNanos;
    private Instant storeTroubleAt = Instant.EPOCH;
    private long startNanos;
    /** The reason why joins, changes and waits are refused, null while they are accepted. */
    private @Nullable String abandoned;
    /** Set on the verticle's context when it stops; read by callers on any thread, whose questions then fail. */
    private volatile boolean stopped;
    /** The sentence about disagreeing world sizes that fails every wait, null while sizes agree. */
    private @Nullable String disagreement;

    public BarrierVerticle(BarrierSetup setup, GroupServices services, BarrierTiming timing) {
        this.setup = setup;
        this.services = services;
        this.timing = timing;
        this.addresses = new Addresses(setup.group());
    }

    @Override
    public Future<?> start() {
        startNanos = System.nanoTime();
        waits = new Waits(vertx);
        var ports = new VerticlePorts(services, context, new CoreListener());
        core = new GroupCore(setup, ports);
        blame = new BlameWatch(setup, new BlamePorts(), core(), timing);
        core().membersChanged(services.store().presentMembers());
        var bus = vertx.eventBus();
        consumers.add(bus.<LinkChange>localConsumer(addresses.linkState(), message -> linkChanged(message.body())));
        consumers.add(bus.<Object>localConsumer(addresses.report(), this::reported));
        MessageConsumer<Object> allConnected = bus.consumer(addresses.allConnected(), message -> {
            Body body = Body.of(message);
            body.number("epoch").ifPresent(epoch -> {
                if (services.isAuthentic(body.json())) {
                    core().allConnectedReceived(epoch);
                }
            });
        });
        MessageConsumer<Object> degraded = bus.consumer(addresses.degraded(), message -> {
            Body body = Body.of(message);
            body.number("epoch").ifPresent(epoch -> {
                if (!setup.process().toString().equals(body.text("seenHere", ""))
                        && services.isAuthentic(body.json())) {
                    core().degradedReceived(epoch);
                }
            });
        });
        consumers.add(allConnected);
        consumers.add(degraded);
        vertx.setPeriodic(timing.reconcileMs(), _ -> core().reconcile());
        if (timing.reportEveryMs() > 0) {
            vertx.setPeriodic(timing.reportEveryMs(), _ -> logReport());
        }
        return Registrations.await(vertx, addresses.allConnected(), List.of(allConnected, degraded));
    }

    @Override
    public Future<?> stop() {
        core().close();
        stopped = true;
        waits().close(closedReason());
        answers.forEach(answer -> answer.tryFail(MusterException.fatal(closedReason())));
        Registrations.end(consumers);
        return Future.succeededFuture();
    }

    // ---- calls of the process, from any thread

    @Override
    public void execute(Consumer<GroupCore> task) {
        GroupCore started = core;
        if (started != null && !stopped) {
            context.runOnContext(_ -> task.accept(started));
        }
    }

    @Override
    public boolean claims(Member member) {
        GroupCore started = core;
        return started != null && !stopped && started.claims(member);
    }

    /** Runs a question on the core's context; fails with FATAL if the verticle has stopped. */
    private <T extends @Nullable Object> Future<T> ask(BiConsumer<GroupCore, Promise<T>> question) {
        Promise<T> answer = Promise.promise();
        answers.add(answer);
        answer.future().onComplete(_ -> answers.remove(answer));
        GroupCore started = core;
        if (started == null || stopped) {
            answer.tryFail(MusterException.fatal(closedReason())); // stop() may have been there first
            return answer.future();
        }
        try {
            context.runOnContext(_ -> {
                if (stopped) { // the question was still on its way
                    answer.tryFail(MusterException.fatal(closedReason()));
                } else {
                    question.accept(started, answer);
                }
            });
        } catch (RejectedExecutionException _) {
            answer.tryFail(MusterException.fatal(closedReason()));
        }
        return answer.future();
    }

    /** The same for questions that need the store, which fail with FATAL after {@link #abandonWaits}. */
    private <T extends @Nullable Object> Future<T> askUnlessAbandoned(BiConsumer<GroupCore, Promise<T>> question) {
        return ask((core, promise) -> {
            if (abandoned == null) {
                question.accept(core, promise);
            } else {
                promise.tryFail(MusterException.fatal(abandoned));
            }
        });
    }

    private String closedReason() {
        return "the group was closed while waiting: group=" + setup.group();
    }

    /**
     * Fails with CONFIG if living processes have the group with another world size. Call it before the first rank is
     * claimed.
     */
    public Future<Void> agreeOnWorldSize() {
        return this.<@Nullable String>askUnlessAbandoned((core, promise) -> waits().read(core.disagreement(), promise))
                .compose(why ->
                        why == null ? Future.succeededFuture() : Future.failedFuture(MusterException.config(why)));
    }

    /** Prepares a rank before it is joined: {@link GroupCore#lookAhead}. Completes in any case. */
    public Future<Void> prepare(int rank) {
        return this.<Void>askUnlessAbandoned(
                        (core, promise) -> waits().read(core.lookAhead(rank).mapEmpty(), promise))
                .otherwiseEmpty();
    }

    /**
     * Claims and publishes a rank.
     *
     * @return the entry under which it holds its seat; fails with CONFIG if a live process holds the rank, with FATAL
     *     if the store has been closed
     */
    public Future<RankEntry> join(int rank, SegmentHandle handle) {
        return askUnlessAbandoned((core, promise) -> {
            if (core.seats().get(rank) instanceof SeatState.Held || !waits().join(rank, promise)) {
                promise.tryFail(MusterException.config(
                        "rank " + rank + " of group " + setup.group() + " has been joined by this process already"));
                return;
            }
            core.join(rank, handle);
        });
    }

    /**
     * Publishes the handle of a rank again, with a greater revision of the same life.
     *
     * @param handle called on the verticle's context, so that the later of two changes contains both
     * @return completes with an entry that has every segment of the handle; the store is retried until it answers.
     *     Fails with FATAL if the rank holds no seat or loses it
     */
    public Future<RankEntry> changeHandle(int rank, Supplier<SegmentHandle> handle) {
        return askUnlessAbandoned((core, promise) -> {
            if (!(core.seats().get(rank) instanceof SeatState.Held)) {
                promise.tryFail(notInGroup(rank, core.seats().get(rank)));
                return;
            }
            SegmentHandle wanted = handle.get();
            waits().change(rank, wanted, promise);
            core.changeHandle(rank, wanted);
            if (core.seats().get(rank) instanceof SeatState.Held held && held.work() == SeatState.Held.Work.NONE) {
                waits().settleChanges(held.entry());
            }
        });
    }

    /** Completes when the rank's entry says LEFT, or there is nothing left to say. */
    public Future<Void> leave(int rank) {
        return this.<Void>ask((core, promise) -> {
                    SeatState seat = core.seats().get(rank);
                    if (seat == null || seat instanceof SeatState.Ended) {
                        promise.tryComplete();
                        return;
                    }
                    if (waits().leave(rank, promise)) {
                        core.leave(rank);
                    }
                })
                .otherwiseEmpty();
    }

    /**
     * Waits until all are connected in an epoch that this rank is in.
     *
     * @return fails with RETRY and the stuck report when the deadline passes, with FATAL when the rank ends or the
     *     group is closed first
     */
    public Future<AllConnected> allConnected(int rank, long deadlineMs) {
        return askUnlessAbandoned((core, promise) -> {
            SeatState seat = core.seats().get(rank);
            if (seat == null || seat instanceof SeatState.Ended) {
                promise.tryFail(notInGroup(rank, seat));
            } else if (disagreement != null) {
                promise.tryFail(MusterException.config(disagreement));
            } else if (current != null && isCurrentFor(rank)) {
                promise.tryComplete(current);
            } else {
                waits().await(
                                rank,
                                promise,
                                new Waits.Deadline(
                                        deadlineMs,
                                        timing.observersMs(),
                                        this::look,
                                        seen -> "not all connected after " + deadlineMs + " ms: "
                                                + report(seen).text()));
            }
        });
    }

    private MusterException notInGroup(int rank, @Nullable SeatState seat) {
        return MusterException.fatal("rank " + rank + " of group " + setup.group() + " is not in the group"
                + (seat instanceof SeatState.Ended(String reason, var _) ? ": " + reason : ""));
    }

    @Override
    public @Nullable EpochRecord epochSeen() {
        GroupCore started = core;
        return started == null ? null : started.barrier().recorded();
    }

    @Override
    public Future<SeatEvent.IncumbentAnswered.Answer> asked(RankEntry about, long limitMs) {
        return this.<SeatEvent.IncumbentAnswered.Answer>ask(
                        (started, answer) -> started.asked(about, limitMs).onComplete(answer))
                .otherwise(SeatEvent.IncumbentAnswered.Answer.GONE);
    }

    /**
     * The missing ranks as this process sees them, and the blame from the views of all processes that answer. While the
     * event loop of this verticle stands still, the report says so and nothing else.
     */
    public Future<StuckReport> report() {
        Promise<StuckReport> answer = Promise.promise();
        reports.add(answer);
        answer.future().onComplete(_ -> reports.remove(answer));
        this.<StuckReport>ask((_, promise) ->
                        look(timing.observersMs()).map(this::report).onComplete(promise::tryComplete, promise::tryFail))
                .onComplete(answer::tryComplete, answer::tryFail);
        loopStalled();
        return answer.future();
    }

    /** Answers the open reports without this verticle's event loop if that stands still. From any thread. */
    public void loopStalled() {
        String stalled = core == null || stopped ? "" : services.loopTrouble(context);
        if (!stalled.isEmpty()) {
            var report = new StuckReport(setup.group(), 0, "UNKNOWN", "", stalled, List.of(), Blame.NONE);
            reports.forEach(one -> one.tryComplete(report));
        }
    }

    /** Reads the marks and polls the processes for a report. Never fails. */
    private Future<Blame> look(long withinMs) {
        Future<?> marks = core().lookAtMarks()
                .timeout(Math.max(1, withinMs / 2), TimeUnit.MILLISECONDS)
                .otherwiseEmpty();
        return blame().ask(withinMs).compose(blame -> marks.map(blame));
    }

    /** The blame for broken connections, from the views of all processes that answer. */
    public Future<Blame> whoIsToBlame() {
        return ask(
                (_, promise) -> blame().ask(timing.observersMs()).onComplete(promise::tryComplete, promise::tryFail));
    }

    @Override
    public Future<View> view() {
        return ask((_, promise) -> promise.tryComplete(blame().view()));
    }

    @Override
    public void processLost(ProcessId process, LossEvidence evidence) {
        execute(_ -> blame().lost(process, evidence));
    }

    @Override
    public void notOpened(ProcessId process, LossEvidence evidence) {
        execute(_ -> blame().notOpened(process, evidence));
    }

    /** The context on which the core runs; only after the start. */
    public Context context() {
        return context;
    }

    /** The group as this process sees it, for the status page. */
    public Future<Picture> picture() {
        return ask((core, promise) -> {
            // a caller that collects the pictures of all processes waits for observersMs itself
            Future<?> marks = storeTrouble == null
                    ? core.lookAtMarks().timeout(Math.max(1, timing.observersMs() / 4), TimeUnit.MILLISECONDS)
                    : Future.succeededFuture();
            marks.onComplete(_ -> promise.tryComplete(new Picture(
                    core.barrier().epoch(),
                    current,
                    report(blame().latest()),
                    core.directory().values().stream()
                            .map(Versioned::value)
                            .filter(RankEntry.class::isInstance)
                            .map(RankEntry.class::cast)
                            .toList())));
        });
    }

    /**
     * The group as this process sees it.
     *
     * @param allConnected the current all-connected, null while a rank is missing
     * @param entries newest entry of each rank that has published
     */
    public record Picture(
            @Nullable EpochRecord epoch,
            @Nullable AllConnected allConnected,
            StuckReport report,
            List<RankEntry> entries) {}

    /**
     * Fails every wait at once with FATAL, which is neither success nor timeout (B-5), and from now on each new one.
     * Ranks can still leave.
     */
    public void abandonWaits(String reason) {
        execute(_ -> {
            abandoned = reason;
            waits().abandon(reason);
        });
    }

    // ---- links

    private void linkChanged(LinkChange change) {
        Member lost = change.lostPeer();
        if (lost != null) {
            core().linkLost(change.self().rank(), lost, change.cause(), change.reason());
        }
        Member gained = change.gainedPeer();
        if (gained != null) {
            core().linkConnected(change.self().rank(), gained, change.proof());
            blame().recovered();
        }
    }

    private void reported(Message<Object> message) {
        Body body = Body.of(message);
        int rank = rank(body, "rank");
        RankEntry entry = Versioned.valueOf(core().directory().get(rank(body, "peer")));
        if (entry == null
                || !core().seats().containsKey(rank)
                || entry.member().incarnation()
                        != body.number("incarnation").orElse(entry.member().incarnation())) {
            LOG.info(LogEvents.REPORT_IGNORED + " group={} rank={} peer={}", setup.group(), rank, rank(body, "peer"));
            return;
        }
        services.links()
                .send(
                        rank,
                        entry.member().rank(),
                        new LinkEvent.Reported(entry.member(), body.text("reason", "no reason given")));
    }

    /** A rank of the body, -1 if it names none. */
    private static int rank(Body body, String name) {
        long rank = body.number(name).orElse(-1);
        return rank >= 0 && rank < Member.MAX_WORLD_SIZE ? (int) rank : -1;
    }

    // ---- waiting

    private boolean isCurrentFor(int rank) {
        EpochRecord epoch = core().barrier().epoch();
        return epoch != null
                && epoch.state() == EpochRecord.State.COMPLETE
                && current != null
                && current.epoch() == epoch.number()
                && core().seats().get(rank) instanceof SeatState.Held seat
                && epoch.vector().get(rank).equals(seat.member());
    }

    private void complete(AllConnected allConnected, EpochRecord record) {
        EpochRecord now = core().barrier().epoch();
        if (now == null || now.number() != record.number() || now.state() != EpochRecord.State.COMPLETE) {
            return;
        }
        current = allConnected;
        waits().complete(allConnected, this::isCurrentFor);
    }

    private void blameChanged(Blame blame) {
        boolean over = blame.findings().isEmpty();
        LOG.atLevel(timing.reportEveryMs() == 0 ? Level.DEBUG : over ? Level.INFO : Level.WARN)
                .log(
                        LogEvents.BLAME_CHANGED + " group={} {}",
                        setup.group(),
                        over ? "no process is to blame any more" : blame.text());
        vertx.eventBus()
                .publish(
                        addresses.blame(),
                        blame.toJson().put("group", setup.group().value()),
                        HERE);
    }

    private StuckReport report(Blame blame) {
        String trouble = storeTrouble == null
                ? ""
                : "store unavailable since " + storeTroubleAt.truncatedTo(ChronoUnit.SECONDS) + " ("
                        + (System.nanoTime() - storeTroubleNanos) / 1_000_000 + " ms): " + storeTrouble;
        return new Diagnosis(setup.worldSize(), core(), services.linkTable(), startNanos, System.nanoTime())
                .report(setup.group(), trouble, services.loopTrouble(), blame);
    }

    private void logReport() {
        if (waits().isAnyoneWaiting()) {
            report().onSuccess(report -> LOG.info(LogEvents.WAIT_PENDING + " {}", report.text()));
        }
    }

    private BlameWatch blame() {
        return Objects.requireNonNull(blame, "the verticle has not started");
    }

    private Waits waits() {
        return Objects.requireNonNull(waits, "the verticle has not started");
    }

    private GroupCore core() {
        GroupCore started = core;
        if (started == null) {
            throw new IllegalStateException("the verticle has not started");
        }
        return started;
    }

    private JsonObject degradedBody(long epoch, List<LostMember> lost) {
        var body = new JsonObject()
                .put("group", setup.group().value())
                .put("epoch", epoch)
                .put(
                        "lost",
                        new JsonArray(lost.stream()
                                .map(one -> new JsonObject()
                                        .put("rank", one.member().rank())
                                        .put("incarnation", one.member().incarnation())
                                        .put("reason", one.reason())
                                        .put("evidence", one.evidence())
                                        .put("reportedBy", one.reportedBy()))
                                .toList()));
        return blame().latest().findings().isEmpty()
                ? body
                : body.put("blame", blame().latest().toJson());
    }

    private final class BlamePorts implements BlameWatch.Ports {
        @Override
        public boolean reaches(ProcessId process) {
            return services.network().reaches(process);
        }

        @Override
        public LinkTable links() {
            return services.linkTable();
        }

        @Override
        public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
            Promise<Collection<View>> here = Promise.promise();
            services.network()
                    .askObservers(own, others, withinMs)
                    .onComplete(asked -> context.runOnContext(_ -> here.handle(asked)));
            return here.future();
        }

        @Override
        public Runnable after(long delayMs, Runnable task) {
            long timer = vertx.setTimer(delayMs, _ -> task.run());
            return () -> vertx.cancelTimer(timer);
        }

        @Override
        public void changed(Blame blame) {
            blameChanged(blame);
        }
    }

    private final class CoreListener implements GroupPorts.Listener {
        @Override
        public void seatPublished(RankEntry entry) {
            services.entryPublished(entry);
        }

        @Override
        public void seatTaken(RankEntry entry) {
            waits().published(entry);
        }

        @Override
        public void epochStage(long epoch, EpochStage.Stage stage) {
            vertx.eventBus()
                    .publish(
                            addresses.epochStage(),
                            new EpochStage(setup.group(), epoch, stage, System.nanoTime()),
                            RECORDS_HERE);
        }

        @Override
        public void seatEnded(int rank, SeatState.End end, String reason) {
            if (!waits().ended(rank, end, reason) && end != SeatState.End.LEFT) {
                LOG.error(
                        LogEvents.RANK_ENDED + " group={} rank={} how={} reason={}", setup.group(), rank, end, reason);
            }
        }

        @Override
        public void worldSizesDisagree(String reason) {
            disagreement = reason;
            waits().failWaiters(MusterException.config(reason));
        }

        @Override
        public void allConnected(EpochRecord record) {
            blame().recovered();
            complete(toAllConnected(record, core().elapsedMs(record)), record);
        }

        @Override
        public void publishAllConnected(EpochRecord record) {
            vertx.eventBus()
                    .publish(
                            addresses.allConnected(),
                            services.sign(toAllConnected(record, core().elapsedMs(record))
                                    .toJson()));
        }

        @Override
        public void degradedHere(long epoch, List<LostMember> lost) {
            current = null;
            boolean inOrder = !lost.isEmpty()
                    && lost.stream().allMatch(one -> one.reason().equals("LEFT"));
            LOG.atLevel(inOrder ? Level.INFO : Level.WARN)
                    .log(LogEvents.EPOCH_DEGRADED + " group={} epoch={} lost={}", setup.group(), epoch, lost);
            if (!inOrder) {
                blame().degraded();
            }
            vertx.eventBus()
                    .publish(
                            addresses.degraded(),
                            degradedBody(epoch, lost)
                                    .put("seenHere", setup.process().toString()),
                            HERE);
        }

        @Override
        public void publishDegraded(long epoch, List<LostMember> lost) {
            vertx.eventBus().publish(addresses.degraded(), services.sign(degradedBody(epoch, lost)));
        }

        @Override
        public void storeTrouble(@Nullable String reason) {
            if (reason != null && storeTrouble == null) {
                storeTroubleNanos = System.nanoTime();
                storeTroubleAt = Instant.now();
                LOG.warn(LogEvents.STORE_TROUBLE + " group={} reason={}", setup.group(), reason);
            }
            storeTrouble = reason;
        }
    }

    /** The content of a COMPLETE record. */
    private static AllConnected toAllConnected(EpochRecord record, long elapsedMs) {
        return new AllConnected(
                record.group(),
                record.number(),
                record.worldSize(),
                record.digest().toString(),
                elapsedMs,
                record.proofs().links(),
                record.proofs().paths());
    }
}
