// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.blame.View;
import io.muster.group.Blame;
import io.muster.group.Party;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Checks that a process is missed or blamed only if a fault was injected into it (P-9, P-10, B-4). */
final class Accusations {
    private final World world;
    /** Receives each blame, null: there is no receiver. */
    @Nullable
    BiConsumer<SimProcess, Blame> listener;

    Accusations(World world) {
        this.world = world;
    }

    private static void require(boolean holds, String rule, Object... details) {
        if (!holds) {
            throw new Invariants.Violation(rule + ": " + List.of(details));
        }
    }

    /** A process tells whom it reaches, itself or others. */
    void seen(SimProcess by, View view) {
        view.missed().forEach((id, missed) -> {
            SimProcess peer = Objects.requireNonNull(world.byId(id));
            require(
                    world.causes.forMissing(by, peer) || world.causes.wasStopped(by, peer),
                    "P-10: nobody misses a process to which nothing was done, and neither to the way between them",
                    by,
                    peer,
                    missed);
            require(view.reached().stream().noneMatch(id::equals), "nobody both reaches and misses the same", by, peer);
        });
    }

    /** A process has found out who is to blame, and says so. */
    void changed(SimProcess by, Blame blame) {
        for (Blame.Finding finding : blame.findings()) {
            if (finding instanceof Blame.Blamed(var _, var missedBy)) {
                require(missedBy.size() >= 2, "B-4: a process that at least two observers miss", by, finding.text());
            }
        }
        if (listener != null) {
            listener.accept(by, blame);
        }
    }

    /** All have been connected for some seconds, so no process may be blamed any more. */
    @Nullable
    String whyNotSilent() {
        return world.living().stream()
                .filter(process ->
                        !process.isIdle() && !process.blame.latest().findings().isEmpty())
                .map(process -> process + " still says, though all are connected: "
                        + process.blame.latest().text())
                .findFirst()
                .orElse(null);
    }

    // ---- in words that can be compared

    List<String> words(Blame blame) {
        return blame.findings().stream()
                .map(finding -> switch (finding) {
                    case Blame.OutOfMemory lack -> lack.text();
                    case Blame.Blamed(Party party, var _) -> blamed(process(party));
                    case Blame.Pair(Party one, Party other, var _) -> pair(process(one), process(other));
                    case Blame.Block(var parts, var unheard) ->
                        block(parts.stream().map(this::processes).toList(), processes(unheard));
                })
                .sorted()
                .toList();
    }

    static String blamed(SimProcess process) {
        return "blamed P" + process.number;
    }

    static String pair(SimProcess one, SimProcess other) {
        return "pair " + numbers(List.of(one, other));
    }

    static String block(Collection<? extends Collection<SimProcess>> parts, Collection<SimProcess> unheard) {
        return "block " + parts.stream().map(Accusations::numbers).sorted().toList() + " unheard " + numbers(unheard);
    }

    private static String numbers(Collection<SimProcess> processes) {
        return processes.stream()
                .map(process -> process.number)
                .sorted()
                .map(number -> "P" + number)
                .toList()
                .toString();
    }

    private SimProcess process(Party party) {
        return Objects.requireNonNull(world.byId(party.process()));
    }

    private List<SimProcess> processes(List<Party> parties) {
        return parties.stream().map(this::process).toList();
    }
}
