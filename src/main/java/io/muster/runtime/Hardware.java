// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.cuda.Gpus;
import io.muster.cuda.driver.ShareKind;
import io.muster.fabric.Fabric;
import io.muster.fabric.GpuFabric;
import io.muster.fabric.GpuMemoryFabric;
import io.muster.fabric.ImportFault;
import io.muster.fabric.NoFabric;
import io.muster.fabric.NvlinkIpcSetting;
import io.muster.fabric.SimulatedFabric;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.WarmupMode;
import io.muster.options.MusterOptions;
import io.vertx.core.Future;
import org.jspecify.annotations.Nullable;

/**
 * The fabric and the GPUs of this process.
 *
 * @param shareKind how GPU memory of this process is shared
 */
public record Hardware(Fabric fabric, Gpus gpus, ShareKind shareKind) {

    /** As the settings and the host have it. Blocks. */
    public static Hardware open(MusterOptions options) {
        Gpus gpus = Gpus.ofThisHost();
        Fabric fabric = openFabric(options, gpus);
        return new Hardware(fabric, gpus, fabric instanceof GpuMemoryFabric ? ShareKind.FABRIC : ShareKind.POSIX);
    }

    /** A fabric alone. */
    public static Hardware of(Fabric fabric) {
        return new Hardware(fabric, Gpus.none("no GPU is wanted"), ShareKind.POSIX);
    }

    private static Fabric openFabric(MusterOptions options, Gpus gpus) {
        String mode = options.warmup().mode() == WarmupMode.AUTO
                ? null
                : options.warmup().mode().toString();
        @Nullable String variable = System.getenv(NvlinkIpcSetting.VARIABLE);
        var setting = NvlinkIpcSetting.of(variable, mode);
        if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_OFF) {
            return new NoFabric(new FabricVerdict.NotAvailable(setting.sentence()));
        }
        if (!options.warmup().fabric().isEmpty()) {
            return SimulatedFabric.open(
                    FabricIdentity.parse(options.warmup().fabric()),
                    SimulatedFabric.defaultBase(),
                    ImportFault.ofSystemProperty());
        }
        FabricVerdict verdict = GpuFabric.verdict(setting);
        return verdict instanceof FabricVerdict.Proven proven
                ? new GpuMemoryFabric(proven, gpus)
                : new NoFabric(verdict);
    }

    /** Closes the fabric before the GPUs that its memory is in. */
    public Future<Void> close() {
        fabric.close();
        return Future.fromCompletionStage(gpus.close());
    }
}
