// SPDX-License-Identifier: Apache-2.0

package io.muster.blame;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Blame;
import io.muster.group.Party;
import io.muster.group.ProcessId;
import io.muster.transfer.LossEvidence;
import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** P-10, B-4: the blame for broken connections. Process i holds rank i. */
class BlameRulesTest {
    private static ProcessId process(int i) {
        return new ProcessId(i, 0);
    }

    private static List<Party> parties(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Party(process(i), 100 + i, "host" + i + ":1", List.of(i)))
                .toList();
    }

    private static View view(int observer, int count, boolean silent, BiPredicate<Integer, Integer> misses) {
        Set<ProcessId> reached = new HashSet<>();
        Map<ProcessId, View.Missed> missed = new HashMap<>();
        for (int other = 0; other < count; other++) {
            if (other != observer && misses.test(observer, other)) {
                missed.put(
                        process(other),
                        new View.Missed(
                                silent ? View.How.SILENT : View.How.SEEN, silent ? "SILENCE" : "SOCKET_CLOSED"));
            } else if (other != observer) {
                reached.add(process(other));
            }
        }
        return new View(process(observer), reached, missed);
    }

    private static Blame blame(int count, Set<Integer> deaf, BiPredicate<Integer, Integer> misses) {
        return blame(count, deaf, true, misses);
    }

    private static Blame blame(int count, Set<Integer> deaf, boolean silent, BiPredicate<Integer, Integer> misses) {
        return BlameRules.of(
                parties(count),
                IntStream.range(0, count)
                        .filter(i -> !deaf.contains(i))
                        .mapToObj(i -> view(i, count, silent, misses))
                        .toList());
    }

    private static List<Integer> blamed(Blame blame) {
        return blame.findings().stream()
                .filter(Blame.Blamed.class::isInstance)
                .flatMap(one -> ((Blame.Blamed) one).party().ranks().stream())
                .toList();
    }

    private static List<List<Integer>> pairs(Blame blame) {
        return blame.findings().stream()
                .filter(Blame.Pair.class::isInstance)
                .map(Blame.Pair.class::cast)
                .map(pair -> List.of(
                        pair.one().ranks().getFirst(), pair.other().ranks().getFirst()))
                .toList();
    }

    private static List<List<List<Integer>>> blocks(Blame blame) {
        return blame.findings().stream()
                .filter(Blame.Block.class::isInstance)
                .map(Blame.Block.class::cast)
                .map(block -> block.parts().stream()
                        .map(part -> part.stream()
                                .flatMap(party -> party.ranks().stream())
                                .toList())
                        .toList())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5, 8, 64})
    void aDeadProcessIsBlamedAndNoneThatWaitsForIt(int count) {
        Blame blame = blame(count, Set.of(2), (_, other) -> other == 2);
        assertThat(blame.findings()).singleElement().isInstanceOf(Blame.Blamed.class);
        assertThat(blamed(blame)).containsExactly(2);
        assertThat(blame.text())
                .contains(
                        "rank 2 (pid 102 at host2:1) is to blame: " + (count - 1) + " processes miss it",
                        "pid 100 saw: SILENCE",
                        "(" + (count - 1) + " of " + count + " processes answered)");
    }

    @Test
    void aProcessThatAnswersButMissesAllOthersIsBlamed() {
        assertThat(blamed(blame(4, Set.of(), (one, other) -> one == 3 || other == 3)))
                .containsExactly(3);
    }

    @Test
    void twoThatDiedAreBothBlamed() {
        Blame blame = blame(8, Set.of(1, 6), false, (_, other) -> other == 1 || other == 6);
        assertThat(blamed(blame)).containsExactly(1, 6);
        assertThat(blame.findings()).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 8})
    void oneBrokenEdgeIsAPair(int count) {
        Blame blame = blame(count, Set.of(), (one, other) -> one + other == 2 && one != other);
        assertThat(blame.findings()).singleElement().isInstanceOf(Blame.Pair.class);
        assertThat(pairs(blame)).containsExactly(List.of(0, 2));
        assertThat(blame.text())
                .contains(
                        "between rank 0 (pid 100 at host0:1) and rank 2 (pid 102 at host2:1), neither is blamed: pid 100 saw: "
                                + "SILENCE; pid 102 saw: SILENCE");
    }

    @Test
    void anEdgeBrokenAtOneEndIsAPairWithTheViewOfEach() {
        Blame blame = blame(4, Set.of(), (one, other) -> one == 0 && other == 3);
        assertThat(pairs(blame)).containsExactly(List.of(0, 3));
        assertThat(blame.text()).contains("pid 100 saw: SILENCE; pid 103 saw: still connected");
    }

    @Test
    void withTwoProcessesItIsAlwaysAPair() {
        for (Set<Integer> deaf : List.of(Set.<Integer>of(), Set.of(1))) {
            Blame blame = blame(2, deaf, (_, _) -> true);
            assertThat(pairs(blame)).containsExactly(List.of(0, 1));
            assertThat(blame.findings()).hasSize(1);
        }
        assertThat(blame(2, Set.of(1), (_, _) -> true).text()).contains("pid 101 saw: no answer");
    }

    @Test
    void partsOfAtLeastTwoAreABlock() {
        Blame blame = blame(8, Set.of(), (one, other) -> one < 3 != other < 3);
        assertThat(blame.findings()).hasSize(1);
        assertThat(blocks(blame)).containsExactly(List.of(List.of(0, 1, 2), List.of(3, 4, 5, 6, 7)));
        assertThat(blame.text()).contains("blocks: ranks [0, 1, 2] | [3, 4, 5, 6, 7]");
    }

    @Test
    void aGoneProcessOutsideTheBlocksIsBlamed() {
        Blame blame = blame(5, Set.of(4), (one, other) -> other == 4 || one < 2 != other < 2);
        assertThat(blocks(blame)).containsExactly(List.of(List.of(0, 1), List.of(2, 3)));
        assertThat(blamed(blame)).containsExactly(4);
        assertThat(blame.findings()).hasSize(2);
    }

    @Test
    void aSilentHalfIsABlock() {
        Blame blame = blame(5, Set.of(3, 4), (_, other) -> other >= 3);
        assertThat(blame.findings()).hasSize(1);
        assertThat(blocks(blame)).containsExactly(List.of(List.of(0, 1, 2)));
        assertThat(unheard(blame)).containsExactly(3, 4);
        assertThat(blame.text()).contains("into blocks: ranks [0, 1, 2] | [3, 4]; the last ones are silent");
    }

    @Test
    void anIsolatedProcessBlamesOnlyTheNetwork() {
        Blame blame = blame(4, Set.of(0, 1, 2), (_, _) -> true);
        assertThat(blame.findings()).hasSize(1);
        assertThat(blocks(blame)).containsExactly(List.of(List.of(3)));
        assertThat(unheard(blame)).containsExactly(0, 1, 2);
    }

    /**
     * P-9: it was stopped, and all connections have been closed by the others, with the reason UNHEARD; it has reached
     * none of them again yet.
     */
    @Test
    void aWokenProcessTakesNoOtherForStopped() {
        Blame blame = blame(4, Set.of(0, 1, 2), LossEvidence.Kind.UNHEARD.isSilence(), (_, _) -> true);
        assertThat(blocks(blame)).isEmpty();
        assertThat(blamed(blame)).isEmpty();
        assertThat(pairs(blame))
                .as("names the evidence and blames neither")
                .containsExactly(List.of(0, 3), List.of(1, 3), List.of(2, 3));
    }

    @Test
    void whereNoTwoAreConnectedNoProcessThatAnswersIsBlamed() {
        Blame blame = blame(3, Set.of(), (_, _) -> true);
        assertThat(blamed(blame)).isEmpty();
        assertThat(pairs(blame)).containsExactly(List.of(0, 1), List.of(0, 2), List.of(1, 2));
    }

    /** Process 2 reaches process 3, but process 3 misses it: that is no connection, so 3 stands alone. */
    @Test
    void aProcessThatMissesTheOnlyOneThatReachesItIsBlamed() {
        Blame blame =
                blame(4, Set.of(), (one, other) -> (one == 0 || one == 1) && other == 3 || one == 3 && other == 2);
        assertThat(blamed(blame)).containsExactly(3);
        assertThat(blame.findings()).hasSize(1);
    }

    @Test
    void oneThatStillReachesTheSilentOnesRulesOutACutNetwork() {
        Blame blame = blame(5, Set.of(3, 4), (one, other) -> one != 0 && other >= 3);
        assertThat(blocks(blame)).isEmpty();
        assertThat(unheard(blame)).isEmpty();
        assertThat(blamed(blame)).containsExactly(3, 4);
    }

    private static List<Integer> unheard(Blame blame) {
        return blame.findings().stream()
                .filter(Blame.Block.class::isInstance)
                .flatMap(one -> ((Blame.Block) one).unheard().stream().flatMap(party -> party.ranks().stream()))
                .toList();
    }

    @Test
    void anUntriedEdgeIsNoFinding() {
        assertThat(BlameRules.of(
                                parties(3),
                                List.of(
                                        new View(process(0), Set.of(), Map.of()),
                                        new View(process(1), Set.of(), Map.of())))
                        .findings())
                .isEmpty();
    }

    /** All choices of answering processes and missed edges among up to four; random ones among up to eight. */
    @Test
    void blameIsSoundCompleteAndTheSameForAll() {
        for (int count : List.of(2, 3, 4)) {
            List<int[]> edges = edges(count);
            for (int deaf = 0; deaf < 1 << count; deaf++) {
                for (int missing = 0; missing < 1 << edges.size(); missing++) {
                    check(count, deaf, edges, missing, new Random(missing));
                }
            }
        }
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            int count = 5 + random.nextInt(4);
            List<int[]> edges = edges(count);
            long missing = random.nextLong() & random.nextLong() & (1L << edges.size()) - 1;
            check(count, random.nextInt(1 << count) & random.nextInt(1 << count), edges, missing, random);
        }
    }

    private static List<int[]> edges(int count) {
        List<int[]> edges = new ArrayList<>();
        for (int one = 0; one < count; one++) {
            for (int other = 0; other < count; other++) {
                if (one != other) {
                    edges.add(new int[] {one, other});
                }
            }
        }
        return edges;
    }

    private static void check(int count, int deafBits, List<int[]> edges, long missing, Random random) {
        boolean[][] misses = new boolean[count][count];
        for (int i = 0; i < edges.size(); i++) {
            misses[edges.get(i)[0]][edges.get(i)[1]] = (missing >> i & 1) == 1;
        }
        List<View> views = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            if ((deafBits >> i & 1) == 0) {
                boolean silent = random.nextBoolean();
                views.add(view(i, count, silent, (one, other) -> misses[one][other]));
            }
        }
        Blame blame = BlameRules.of(parties(count), views);
        String which = "count=" + count + " deaf=" + deafBits + " missing=" + missing + ": " + blame.findings();
        Set<Integer> blamed = new TreeSet<>(blamed(blame));
        for (int accused : blamed) {
            long by =
                    views.stream().filter(view -> view.misses(process(accused))).count();
            if (by < 2 || count == 2) {
                throw new AssertionError("blamed by " + by + ", " + which);
            }
        }
        for (int i = 0; i < edges.size(); i++) {
            int one = edges.get(i)[0];
            int other = edges.get(i)[1];
            boolean seen = misses[one][other] && (deafBits >> one & 1) == 0;
            boolean back = misses[other][one] && (deafBits >> other & 1) == 0;
            int told = (blamed.contains(one) || blamed.contains(other) ? 1 : 0)
                    + (pairs(blame).contains(List.of(Math.min(one, other), Math.max(one, other))) ? 1 : 0)
                    + (inDifferentParts(blame, one, other) ? 1 : 0)
                    + (unheard(blame).contains(one) || unheard(blame).contains(other) ? 1 : 0);
            if (seen && told == 0
                    || !seen && !back && pairs(blame).contains(List.of(Math.min(one, other), Math.max(one, other)))) {
                throw new AssertionError("edge " + one + "→" + other + " told " + told + " times, " + which);
            }
        }
        if (missing == 0 && !blame.findings().isEmpty()) {
            throw new AssertionError("blame out of nothing, " + which);
        }
        List<View> shuffled = new ArrayList<>(views);
        Collections.shuffle(shuffled, random);
        List<Party> others = new ArrayList<>(parties(count));
        Collections.shuffle(others, random);
        if (!BlameRules.of(others, shuffled).equals(blame)) {
            throw new AssertionError("another order, another blame: " + which);
        }
    }

    private static boolean inDifferentParts(Blame blame, int one, int other) {
        return blocks(blame).stream()
                .anyMatch(parts -> parts.stream().anyMatch(part -> part.contains(one) && !part.contains(other))
                        && parts.stream().anyMatch(part -> part.contains(other)));
    }

    @Test
    void aViewSurvivesTheWireAndItsReasonsAreCut() throws Exception {
        var view = new View(
                process(1),
                Set.of(process(2), process(3)),
                Map.of(
                        process(4),
                        new View.Missed(View.How.SILENT, "x".repeat(5000)),
                        process(5),
                        new View.Missed(View.How.SEEN, "ü")));
        var out = new CanonicalWriter();
        view.writeTo(out);
        View read = View.readFrom(new CanonicalReader(out.toByteArray()));
        assertThat(read.reached()).isEqualTo(view.reached());
        assertThat(read.missed())
                .containsEntry(process(5), new View.Missed(View.How.SEEN, "ü"))
                .containsEntry(process(4), new View.Missed(View.How.SILENT, "x".repeat(198) + " …"));
    }

    @Test
    void ignoresTheViewOfAProcessOutsideTheGroup() {
        var a = new Party(new ProcessId(0, 1), 1, "10.0.0.1:1", List.of(2, 0));
        var b = new Party(new ProcessId(0, 2), 2, "10.0.0.2:1", List.of(1));
        var why = new View.Missed(View.How.SEEN, "closed");
        Blame blame = BlameRules.of(
                List.of(a, b),
                List.of(
                        new View(a.process(), Set.of(b.process()), Map.of()),
                        new View(b.process(), Set.of(a.process()), Map.of()),
                        new View(new ProcessId(0, 9), Set.of(), Map.of(a.process(), why, b.process(), why))));
        assertThat(blame).isEqualTo(new Blame(List.of(), 2, 2));
        assertThat(a.ranks()).as("in their order").containsExactly(0, 2);
    }

    // ---- what stands after a poll

    /** Views in which each of the three processes reaches, misses or does not know each other one: r, m or -. */
    private static List<View> views(String... rows) {
        List<View> views = new ArrayList<>();
        for (int observer = 0; observer < rows.length; observer++) {
            Set<ProcessId> reached = new HashSet<>();
            Map<ProcessId, View.Missed> missed = new HashMap<>();
            for (int other = 0; other < rows[observer].length(); other++) {
                switch (rows[observer].charAt(other)) {
                    case 'r' -> reached.add(process(other));
                    case 'm' -> missed.put(process(other), new View.Missed(View.How.SEEN, "SOCKET_CLOSED"));
                    default -> {}
                }
            }
            if (!rows[observer].isEmpty()) {
                views.add(new View(process(observer), reached, missed));
            }
        }
        return views;
    }

    private static Blame after(Blame before, String... rows) {
        List<View> views = views(rows);
        return BlameRules.settle(before, BlameRules.of(parties(3), views), parties(3), views);
    }

    private static String kinds(Blame blame) {
        return blame.findings().stream()
                .map(finding -> finding.getClass().getSimpleName()
                        + finding.parties()
                                .flatMap(party -> party.ranks().stream())
                                .toList())
                .toList()
                .toString();
    }

    @Test // it receives nothing: its farewell takes one process's evidence away, and it does not come back
    void aProcessStaysBlamedUntilSomebodyReachesIt() {
        Blame blamed = after(Blame.NONE, "-rm", "r-m", "");
        assertThat(kinds(blamed)).isEqualTo("[Blamed[2]]");
        assertThat(kinds(after(Blame.NONE, "-r-", "r-m", "")))
                .as("of this poll alone")
                .isEqualTo("[Pair[1, 2]]");
        assertThat(kinds(after(blamed, "-r-", "r-m", ""))).isEqualTo("[Blamed[2]]");
        assertThat(kinds(after(blamed, "-r-", "r--", ""))).isEqualTo("[Blamed[2]]");
        assertThat(kinds(after(blamed, "-rr", "r-m", "r--"))).isEqualTo("[Pair[1, 2]]");
        assertThat(kinds(after(blamed, "-rr", "r-r", "rr-"))).isEqualTo("[]");
    }

    @Test
    void aPairStandsUntilOneReachesTheOtherOrMoreIsKnown() {
        Blame pair = after(Blame.NONE, "-rr", "r-m", "");
        assertThat(kinds(pair)).isEqualTo("[Pair[1, 2]]");
        assertThat(kinds(after(pair, "-r-", "r--", ""))).isEqualTo("[Pair[1, 2]]");
        assertThat(kinds(after(pair, "-rm", "r-m", ""))).isEqualTo("[Blamed[2]]");
        assertThat(kinds(after(pair, "-rr", "r-r", "r--"))).isEqualTo("[]");
    }

    @Test // P-10: trouble with a former life
    void noFindingStandsForAProcessThatIsNoPartyAnyMore() {
        Blame blamed = after(Blame.NONE, "-rm", "r-m", "");
        List<View> views = views("-r", "r-");
        assertThat(BlameRules.settle(blamed, BlameRules.of(parties(2), views), parties(2), views)
                        .findings())
                .isEmpty();
    }

    @Test // a rank of the report and the finding that names it give the same advice
    void eachFindingSaysWhatToDoAboutItsRanksOnly() {
        Blame blamed = after(Blame.NONE, "-rm", "r-m", "");
        assertThat(blamed.remedy(2)).contains("host2:1", "start it again if it has ended");
        assertThat(blamed.remedy(1)).isNull();
        assertThat(after(Blame.NONE, "-rr", "r-m", "").remedy(2)).contains("pid 101 and pid 102");
        assertThat(blame(4, Set.of(2, 3), (one, other) -> one / 2 != other / 2).remedy(3))
                .contains("the network between the blocks");
    }
}
