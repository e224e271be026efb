// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.TrialOutcome;
import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.FabricInfo;
import io.muster.ops.Finding.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What each GPU can share, from a trial: part of {@link Doctor}. */
public final class SharingFindings {
    private static final String TOUCHED = "allocated, exported, imported, mapped, written and read back";

    private SharingFindings() {}

    public static List<Finding> of(SharingFacts sharing) {
        return switch (sharing) {
            case SharingFacts.NotAsked(String reason) -> List.of(Finding.info("gpu-memory", "not tried: " + reason));
            case SharingFacts.Unusable(String reason) ->
                List.of(new Finding(
                        "gpu-memory", Level.WARN, "cannot be tried: " + reason, "update the NVIDIA driver"));
            case SharingFacts.Tried(List<DeviceSharing> devices, long micros) -> {
                List<Finding> findings = new ArrayList<>();
                devices.forEach(device -> {
                    findings.add(Finding.info(
                            "fabric-memory",
                            "device " + device.device() + ": " + text(device.fabric()) + "; " + text(device.info())));
                    findings.add(posix(device));
                });
                findings.add(Finding.info(
                        "gpu-memory", "all of this tried in " + micros / 1000 + " ms, every context closed again"));
                yield List.copyOf(findings);
            }
        };
    }

    /**
     * Memory for processes of this host. The calls are those for fabric memory, and every supported GPU can do them, so
     * a failure needs attention.
     */
    private static Finding posix(DeviceSharing device) {
        String what = "device " + device.device() + ": memory for processes of this host: " + text(device.posix());
        return switch (device.posix()) {
            case TrialOutcome.Touched _ -> Finding.ok("posix-memory", what);
            case TrialOutcome.NotTried _, TrialOutcome.Exported _ -> Finding.info("posix-memory", what);
            case TrialOutcome.Failed _, TrialOutcome.WrongBytes _ ->
                new Finding("posix-memory", Level.WARN, what, "run nvidia-smi and read the kernel's log");
        };
    }

    private static String text(TrialOutcome outcome) {
        return switch (outcome) {
            case TrialOutcome.NotTried(String reason) -> "not tried: " + reason;
            case TrialOutcome.Failed(CudaFailure failure) -> failure.text();
            case TrialOutcome.WrongBytes(String what) -> "wrong bytes: " + what;
            case TrialOutcome.Exported(List<StepTime> steps) -> "allocated and exported" + text(steps);
            case TrialOutcome.Touched(List<StepTime> steps) -> TOUCHED + text(steps);
        };
    }

    private static String text(List<StepTime> steps) {
        return steps.stream()
                .map(step -> step.step() + " " + step.micros())
                .collect(Collectors.joining(", ", " (µs: ", ")"));
    }

    private static String text(FabricInfo info) {
        return switch (info) {
            case FabricInfo.Unknown(String reason) -> "NVML: " + reason;
            case FabricInfo.Known known ->
                "NVML: cluster UUID " + known.clusterUuid() + ", clique " + Integer.toUnsignedString(known.clique())
                        + ", state " + known.stateText() + ", status " + known.status()
                        + (known.healthMask().isPresent()
                                ? String.format(
                                        ", health mask 0x%x", known.healthMask().getAsInt())
                                : "");
        };
    }
}
