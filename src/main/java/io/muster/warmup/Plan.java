// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricIdentity;
import io.muster.group.WarmupMode;
import java.util.List;

/**
 * How a link becomes connected. Both ends compute the same plan from the same two offers ({@link WarmupPlan}). Only
 * {@link ModeMismatch} names a local and a peer's mode, so the two ends have mirrored ones.
 */
public sealed interface Plan {

    /** Why this plan was chosen: one sentence for status and logs. */
    String reason();

    /** Both ranks are in one process, so the link uses the transport {@code local}. */
    record Local(String reason) implements Plan {}

    /**
     * The link is connected when each end has imported and touched the other's fabric memory. Otherwise both exchange
     * over the first of the transports, if there is one.
     */
    record ShortCircuitFabric(FabricIdentity identity, boolean simulated, List<String> transports, String reason)
            implements Plan {
        public ShortCircuitFabric {
            transports = List.copyOf(transports);
        }
    }

    /** The link is connected at once, without any test. */
    record ShortCircuitSkip(List<String> transports, String reason) implements Plan {
        public ShortCircuitSkip {
            transports = requireSome(transports);
        }
    }

    /** Each end writes to the other over the first of the common transports. */
    record Exchange(List<String> transports, String reason) implements Plan {
        public Exchange {
            transports = requireSome(transports);
        }

        public String transport() {
            return transports.getFirst();
        }
    }

    /** There can be no link until the settings of one end change. */
    sealed interface Refuse extends Plan {}

    /** The ends have different modes. */
    record ModeMismatch(WarmupMode local, WarmupMode peer) implements Refuse {
        @Override
        public String reason() {
            return "mode mismatch local=" + local + " peer=" + peer;
        }
    }

    /** The ends have no usable transport in common. */
    record NoCommonTransport(String reason) implements Refuse {}

    private static List<String> requireSome(List<String> transports) {
        if (transports.isEmpty()) {
            throw new IllegalArgumentException("no transport: that is NoCommonTransport");
        }
        return List.copyOf(transports);
    }
}
