// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.ops.FlightFiles;
import io.muster.ops.FlightRecorder;
import io.muster.options.FlightOptions;
import io.muster.routing.RoutedGroup;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The flight record of this process: the recorded events, the present state of all links, and the files to which both
 * are written.
 */
public final class FlightLog {
    /** Waits that miss the same deadline share one file. */
    private static final long SAME_DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** A disk that hangs must not delay a caller. */
    private static final long WRITE_LIMIT_MS = 2000;

    private final ProcessId process;
    private final Supplier<String> address;
    private final Map<GroupName, ? extends RoutedGroup> groups;
    private final FlightRecorder recorder;
    private final FlightFiles files;
    /** Guarded by this object's monitor: waits of several groups may end on several contexts. */
    private @Nullable Future<Optional<Path>> last;

    private long lastNanos;

    FlightLog(
            ProcessId process,
            Supplier<String> address,
            Map<GroupName, ? extends RoutedGroup> groups,
            FlightOptions options) {
        this.process = process;
        this.address = address;
        this.groups = groups;
        this.recorder = new FlightRecorder(options.entries());
        this.files = new FlightFiles(options.folder(), options.keepFiles());
    }

    public FlightRecorder recorder() {
        return recorder;
    }

    /** The whole record. May be called from any thread; takes milliseconds. */
    public JsonObject record(String why) {
        return new JsonObject()
                .put("why", why)
                .put("at", Instant.now().toString())
                .put("nanos", System.nanoTime())
                .put("process", process.toString())
                .put("pid", ProcessHandle.current().pid())
                .put("address", address.get())
                .put("groups", groups())
                .mergeIn(recorder.toJson());
    }

    /** The present state of each link, however old. */
    private JsonArray groups() {
        var all = new JsonArray();
        groups.forEach((name, group) -> {
            var links = new JsonArray();
            group.linkTable().forEach((key, row) -> links.add(row.last().toJson()));
            var epoch = group.barrier().epochSeen();
            all.add(new JsonObject()
                    .put("group", name.value())
                    .put("worldSize", group.worldSize())
                    .put("epoch", epoch == null ? 0 : epoch.number())
                    .put("epochState", epoch == null ? null : epoch.state().name())
                    .put("links", links));
        });
        return all;
    }

    /**
     * Writes the record into the folder; completes on a thread of its own. Empty if that is switched off, fails or
     * takes too long.
     */
    public Future<Optional<Path>> dump(String why) {
        CompletableFuture<Optional<Path>> written = new CompletableFuture<>();
        Thread.ofVirtual().name("muster-flight").start(() -> written.complete(files.write(record(why), why)));
        return Future.fromCompletionStage(
                written.completeOnTimeout(Optional.empty(), WRITE_LIMIT_MS, TimeUnit.MILLISECONDS));
    }

    /**
     * Handles the failure of a wait. If its deadline has passed, the record is dumped, once for all waits that miss the
     * same deadline, and the failure names the file.
     */
    public <T> Future<T> deadlineMissed(GroupName group, int rank, Throwable failure) {
        if (!(failure instanceof MusterException missed) || missed.kind() != MusterException.Kind.RETRY) {
            return Future.failedFuture(failure);
        }
        recorder.deadlineMissed(group, rank);
        return dumpOnce()
                .transform(dumped -> Future.failedFuture(
                        dumped.succeeded() && dumped.result().isPresent()
                                ? MusterException.retry(missed.getMessage() + "\nflight record: "
                                        + dumped.result().get())
                                : missed));
    }

    private synchronized Future<Optional<Path>> dumpOnce() {
        long now = System.nanoTime();
        if (last == null || now - lastNanos > SAME_DEADLINE_NANOS) {
            last = dump("deadline");
            lastNanos = now;
        }
        return last;
    }
}
