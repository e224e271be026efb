// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Clause;

/**
 * The answer of the warmup policy for one link, from one end: the plan, which both ends compute alike, and the verdict,
 * which only this end can give. A link is short-circuited only if both ends have the same plan and both verdicts are
 * true.
 *
 * @param plan the plan of both ends if both verdicts are true
 * @param verdict false if this end has seen that the plan cannot work, for example because the import of the peer's
 *     memory failed
 * @param transport the transport of the exchange, if an exchange is needed
 * @param reason why, in one sentence that is kept and shown
 */
public record WarmupAnswer(Plan plan, boolean verdict, String transport, String reason) {
    /** The order is the wire's: append only. */
    public enum Plan {
        /** Warmup: write and write back. */
        EXCHANGE,
        /** Both are in one clique of a proven fabric. */
        FABRIC,
        /** Both are in one clique of a simulated fabric. */
        FABRIC_SIMULATED,
        /** CONNECTED at once, without a proof. */
        SKIP,
        /** The two cannot be linked until something changes. */
        REFUSE
    }

    public static final int MAX_REASON = 500;

    public WarmupAnswer {
        reason = Clause.atMost(MAX_REASON, reason);
    }
}
