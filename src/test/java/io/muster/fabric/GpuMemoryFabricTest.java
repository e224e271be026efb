// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.HostGpus;
import io.muster.fabric.FabricImport.Cause;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.LifeId;
import io.muster.group.Member;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Fabric memory of two processes of one clique, whose GPUs are simulated by host memory. The driver calls are those for
 * a real fabric.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GpuMemoryFabricTest {
    private static final FabricIdentity IDENTITY = new FabricIdentity(new UUID(1, 2), 3);
    private static final Member ZERO = new Member(0, 1, new LifeId(5, 6));
    private static final Member ONE = new Member(1, 1, new LifeId(7, 8));

    private final HostGpus mine = new HostGpus(1, 0).inFabric();
    private final HostGpus theirs = new HostGpus(1, 1).inFabric();
    private final GpuMemoryFabric here = fabric(mine, IDENTITY);
    private final GpuMemoryFabric there = fabric(theirs, IDENTITY);

    private static GpuMemoryFabric fabric(HostGpus gpus, FabricIdentity identity) {
        return new GpuMemoryFabric(new FabricVerdict.Proven(identity, false, "simulated"), gpus.gpus());
    }

    @AfterEach
    void closeAll() {
        here.close();
        there.close();
        mine.gpus().close().join();
        theirs.gpus().close().join();
        assertThat(mine.open()).isEmpty();
        assertThat(theirs.open()).isEmpty();
    }

    private byte[] exported() {
        return ((FabricExport.Exported) there.export(ONE)).handle().bytes();
    }

    // W-3
    @Test
    void aPeersExportIsImportedTouchedAndReleased() {
        byte[] bytes = exported();
        assertThat(bytes.length).isLessThanOrEqualTo(ExportedHandle.MAX_BYTES);
        for (int i = 0; i < 3; i++) {
            assertThat(here.importPeer(ZERO, ONE, bytes)).isInstanceOf(FabricImport.Imported.class);
            assertThat(mine.open()).noneMatch(object -> object.startsWith("mapping"));
        }
    }

    // W-1, W-3: each refusal has a cause
    @Test
    void anExportThatCannotBeImportedIsRefusedByName() {
        byte[] bytes = exported();
        assertThat(cause(here.importPeer(ZERO, ONE, new byte[3]))).isEqualTo(Cause.MALFORMED);
        assertThat(cause(here.importPeer(ZERO, ZERO, bytes))).isEqualTo(Cause.OTHER_MEMBER);
        assertThat(cause(fabric(mine, new FabricIdentity(new UUID(1, 2), 4)).importPeer(ZERO, ONE, bytes)))
                .isEqualTo(Cause.OTHER_CLIQUE);
        byte[] wrongToken = bytes.clone();
        wrongToken[1 + 16 + 4 + 4 + 8 + 16] ^= 1;
        assertThat(cause(here.importPeer(ZERO, ONE, wrongToken))).isEqualTo(Cause.TOKEN_MISMATCH);
        mine.failing("cuMemImportFromShareableHandle", 800);
        var refused = (FabricImport.Refused) here.importPeer(ZERO, ONE, bytes);
        assertThat(refused.cause()).isEqualTo(Cause.MISSING);
        assertThat(refused.reason())
                .contains("NOT_PERMITTED")
                .contains("cuMemImportFromShareableHandle")
                .contains("800");
    }

    private static Cause cause(FabricImport outcome) {
        return ((FabricImport.Refused) outcome).cause();
    }

    @Test
    void memoryThatCannotBeExportedGivesAReason() {
        theirs.failing("cuMemExportToShareableHandle", 800);
        assertThat(((FabricExport.NotExported) there.export(ONE)).reason()).contains("cuMemExportToShareableHandle");
        there.close();
        theirs.healed();
        assertThat(cause(there.importPeer(
                        ZERO,
                        ONE,
                        here.export(ONE) instanceof FabricExport.Exported(var handle) ? handle.bytes() : null)))
                .isEqualTo(Cause.NO_FABRIC);
        assertThat(((FabricExport.NotExported) there.export(ONE)).reason()).contains("closed");
    }
}
