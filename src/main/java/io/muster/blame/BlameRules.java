// SPDX-License-Identifier: Apache-2.0

package io.muster.blame;

import io.muster.group.Blame;
import io.muster.group.Blame.Evidence;
import io.muster.group.Blame.Finding;
import io.muster.group.Party;
import io.muster.group.ProcessId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Finds the blame for broken connections from the views of the observing processes (P-10, B-4). A pure function: the
 * same views give the same blame at every process.
 *
 * <p>An observer is a process whose view is known. Two observers are connected if neither misses the other.
 *
 * <ul>
 *   <li><em>Out of memory</em>: a process that says so, or of which an observer has learned it.
 *   <li>A <em>block</em>: there are two or more connected parts of at least two processes each. Several processes that
 *       did not answer, and that the observers miss by silence only, are a block too: a cut network silences a whole
 *       side.
 *   <li><em>Blamed</em>: a single process outside of these parts that at least two observers miss. If no two processes
 *       are connected, only a process that did not answer is blamed.
 *   <li>A <em>pair</em>: any other two processes of which one misses the other. With two processes it is always a pair.
 * </ul>
 */
public final class BlameRules {
    private BlameRules() {}

    /** @param views views of the processes that answered; a view of a process outside the parties is ignored */
    public static Blame of(Collection<Party> parties, Collection<View> views) {
        Map<ProcessId, Party> known = new TreeMap<>();
        parties.forEach(party -> known.put(party.process(), party));
        Map<ProcessId, View> observers = new TreeMap<>();
        views.stream()
                .filter(view -> known.containsKey(view.observer()))
                .forEach(view -> observers.put(view.observer(), view));
        List<Set<ProcessId>> parts = parts(known.keySet(), observers).stream()
                .filter(part -> part.size() >= 2)
                .toList();
        List<Finding> findings = new ArrayList<>();
        Map<ProcessId, String> outOfMemory = outOfMemory(observers);
        outOfMemory.forEach((process, why) -> {
            Party party = known.get(process);
            if (party != null) {
                findings.add(new Blame.OutOfMemory(party, why));
            }
        });
        List<Party> unheard = unheard(known, observers);
        if (parts.size() >= 2 || !unheard.isEmpty()) {
            List<Set<ProcessId>> answered = parts.isEmpty() ? List.of(observers.keySet()) : parts;
            findings.add(new Blame.Block(
                    answered.stream()
                            .map(part -> sorted(part.stream().map(known::get).toList()))
                            .sorted(Comparator.comparing(
                                    part -> part.getFirst().ranks().getFirst()))
                            .toList(),
                    unheard));
        }
        Set<ProcessId> blamed = new TreeSet<>(outOfMemory.keySet());
        for (Party party : sorted(known.values())) {
            List<Evidence> missedBy = missedBy(party.process(), known, observers);
            boolean single = !blamed.contains(party.process())
                    && !unheard.contains(party)
                    && parts.stream().noneMatch(part -> part.contains(party.process()));
            if (single && missedBy.size() >= 2 && (!parts.isEmpty() || !observers.containsKey(party.process()))) {
                blamed.add(party.process());
                findings.add(new Blame.Blamed(party, missedBy));
            }
        }
        unheard.forEach(party -> blamed.add(party.process()));
        findings.addAll(pairs(known, observers, parts, blamed));
        return new Blame(findings, observers.size(), known.size());
    }

    /**
     * The findings that stand after a poll. A finding ends when its cause does, not when evidence is missing in one
     * poll: it stands until one of its processes is reached again by one that missed it, or is no party any more, or a
     * finding that says as much names its processes.
     *
     * @param before what stood before this poll
     * @param now what {@link #of} finds in the views of this poll
     */
    public static Blame settle(Blame before, Blame now, Collection<Party> parties, Collection<View> views) {
        List<Finding> standing = before.findings().stream()
                .filter(finding -> stands(finding, now.findings(), Set.copyOf(parties), views))
                .toList();
        if (standing.isEmpty()) {
            return now;
        }
        List<Finding> all = new ArrayList<>(standing);
        now.findings().stream()
                .filter(found -> standing.stream().noneMatch(finding -> sharesParty(finding, found)))
                .forEach(all::add);
        return new Blame(all, now.answered(), now.processes());
    }

    /**
     * Whether the observers are still detecting a loss: some miss a process that did not answer, and others have not
     * noticed yet that they do not reach it. Then the next poll may find more than this one.
     */
    public static boolean isDetecting(Collection<Party> parties, Collection<View> views) {
        Set<ProcessId> answered = views.stream().map(View::observer).collect(Collectors.toSet());
        return parties.stream()
                .map(Party::process)
                .filter(process -> !answered.contains(process))
                .anyMatch(process -> views.stream().anyMatch(view -> view.misses(process))
                        && views.stream().anyMatch(view -> view.reached().contains(process)));
    }

    private static boolean stands(Finding finding, List<Finding> now, Set<Party> parties, Collection<View> views) {
        return finding.parties().allMatch(parties::contains)
                && !isReconnected(finding, views)
                && now.stream().noneMatch(found -> strength(found) >= strength(finding) && sharesParty(finding, found));
    }

    /** The processes with too little memory, with the evidence. */
    private static Map<ProcessId, String> outOfMemory(Map<ProcessId, View> observers) {
        Map<ProcessId, String> all = new TreeMap<>();
        observers.forEach((observer, view) -> view.missed().forEach((process, missed) -> {
            switch (missed.how()) {
                case OUT_OF_MEMORY -> all.put(observer, missed.evidence());
                case PEER_OUT_OF_MEMORY -> all.putIfAbsent(process, missed.evidence());
                case SEEN, SILENT -> {}
            }
        }));
        return all;
    }

    private static boolean isReconnected(Finding finding, Collection<View> views) {
        return switch (finding) {
            case Blame.OutOfMemory(Party party, var _) ->
                views.stream().anyMatch(view -> view.reached().contains(party.process()));
            case Blame.Blamed(Party party, var _) ->
                views.stream().anyMatch(view -> view.reached().contains(party.process()));
            case Blame.Pair(Party one, Party other, var _) -> reaches(views, one, other) || reaches(views, other, one);
            case Blame.Block(var parts, var unheard) -> {
                List<List<Party>> all = new ArrayList<>(parts);
                all.add(unheard);
                yield all.stream()
                        .anyMatch(part -> all.stream()
                                .filter(other -> !other.equals(part))
                                .flatMap(List::stream)
                                .anyMatch(other -> part.stream().anyMatch(one -> reaches(views, one, other))));
            }
        };
    }

    private static boolean reaches(Collection<View> views, Party one, Party other) {
        return views.stream()
                .anyMatch(view ->
                        view.observer().equals(one.process()) && view.reached().contains(other.process()));
    }

    private static int strength(Finding finding) {
        return switch (finding) {
            case Blame.Pair _ -> 0;
            case Blame.Blamed _, Blame.Block _ -> 1;
            case Blame.OutOfMemory _ -> 2;
        };
    }

    private static boolean sharesParty(Finding one, Finding other) {
        return one.parties().anyMatch(party -> other.parties().anyMatch(party::equals));
    }

    /** The connected parts; a process that did not answer is connected to none. */
    private static List<Set<ProcessId>> parts(Set<ProcessId> all, Map<ProcessId, View> observers) {
        List<Set<ProcessId>> parts = new ArrayList<>();
        Set<ProcessId> left = new TreeSet<>(all);
        while (!left.isEmpty()) {
            Set<ProcessId> part = new TreeSet<>();
            Deque<ProcessId> next = new ArrayDeque<>(List.of(left.iterator().next()));
            while (!next.isEmpty()) {
                ProcessId one = next.poll();
                if (left.remove(one)) {
                    part.add(one);
                    left.stream()
                            .filter(other -> isConnected(one, other, observers))
                            .forEach(next::add);
                }
            }
            parts.add(part);
        }
        return parts;
    }

    private static boolean isConnected(ProcessId one, ProcessId other, Map<ProcessId, View> observers) {
        View here = observers.get(one);
        View there = observers.get(other);
        return here != null && there != null && !here.misses(other) && !there.misses(one);
    }

    private static List<Evidence> missedBy(
            ProcessId process, Map<ProcessId, Party> known, Map<ProcessId, View> observers) {
        return sorted(known.values()).stream()
                .filter(party -> !party.process().equals(process))
                .<Evidence>mapMulti((party, missedBy) -> {
                    View view = observers.get(party.process());
                    View.Missed missed = view == null ? null : view.missed().get(process);
                    if (missed != null) {
                        missedBy.accept(new Evidence(party, missed.evidence()));
                    }
                })
                .toList();
    }

    /**
     * The processes that did not answer, that some observer misses, that no observer reaches, and that are missed by
     * silence only; empty if there are fewer than two.
     */
    private static List<Party> unheard(Map<ProcessId, Party> known, Map<ProcessId, View> observers) {
        List<Party> unheard = sorted(known.values()).stream()
                .filter(party -> !observers.containsKey(party.process()))
                .filter(party -> observers.values().stream().anyMatch(view -> view.misses(party.process())))
                .filter(party -> observers.values().stream().allMatch(view -> {
                    View.Missed missed = view.missed().get(party.process());
                    return missed == null ? !view.reached().contains(party.process()) : missed.how() == View.How.SILENT;
                }))
                .toList();
        return unheard.size() >= 2 ? unheard : List.of();
    }

    private static List<Finding> pairs(
            Map<ProcessId, Party> known,
            Map<ProcessId, View> observers,
            List<Set<ProcessId>> parts,
            Set<ProcessId> blamed) {
        List<Finding> pairs = new ArrayList<>();
        List<Party> all = sorted(known.values());
        for (int i = 0; i < all.size(); i++) {
            for (int j = i + 1; j < all.size(); j++) {
                Party one = all.get(i);
                Party other = all.get(j);
                List<Evidence> evidence = new ArrayList<>();
                saw(one, other, observers, evidence);
                saw(other, one, observers, evidence);
                boolean missed = misses(one, other, observers) || misses(other, one, observers);
                boolean explained = blamed.contains(one.process())
                        || blamed.contains(other.process())
                        || isBetweenBlocks(one.process(), other.process(), parts);
                if (missed && !explained) {
                    pairs.add(new Blame.Pair(one, other, evidence));
                }
            }
        }
        return pairs;
    }

    private static boolean isBetweenBlocks(ProcessId one, ProcessId other, List<Set<ProcessId>> parts) {
        return parts.stream().anyMatch(part -> part.contains(one) && !part.contains(other))
                && parts.stream().anyMatch(part -> part.contains(other) && !part.contains(one));
    }

    private static boolean misses(Party one, Party other, Map<ProcessId, View> observers) {
        View view = observers.get(one.process());
        return view != null && view.misses(other.process());
    }

    private static void saw(Party one, Party other, Map<ProcessId, View> observers, List<Evidence> evidence) {
        View view = observers.get(one.process());
        View.Missed missed = view == null ? null : view.missed().get(other.process());
        if (view == null) {
            evidence.add(new Evidence(one, "no answer"));
        } else if (missed != null) {
            evidence.add(new Evidence(one, missed.evidence()));
        } else {
            evidence.add(
                    new Evidence(one, view.reached().contains(other.process()) ? "still connected" : "not tried yet"));
        }
    }

    private static List<Party> sorted(Collection<Party> parties) {
        return parties.stream()
                .sorted(Comparator.comparingInt((Party party) -> party.ranks().isEmpty()
                                ? Integer.MAX_VALUE
                                : party.ranks().getFirst())
                        .thenComparing(Party::process))
                .toList();
    }
}
