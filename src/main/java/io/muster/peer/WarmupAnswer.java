// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

/**
 * What the warmup policy says of one link, from one end: the plan, which is the same from both ends, and the verdict,
 * which only this end can give. A link is short-circuited only if both ends have the same plan and both verdicts are
 * yes.
 *
 * @param plan what both ends would do if both verdicts were yes
 * @param verdict false if this end has seen that the plan can't work, say because the peer's export could not be
 *     imported
 * @param transport the transport of the exchange, should it come to that
 * @param reason why, in one sentence that is kept and shown
 */
public record WarmupAnswer(Plan plan, boolean verdict, String transport, String reason) {
    /** The order is the wire's: append only. */
    public enum Plan {
        /** Write and write back. */
        EXCHANGE,
        /** Both are in one clique of a proven fabric. */
        FABRIC,
        /** Both are in one clique of a simulated fabric. */
        FABRIC_SIMULATED,
        /** CONNECTED at once, with nothing proven. */
        SKIP,
        /** The two can't be linked until something changes. */
        REFUSE
    }

    public static final int MAX_REASON = 500;

    public WarmupAnswer {
        reason = reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) : reason;
    }
}
