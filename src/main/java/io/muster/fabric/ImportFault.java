// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.Member;
import io.muster.group.MusterException;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Injects failures into the imports of a simulated fabric, for imports on behalf of the named local ranks. With the
 * same setting in all processes, a link with one named rank imports at its other end only.
 *
 * @param ranks the ranks whose imports fail
 * @param every true if all fail
 */
public record ImportFault(Set<Integer> ranks, boolean every) {
    /** The system property that {@link #ofSystemProperty()} reads. */
    public static final String PROPERTY = "muster.fabric.simulated.failImport";
    /** No import fails. */
    public static final ImportFault NONE = new ImportFault(Set.of(), false);

    public ImportFault {
        ranks = Set.copyOf(ranks);
    }

    /**
     * Reads {@code *}, or ranks separated by commas; null and empty mean none.
     *
     * @throws MusterException of kind CONFIG if the text is anything else
     */
    public static ImportFault parse(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return NONE;
        }
        if (text.equals("*")) {
            return new ImportFault(Set.of(), true);
        }
        Set<Integer> ranks = new HashSet<>();
        for (String rank : text.split(",", -1)) {
            try {
                ranks.add(Integer.parseUnsignedInt(rank.strip()));
            } catch (NumberFormatException e) {
                throw MusterException.config(PROPERTY + " must be * or ranks separated by commas, got '" + text + "'");
            }
        }
        return new ImportFault(ranks, false);
    }

    /** The setting of the system property {@value #PROPERTY}. */
    public static ImportFault ofSystemProperty() {
        return parse(System.getProperty(PROPERTY));
    }

    boolean hits(Member local) {
        return every || ranks.contains(local.rank());
    }
}
