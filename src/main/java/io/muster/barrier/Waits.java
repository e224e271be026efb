// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.AllConnected;
import io.muster.group.Blame;
import io.muster.group.MusterException;
import io.muster.seat.SeatState;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The open promises of one group in one process: joining, changing a handle, leaving, waiting for all-connected. Each
 * one completes when its condition holds, its rank ends, its deadline passes, or the group closes. Lives on the group's
 * context.
 */
final class Waits {
    private final Vertx vertx;
    private final Map<Integer, Promise<RankEntry>> joining = new HashMap<>();
    private final Map<Integer, Promise<Void>> leaving = new HashMap<>();
    private final List<Waiter> waiters = new ArrayList<>();
    private final List<Change> changes = new ArrayList<>();
    /** Reads of the store before a join. */
    private final Set<Promise<?>> reading = new HashSet<>();

    private static final class Waiter {
        private final int rank;
        private final Promise<AllConnected> promise;
        /** The timer that is running. */
        private long timer;

        private Waiter(int rank, Promise<AllConnected> promise) {
            this.rank = rank;
            this.promise = promise;
        }
    }

    private record Change(int rank, SegmentHandle wanted, Promise<RankEntry> promise) {}

    Waits(Vertx vertx) {
        this.vertx = vertx;
    }

    /** @return false if the rank is being joined already */
    boolean join(int rank, Promise<RankEntry> promise) {
        return joining.putIfAbsent(rank, promise) == null;
    }

    void change(int rank, SegmentHandle wanted, Promise<RankEntry> promise) {
        changes.add(new Change(rank, wanted, promise));
    }

    /** The promise completes with a read of the store, or with the end of the group. */
    <T extends @Nullable Object> void read(Future<T> read, Promise<T> promise) {
        reading.add(promise);
        read.onComplete(_ -> reading.remove(promise)).onComplete(promise::tryComplete, promise::tryFail);
    }

    /** @return false if the rank is leaving already; the promise then completes with the first one */
    boolean leave(int rank, Promise<Void> promise) {
        Promise<Void> known = leaving.putIfAbsent(rank, promise);
        if (known != null) {
            known.future().onComplete(promise::tryComplete, promise::tryFail);
        }
        return known == null;
    }

    /**
     * When and how a wait fails.
     *
     * @param afterMs duration of the whole wait
     * @param askMs time before the end at which the other processes are asked who is to blame
     */
    record Deadline(long afterMs, long askMs, LongFunction<Future<Blame>> ask, Function<Blame, String> report) {}

    void await(int rank, Promise<AllConnected> promise, Deadline deadline) {
        long lastMs = Math.max(1, Math.min(deadline.askMs(), deadline.afterMs() / 2));
        var waiter = new Waiter(rank, promise);
        waiter.timer = vertx.setTimer(Math.max(1, deadline.afterMs() - lastMs), _ -> {
            AtomicReference<Blame> found = new AtomicReference<>(Blame.NONE);
            deadline.ask().apply(lastMs).onSuccess(found::set);
            waiter.timer = vertx.setTimer(lastMs, _ -> {
                if (waiters.remove(waiter)) {
                    promise.tryFail(MusterException.retry(deadline.report().apply(found.get())));
                }
            });
        });
        waiters.add(waiter);
    }

    boolean isAnyoneWaiting() {
        return !waiters.isEmpty();
    }

    void published(RankEntry entry) {
        Promise<RankEntry> promise = joining.remove(entry.member().rank());
        if (promise != null) {
            promise.tryComplete(entry);
        }
        settleChanges(entry);
    }

    void settleChanges(RankEntry published) {
        List<Change> done = changes.stream()
                .filter(change -> change.rank() == published.member().rank()
                        && published
                                .handle()
                                .segments()
                                .containsAll(change.wanted().segments()))
                .toList();
        changes.removeAll(done);
        done.forEach(change -> change.promise().tryComplete(published));
    }

    void complete(AllConnected allConnected, Predicate<Integer> ranks) {
        take(ranks).forEach(waiter -> waiter.promise.tryComplete(allConnected));
    }

    /**
     * A rank has lost or given up its seat.
     *
     * @return whether a join or a wait has failed because of it
     */
    boolean ended(int rank, SeatState.End end, String reason) {
        Promise<RankEntry> promise = joining.remove(rank);
        if (promise != null) {
            promise.tryFail(
                    end == SeatState.End.TAKEN ? MusterException.config(reason) : MusterException.fatal(reason));
        }
        Promise<Void> left = leaving.remove(rank);
        if (left != null) {
            left.tryComplete();
        }
        List<Change> lost =
                changes.stream().filter(change -> change.rank() == rank).toList();
        changes.removeAll(lost);
        lost.forEach(change -> change.promise().tryFail(MusterException.fatal(reason)));
        List<Waiter> ended = take(waiting -> waiting == rank);
        ended.forEach(waiter -> waiter.promise.tryFail(MusterException.fatal(reason)));
        return promise != null || !ended.isEmpty();
    }

    private List<Waiter> take(Predicate<Integer> ranks) {
        List<Waiter> taken =
                waiters.stream().filter(waiter -> ranks.test(waiter.rank)).toList();
        waiters.removeAll(taken);
        taken.forEach(waiter -> vertx.cancelTimer(waiter.timer));
        return taken;
    }

    void failWaiters(MusterException failure) {
        take(_ -> true).forEach(waiter -> waiter.promise.tryFail(failure));
    }

    /** Fails everything but the leaves: the process is about to close, or its store has ended. */
    void abandon(String reason) {
        failWaiters(MusterException.fatal(reason));
        List<Promise<?>> open = new ArrayList<>(joining.values());
        open.addAll(reading);
        changes.forEach(change -> open.add(change.promise()));
        joining.clear();
        reading.clear();
        changes.clear();
        open.forEach(promise -> promise.tryFail(MusterException.fatal(reason)));
    }

    void close(String reason) {
        abandon(reason);
        leaving.values().forEach(Promise::tryComplete);
        leaving.clear();
    }
}
