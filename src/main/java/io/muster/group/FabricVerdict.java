// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/** Whether this host has a fabric, with the reason. Only {@link Proven} may short-circuit a warmup. */
public sealed interface FabricVerdict {

    /** Why, in one sentence. */
    String reason();

    /** There is no fabric, or it is switched off. */
    record NotAvailable(String reason) implements FabricVerdict {}

    /** There may be one, but its memory has not been allocated and exported. */
    record Unproven(String reason, String whatToDo) implements FabricVerdict {}

    /**
     * Memory of this fabric has been allocated and exported here.
     *
     * @param simulated true if files simulate the memory of GPUs
     */
    record Proven(FabricIdentity identity, boolean simulated, String reason) implements FabricVerdict {}
}
