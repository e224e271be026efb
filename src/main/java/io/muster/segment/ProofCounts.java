// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.Proof;
import java.util.Map;

/**
 * The proofs of a COMPLETE epoch, counted from the marks of all members by the process that completed it.
 *
 * @param links number of links by proof; both ends of a pair of ranks count, links of a rank to itself do not
 * @param paths number of connected pairs of processes, by the weakest proof among their links
 */
public record ProofCounts(Map<Proof, Integer> links, Map<Proof, Integer> paths) {
    public static final ProofCounts NONE = new ProofCounts(Map.of(), Map.of());

    public ProofCounts {
        links = Map.copyOf(links);
        paths = Map.copyOf(paths);
    }
}
