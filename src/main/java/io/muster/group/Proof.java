// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.Optional;

/**
 * How it is known that a CONNECTED link works. Declared from the weakest to the strongest, so that the natural order is
 * the order of strength: of several links the proof to report is the least.
 */
public enum Proof {
    /** Nothing was tried: the policy's mode {@code skip}. */
    NONE("none"),
    /** As {@link #FABRIC_IMPORT}, but the fabric memory was a file that stands in for a GPU's. */
    FABRIC_IMPORT_SIMULATED("fabric-import(simulated)"),
    /** Each side has imported and touched the other's fabric memory. */
    FABRIC_IMPORT("fabric-import"),
    /** Both directions carried verified bytes on the path in use. */
    WARMUP("warmup"),
    /** Both ranks live in this process: there is no path that could fail. */
    LOCAL("local");

    private final String text;

    Proof(String text) {
        this.text = text;
    }

    /** The word used on the wire, on the event bus and in every report. */
    public String text() {
        return text;
    }

    /** True if this says less about the link than the other. */
    public boolean isWeakerThan(Proof other) {
        return compareTo(other) < 0;
    }

    /** The proof of this text; empty if there is none (the text may come from outside). */
    public static Optional<Proof> parse(String text) {
        for (Proof proof : values()) {
            if (proof.text.equals(text)) {
                return Optional.of(proof);
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return text;
    }
}
