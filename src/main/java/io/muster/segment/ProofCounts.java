// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.Proof;
import java.util.Map;

/**
 * What a COMPLETE epoch rests on, counted by whoever completed it from the marks of all members.
 *
 * @param links how many links are connected by which proof; each end of a pair of ranks counts, the links of a rank to
 *     itself do not
 * @param paths how many pairs of processes are connected, by the weakest proof among their links
 */
public record ProofCounts(Map<Proof, Integer> links, Map<Proof, Integer> paths) {
    public static final ProofCounts NONE = new ProofCounts(Map.of(), Map.of());

    public ProofCounts {
        links = Map.copyOf(links);
        paths = Map.copyOf(paths);
    }
}
