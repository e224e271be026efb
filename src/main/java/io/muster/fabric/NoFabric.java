// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.group.FabricVerdict;
import io.muster.group.Member;

/** The fabric of a process without a proven fabric; its verdict says why. */
public final class NoFabric implements Fabric {
    private final FabricVerdict verdict;

    /** @throws IllegalArgumentException for a verdict that is proven */
    public NoFabric(FabricVerdict verdict) {
        if (verdict instanceof FabricVerdict.Proven) {
            throw new IllegalArgumentException("expected a verdict without a proven fabric, got " + verdict);
        }
        this.verdict = verdict;
    }

    @Override
    public FabricVerdict verdict() {
        return verdict;
    }

    @Override
    public FabricExport export(Member owner) {
        return new FabricExport.NotExported(verdict.reason());
    }

    @Override
    public FabricImport importPeer(Member local, Member peer, byte[] exported) {
        return new FabricImport.Refused(FabricImport.Cause.NO_FABRIC, verdict.reason());
    }

    @Override
    public void close() {
        // there is nothing to free
    }
}
