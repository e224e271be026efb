// SPDX-License-Identifier: Apache-2.0

package io.muster;

import io.muster.group.AllConnected;
import io.muster.group.GroupName;
import io.muster.group.MusterException;
import io.muster.runtime.GpuPathReport;
import io.muster.runtime.LocalGroup;
import io.muster.runtime.LocalGroups;
import io.muster.runtime.MusterContext;
import io.muster.runtime.MusterProcess;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state of one process of Muster, for people, monitoring and tests. Reading it changes nothing. All methods may be
 * called from any thread.
 */
public final class Diagnostics {
    private final LocalGroups groups;
    private final MusterProcess process;

    Diagnostics(LocalGroups groups) {
        this.groups = groups;
        this.process = groups.process();
    }

    /**
     * The status picture of one group, gathered from all its processes.
     *
     * @param toJson the whole picture, with the fields that the operations page describes
     */
    public record GroupStatus(JsonObject toJson) {
        public GroupName group() {
            return new GroupName(toJson.getString("group"));
        }

        /** The number of the newest epoch, 0 before the first. */
        public long epoch() {
            return toJson.getLong("epoch");
        }

        /** The state of the newest epoch, as on the event bus. */
        public String epochState() {
            return toJson.getString("epochState");
        }

        /** Empty while the newest epoch is not complete. */
        public Optional<AllConnected> allConnected() {
            return Optional.ofNullable(toJson.getJsonObject("allConnected")).map(AllConnected::fromJson);
        }

        /** Number of processes whose answers are in the picture, the asking one included. */
        public int processes() {
            return toJson.getInteger("processes");
        }

        /** Missing ranks, with phase and remedy; see {@link io.muster.group.StuckReport.Missing}. */
        public JsonArray missing() {
            return toJson.getJsonArray("missing");
        }

        /** Processes that did not answer within {@code status.nodeTimeoutMs}. */
        public JsonArray noAnswer() {
            return toJson.getJsonArray("noAnswer");
        }
    }

    /**
     * The last transitions of the links, events of channels, store and barriers, each with wall-clock and monotonic
     * time, and the present state of every link.
     *
     * @param toJson the whole record
     */
    public record FlightRecord(JsonObject toJson) {}

    /**
     * What this process holds; all are back to their first values when the groups have been left.
     *
     * @param regions registered regions of memory
     * @param channels open connections to other processes
     * @param groups groups with a rank in this process
     */
    public record Holdings(int regions, int channels, int groups) {
        public JsonObject toJson() {
            return new JsonObject()
                    .put("regions", regions)
                    .put("channels", channels)
                    .put("groups", groups);
        }
    }

    /**
     * Rejections by this process for want of a valid signature of the group's secret.
     *
     * @param count rejected values in the store, messages and events on the bus. Rejected connections are not counted;
     *     the log has them as {@code connection-dropped}. The status picture has the newest rejections of each group
     */
    public record Rejected(long count) {
        public JsonObject toJson() {
            return new JsonObject().put("count", count);
        }
    }

    /**
     * How this process reaches the GPU memory of others.
     *
     * @param toJson {@code mapped}, {@code ways}, {@code refused} with reasons, and for each of the {@code pairs} of
     *     ranks the segment, the GPU that copies, the way, and why others were not taken
     */
    public record GpuPaths(JsonObject toJson) {
        /** Number of regions that are mapped. */
        public int mapped() {
            return toJson.getInteger("mapped");
        }

        /** The ways by which regions are mapped, sorted. */
        public List<String> ways() {
            return toJson.getJsonArray("ways").stream().map(String::valueOf).toList();
        }
    }

    /** The groups of which this process has a rank, or is about to have one. */
    public Set<GroupName> groups() {
        return Set.copyOf(groups.groups().keySet());
    }

    /**
     * The status of the groups that this process is in, each gathered from all its processes.
     *
     * @param group only this one, null: all
     * @return one per group, in the order of their names; fails with CONFIG if this process is not in the group, FATAL
     *     once Muster is closed
     */
    public Future<List<GroupStatus>> status(@Nullable String group) {
        return process.own().answer("status", () -> gather(group));
    }

    private Future<List<GroupStatus>> gather(@Nullable String group) {
        List<LocalGroup> asked = groups.groups().values().stream()
                .filter(one -> group == null || one.name().value().equals(group))
                .sorted(Comparator.comparing(LocalGroup::name))
                .toList();
        if (asked.isEmpty() && group != null) {
            return Future.failedFuture(MusterException.config("this process has no rank of a group '" + group
                    + "'; its groups are " + groups.groups().keySet()));
        }
        return Future.all(asked.stream()
                        .map(one -> one.status().gather().map(GroupStatus::new))
                        .toList())
                .map(all -> all.<GroupStatus>list());
    }

    /** The flight record of this process. Takes milliseconds. */
    public FlightRecord flightRecord() {
        return new FlightRecord(process.flight().record("asked"));
    }

    /**
     * Writes the flight record into the folder of {@code flight.folder}.
     *
     * @param why one word, which becomes part of the file's name
     * @return the file; empty if {@code flight.keepFiles} is 0, or if it could not be written in time, which the log
     *     says
     */
    public Future<Optional<Path>> dumpFlightRecord(String why) {
        return MusterContext.here(process.vertx(), process.flight().dump(why));
    }

    public Holdings holdings() {
        return new Holdings(
                process.regions().size(),
                process.routing().channels().all().size(),
                groups.groups().size());
    }

    public Rejected rejected() {
        return new Rejected(process.trust().distrusted());
    }

    public GpuPaths gpuPaths() {
        return new GpuPaths(GpuPathReport.of(
                process.transfers().mappings(),
                process.transfers().paths(),
                groups.groups().values()));
    }
}
