// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/** How much is known about a fabric on this host, with the reason. Only {@link Proven} may short-circuit a warmup. */
public sealed interface FabricVerdict {

    /** One sentence that says why. */
    String reason();

    /** There is none, or it is switched off. */
    record NotAvailable(String reason) implements FabricVerdict {}

    /** There may be one, but nobody has allocated and exported its memory. */
    record Unproven(String reason, String whatToDo) implements FabricVerdict {}

    /**
     * Memory of this fabric has been allocated and exported here.
     *
     * @param simulated true if files stand in for the memory of GPUs
     */
    record Proven(FabricIdentity identity, boolean simulated, String reason) implements FabricVerdict {}
}
