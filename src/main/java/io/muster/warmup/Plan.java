// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricIdentity;
import java.util.List;

/**
 * What the two ends of a link are to do. Both compute the same plan from the same two offers ({@link WarmupPlan}); only
 * {@link ModeMismatch} tells the ends apart, and is each other's mirror image.
 */
public sealed interface Plan {

    /** One sentence that says why this plan, for status and logs. */
    String reason();

    /** Both ranks live in one process: connected by {@code local}, nothing to try. */
    record Local(String reason) implements Plan {}

    /**
     * Connected as soon as each side has imported and touched the other's fabric memory; the {@code transports} are
     * what remains if one has not.
     */
    record ShortCircuitFabric(FabricIdentity identity, boolean simulated, List<String> transports, String reason)
            implements Plan {
        public ShortCircuitFabric {
            transports = List.copyOf(transports);
        }
    }

    /** Connected at once, with nothing tried. */
    record ShortCircuitSkip(List<String> transports, String reason) implements Plan {
        public ShortCircuitSkip {
            transports = requireSome(transports);
        }
    }

    /** Write and write back over the first of the transports; the others are what remains if it can't be used. */
    record Exchange(List<String> transports, String reason) implements Plan {
        public Exchange {
            transports = requireSome(transports);
        }

        public String transport() {
            return transports.getFirst();
        }
    }

    /** No link until one of the two changes. */
    sealed interface Refuse extends Plan {}

    /** The ends are set to different modes. */
    record ModeMismatch(WarmupMode local, WarmupMode peer) implements Refuse {
        @Override
        public String reason() {
            return "mode mismatch local=" + local + " peer=" + peer;
        }
    }

    /** They can't reach each other by any means that both have. */
    record NoCommonTransport(String reason) implements Refuse {}

    private static List<String> requireSome(List<String> transports) {
        if (transports.isEmpty()) {
            throw new IllegalArgumentException("no transport: that is NoCommonTransport");
        }
        return List.copyOf(transports);
    }
}
