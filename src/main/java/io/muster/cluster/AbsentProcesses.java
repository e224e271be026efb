// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds out why ranks are missing whose processes run, but have not come as far as this process's store: asks the
 * listed control ports. May be used by several threads.
 */
public final class AbsentProcesses {
    /** The question that {@link #about} answers. */
    public static final String ASK = "start";

    /** A report waits for it. The control port answers at once. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    /**
     * In a large group a first look is not complete; the processes that it finds in the cluster are not asked again.
     */
    private static final int MAX_ASKED = 32;

    private static final Executor VIRTUAL =
            task -> Thread.ofVirtual().name("muster-absent").start(task);

    private final ControlAddress own;
    private final List<ControlAddress> listed;
    private final Supplier<Set<String>> clustered;
    /** What the started process of this cluster has said that has last answered at an address. */
    private final Map<ControlAddress, Said> known = new ConcurrentHashMap<>();

    /** @param waitsFor empty once the start is over */
    private record Said(String process, Object pid, String group, Set<Integer> ranks, String waitsFor) {
        boolean has(String name, Set<Integer> some) {
            return group.equals(name) && ranks.stream().anyMatch(some::contains);
        }
    }

    /** @param clustered the ids of the processes in this one's cluster */
    public AbsentProcesses(ControlAddress own, List<ControlAddress> listed, Supplier<Set<String>> clustered) {
        this.own = own;
        this.listed = List.copyOf(listed);
        this.clustered = clustered;
    }

    /**
     * The answer to {@link #ASK}.
     *
     * @param waitsFor what the start waits for; empty once it is over
     */
    public static JsonObject about(String processId, String group, List<Integer> ranks, String waitsFor) {
        return new JsonObject()
                .put("processId", processId)
                .put("pid", ProcessHandle.current().pid())
                .put("group", group)
                .put("ranks", new JsonArray(ranks))
                .put("waitsFor", waitsFor);
    }

    /**
     * What processes say of themselves, and what to do. Blocks for four seconds at most.
     *
     * @param unpublished ranks that have not published, as far as this process knows
     * @return by rank of the group: those whose process has not come into this cluster, or has not published
     */
    public Map<Integer, String> remedies(String group, Set<Integer> unpublished) {
        Set<String> members = clustered.get();
        Map<Integer, String> remedies = new ConcurrentHashMap<>();
        CompletableFuture.allOf(listed.stream()
                        .filter(address -> !address.equals(own) && isToBeAsked(address, group, unpublished, members))
                        .limit(MAX_ASKED)
                        .map(address -> CompletableFuture.runAsync(
                                () -> {
                                    Said said = ask(address);
                                    if (said != null && said.group().equals(group)) {
                                        String remedy =
                                                remedy(address, said, members.contains(said.process()), unpublished);
                                        said.ranks().forEach(rank -> remedies.put(rank, remedy));
                                    }
                                },
                                VIRTUAL))
                        .toArray(CompletableFuture[]::new))
                .join();
        remedies.values().removeIf(String::isEmpty);
        return remedies;
    }

    private boolean isToBeAsked(ControlAddress address, String group, Set<Integer> unpublished, Set<String> members) {
        Said last = known.get(address);
        return last == null || !members.contains(last.process()) || last.has(group, unpublished);
    }

    private static @Nullable Said ask(ControlAddress address) {
        return ControlClient.ask(address, new JsonObject().put("ask", ASK), PATIENCE)
                                instanceof ControlClient.Reply.Answered(JsonObject body)
                        && body.getValue("processId") instanceof String process
                        && body.getValue("pid") instanceof Number pid
                        && body.getValue("group") instanceof String group
                        && body.getValue("ranks") instanceof JsonArray ranks
                        && body.getValue("waitsFor") instanceof String waitsFor
                ? new Said(
                        process,
                        pid,
                        group,
                        ranks.stream()
                                .filter(Integer.class::isInstance)
                                .map(Integer.class::cast)
                                .collect(Collectors.toSet()),
                        ClusterFormation.printable(waitsFor))
                : null;
    }

    /** Empty if the process is in this cluster and has published. */
    private String remedy(ControlAddress address, Said said, boolean isMember, Set<Integer> unpublished) {
        boolean isStarted = said.waitsFor().isEmpty();
        if (isStarted && isMember) {
            known.put(address, said);
            if (said.ranks().stream().noneMatch(unpublished::contains)) {
                return "";
            }
        }
        String state = !isStarted
                ? "is starting and waits for " + said.waitsFor()
                : isMember ? "is in the cluster and has not published yet" : "is not in the cluster of this process";
        String advice = LargePackets.areLost(address)
                ? LargePackets.sentence(own, address)
                : !isStarted
                        ? ""
                        : isMember
                                ? "ask it for its status"
                                : "check that the Hazelcast ports of both hosts reach each other";
        return "its process runs (pid " + said.pid() + ", control port " + address + "): it " + state
                + (advice.isEmpty() ? "" : "; " + advice);
    }
}
