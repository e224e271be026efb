// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.segment.KeyOwner;
import io.muster.store.SegmentStore;
import io.muster.store.StoreKeys;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The store as one process sees it: everything that the contract allows to go wrong does. */
final class NastyStore implements SegmentStore {
    static final long DEADLINE_MS = 3_000;

    private final World world;
    private final SimProcess process;
    private final Lane pushes;
    private @Nullable Listener listener;
    /** As far as the process knows. */
    private @Nullable KeyOwner keyOwner;

    long operations;

    NastyStore(World world, SimProcess process) {
        this.world = world;
        this.process = process;
        this.pushes = new Lane(process);
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return run("get " + key, () -> process.side.truth.get(key));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        operations++;
        Set<String> records = new HashSet<>(keys);
        records.removeIf(key -> !key.endsWith("/epoch"));
        if (!records.isEmpty() && records.size() < keys.size()) {
            Set<String> others = new HashSet<>(keys);
            others.removeAll(records);
            return part(records).compose(record -> parts(others).map(other -> together(record, other)));
        }
        return parts(keys);
    }

    /** At two moments. */
    private Future<Map<String, StoredBytes>> parts(Set<String> keys) {
        Set<String> early = new HashSet<>();
        Set<String> later = new HashSet<>();
        keys.forEach(key -> (key.hashCode() % 2 == 0 ? early : later).add(key));
        Future<Map<String, StoredBytes>> first = part(early);
        Future<Map<String, StoredBytes>> second = part(later);
        return first.compose(one -> second.map(other -> together(one, other)));
    }

    private static Map<String, StoredBytes> together(Map<String, StoredBytes> one, Map<String, StoredBytes> other) {
        Map<String, StoredBytes> all = new HashMap<>(one);
        all.putAll(other);
        return all;
    }

    private Future<Map<String, StoredBytes>> part(Set<String> keys) {
        operations--;
        return run("getAll", () -> {
            Map<String, StoredBytes> found = new HashMap<>();
            keys.forEach(key -> {
                StoredBytes value = process.side.truth.get(key);
                if (value != null) {
                    found.put(key, value);
                }
            });
            return found;
        });
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        world.invariants.writing(key, process.opened(key, next));
        return run("cas " + key, () -> {
            boolean applied = Objects.equals(process.side.truth.get(key), expected);
            if (applied) {
                world.change(process.side, key, next, process);
            }
            return applied;
        });
    }

    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return run("expire " + key, () -> {
            boolean applies = expected.equals(process.side.truth.get(key));
            if (applies) {
                world.expire(process.side, key, expected, after.toMillis() * 1_000);
            }
            return applies;
        });
    }

    /** One operation: on its way, applied, answered; its deadline is the process's own. */
    private <T extends @Nullable Object> Future<T> run(String what, Supplier<T> operation) {
        operations++;
        Promise<T> promise = Promise.promise();
        Faults faults = world.faults;
        process.post(DEADLINE_MS * 1_000, () -> {
            if (!promise.future().isComplete()) {
                promise.tryFail(MusterException.retry(what + ": no answer after " + DEADLINE_MS + " ms"));
            }
        });
        if (world.storeGoneUntilUs > world.clock.nowUs() || faults.strikes(Fault.OPERATION_LOST)) {
            return promise.future();
        }
        long delayUs = world.storeLatencyUs();
        if (faults.strikes(Fault.OPERATION_LATE)) {
            delayUs += world.chance.between(DEADLINE_MS * 1_000, 3 * DEADLINE_MS * 1_000);
        } else if (faults.strikes(Fault.OPERATION_SLOW)) {
            delayUs += world.chance.between(10_000, DEADLINE_MS * 1_000);
        }
        boolean repeated = faults.strikes(Fault.OPERATION_REPEATED);
        boolean unanswered = faults.strikes(Fault.ANSWER_LOST);
        world.clock.after(delayUs, () -> apply(operation, promise, repeated, unanswered));
        return promise.future();
    }

    private <T extends @Nullable Object> void apply(
            Supplier<T> operation, Promise<T> promise, boolean repeated, boolean unanswered) {
        long stalledUs = world.storeStalledUntilUs - world.clock.nowUs();
        if (stalledUs > 0) {
            world.clock.after(
                    stalledUs + world.storeLatencyUs(), () -> apply(operation, promise, repeated, unanswered));
            return;
        }
        T outcome = operation.get();
        if (repeated) {
            world.clock.after(world.chance.between(100, 500_000), () -> apply(operation, promise, false, unanswered));
        } else if (!unanswered) {
            process.post(world.storeLatencyUs(), () -> promise.tryComplete(outcome));
        }
    }

    @Override
    public Future<Void> listen(Listener newListener) {
        return run("listen", () -> {
            listener = newListener;
            return null;
        });
    }

    /** A key has changed in the truth that this process sees. */
    void push(String key, @Nullable StoredBytes value) {
        Listener listening = listener;
        Faults faults = world.faults;
        if (listening == null || !StoreKeys.isNotified(key) || faults.strikes(Fault.PUSH_LOST)) {
            return;
        }
        if (faults.strikes(Fault.PUSH_LATE)) {
            process.post(world.chance.between(1_000, 4_000_000), () -> listening.changed(key, value));
        } else {
            pushes.send(world.storeLatencyUs(), () -> listening.changed(key, value));
        }
        if (faults.strikes(Fault.PUSH_DOUBLED)) {
            process.post(world.chance.between(1_000, 1_000_000), () -> listening.changed(key, value));
        }
    }

    void tellMembers() {
        Listener listening = listener;
        PresentMembers present = process.side.present;
        Faults faults = world.faults;
        SimProcess owner = process.side.owner;
        KeyOwner moved =
                owner == null ? null : new KeyOwner(world.scenario.attributes() ? owner.id : null, owner.memberUuid);
        pushes.send(world.storeLatencyUs(), () -> keyOwner = moved);
        if (listening == null || faults.strikes(Fault.MEMBERS_MISSED)) {
            return;
        }
        if (faults.strikes(Fault.MEMBERS_LATE)) {
            process.post(world.chance.between(1_000, 4_000_000), () -> listening.membersChanged(present));
        } else {
            pushes.send(world.storeLatencyUs(), () -> listening.membersChanged(present));
        }
    }

    void tellMerged() {
        Listener listening = listener;
        if (listening != null) {
            pushes.send(world.storeLatencyUs(), listening::merged);
        }
    }

    @Override
    public Future<Void> close() {
        listener = null;
        return Future.succeededFuture();
    }

    @Override
    public PresentMembers presentMembers() {
        return process.side.present;
    }

    @Override
    public String localMemberUuid() {
        return process.memberUuid;
    }

    @Override
    public @Nullable KeyOwner keyOwner(GroupName group) {
        return keyOwner;
    }
}
