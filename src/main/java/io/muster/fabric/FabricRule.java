// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.TrialOutcome;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.FabricInfo;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The verdict on the fabric from the facts of the probe, by Muster's rule and, for comparison, by the original's. */
public final class FabricRule {
    private static final String IMEX =
            "give this process an IMEX channel: run nvidia-imex on every host of the NVLink domain and make "
                    + "/dev/nvidia-caps-imex-channels/channel0 readable to this user (on Kubernetes: a "
                    + "ComputeDomain); without one, warmups use the exchange";
    private static final String LOOK =
            "see nvidia-smi -q, section Fabric, and the kernel's log; until then warmups use the exchange";

    private FabricRule() {}

    /**
     * The verdict on real GPUs. {@link FabricVerdict.Proven} requires two things of all visible devices: each has
     * allocated, exported, imported, mapped and touched fabric memory, and by NVML all are in one clique of one
     * cluster. A process has one identity, so a process whose devices are in several cliques must be limited to the
     * devices of one ({@code CUDA_VISIBLE_DEVICES}).
     */
    public static FabricVerdict verdict(CudaFacts facts, SharingFacts sharing, NvlinkIpcSetting setting) {
        if (setting.effect() == NvlinkIpcSetting.Effect.FABRIC_OFF) {
            return new FabricVerdict.NotAvailable(setting.sentence());
        }
        return verdict(facts, sharing);
    }

    private static FabricVerdict verdict(CudaFacts facts, SharingFacts sharing) {
        return switch (facts) {
            case CudaFacts.NoDriver(String reason) -> new FabricVerdict.NotAvailable("no CUDA driver: " + reason);
            case CudaFacts.NoDevice(String reason) -> new FabricVerdict.NotAvailable("no GPU: " + reason);
            case CudaFacts.Unusable(String reason, var _) ->
                new FabricVerdict.NotAvailable("the CUDA driver can't be called: " + reason);
            case CudaFacts.Failed failed ->
                new FabricVerdict.NotAvailable(
                        "the probe failed: " + failed.failure().text());
            case CudaFacts.Devices(var _, List<Device> devices) -> ofDevices(devices, sharing);
        };
    }

    private static FabricVerdict ofDevices(List<Device> devices, SharingFacts sharing) {
        String without = devices.stream()
                .filter(device -> device.fabricAttribute() != FabricAttribute.SET)
                .map(device -> device.index()
                        + (device.fabricAttribute() == FabricAttribute.CLEAR ? "" : " (unknown to this driver)"))
                .collect(Collectors.joining(", "));
        if (!without.isEmpty()) {
            return new FabricVerdict.NotAvailable("attribute 128 (fabric handles) is missing on device " + without);
        }
        return switch (sharing) {
            case SharingFacts.NotAsked(String reason) ->
                new FabricVerdict.Unproven("fabric memory has not been tried: " + reason, LOOK);
            case SharingFacts.Unusable(String reason) ->
                new FabricVerdict.Unproven(
                        "fabric memory can't be tried: " + reason,
                        "update the NVIDIA driver; until then warmups use the exchange");
            case SharingFacts.Tried(List<DeviceSharing> tried, var _) ->
                failure(tried).or(() -> misplaced(tried)).orElseGet(() -> touched(devices, tried));
        };
    }

    private static Optional<FabricVerdict> failure(List<DeviceSharing> tried) {
        return tried.stream()
                .<FabricVerdict>mapMulti((device, next) -> {
                    switch (device.fabric()) {
                        case TrialOutcome.Failed(CudaFailure failure)
                        when failure.status() == CudaFailure.NOT_PERMITTED ->
                            next.accept(new FabricVerdict.Unproven(
                                    "attribute 128 is set, but fabric memory is not permitted to this process: "
                                            + failure.text(),
                                    IMEX));
                        case TrialOutcome.Failed(CudaFailure failure) ->
                            next.accept(new FabricVerdict.Unproven(
                                    "attribute 128 is set, but the trial of fabric memory failed: " + failure.text(),
                                    LOOK));
                        case TrialOutcome.WrongBytes(String what) ->
                            next.accept(new FabricVerdict.Unproven(
                                    "fabric memory of device " + device.device()
                                            + " returned other bytes than were written: " + what,
                                    LOOK));
                        case TrialOutcome.NotTried _, TrialOutcome.Exported _, TrialOutcome.Touched _ -> {}
                    }
                })
                .findFirst();
    }

    /** All devices can export; checks that they are in one clique. */
    private static Optional<FabricVerdict> misplaced(List<DeviceSharing> tried) {
        for (DeviceSharing device : tried) {
            String exported = "fabric memory can be allocated and exported, but ";
            String on = " (device " + device.device() + ")";
            switch (device.info()) {
                case FabricInfo.Unknown(String reason) -> {
                    return Optional.of(
                            new FabricVerdict.Unproven(exported + "its fabric is not known: " + reason + on, LOOK));
                }
                case FabricInfo.Known known
                when !known.registered() -> {
                    return Optional.of(new FabricVerdict.Unproven(
                            exported + "the GPU is not registered with its fabric: state " + known.stateText()
                                    + ", status " + known.status() + on,
                            LOOK));
                }
                case FabricInfo.Known known
                when !known.inFabric() -> {
                    return Optional.of(new FabricVerdict.NotAvailable(
                            exported + "the cluster UUID is zero: no fabric across hosts" + on));
                }
                case FabricInfo.Known _ -> {}
            }
        }
        List<String> identities = tried.stream()
                .flatMap(FabricRule::identity)
                .map(FabricIdentity::toString)
                .distinct()
                .toList();
        return identities.size() == 1
                ? Optional.empty()
                : Optional.of(new FabricVerdict.Unproven(
                        "the devices are in different cliques: " + String.join(", ", identities),
                        "show each process the devices of one clique (CUDA_VISIBLE_DEVICES); until then "
                                + "warmups use the exchange"));
    }

    private static Stream<FabricIdentity> identity(DeviceSharing device) {
        return device.info() instanceof FabricInfo.Known known && known.inFabric()
                ? Stream.of(new FabricIdentity(known.clusterUuid(), known.clique()))
                : Stream.empty();
    }

    private static FabricVerdict touched(List<Device> devices, List<DeviceSharing> tried) {
        if (!tried.stream().allMatch(device -> device.fabric() instanceof TrialOutcome.Touched)) {
            return new FabricVerdict.Unproven("fabric memory has been allocated and exported, but not touched", LOOK);
        }
        return new FabricVerdict.Proven(
                identity(tried.getFirst()).findFirst().orElseThrow(),
                false,
                "fabric memory allocated, exported, imported, mapped, written and read back on " + all(devices));
    }

    private static String all(List<Device> devices) {
        return devices.size() == 1 ? "the only device" : "all " + devices.size() + " devices";
    }

    /** The answer by the original's rule. */
    public record Original(boolean fabric, String sentence) {}

    /**
     * Describes the case in which the original's rule is wrong: its answer with the variable at "0", and the verdict
     * here.
     *
     * @return empty if both rules agree
     */
    public static Optional<String> originalIsWrong(CudaFacts facts, SharingFacts sharing) {
        FabricVerdict verdict = verdict(facts, sharing);
        if (!original(facts, "0").fabric() || verdict instanceof FabricVerdict.Proven) {
            return Optional.empty();
        }
        return Optional.of("with " + NvlinkIpcSetting.VARIABLE
                + "=0 it is wrong here: it takes attribute 128 for a fabric and would skip the warmup, while "
                + verdict.reason());
    }

    /**
     * The original's rule: the variable is "0" and every device has attribute 128. It is shown by {@code doctor} for
     * comparison and used nowhere: a plain host of H200s has the attribute and may not allocate fabric memory.
     *
     * @param value of {@code MC_USE_NVLINK_IPC}, null if unset
     */
    public static Original original(CudaFacts facts, @Nullable String value) {
        String variable = NvlinkIpcSetting.VARIABLE + (value == null ? " is not set" : "=" + value);
        if (!"0".equals(value)) {
            return new Original(false, "no fabric, since " + variable + " (only 0 asks for it)");
        }
        if (!(facts instanceof CudaFacts.Devices(var _, List<Device> devices))) {
            return new Original(false, "no fabric, since no GPU has answered");
        }
        return devices.stream().allMatch(device -> device.fabricAttribute() == FabricAttribute.SET)
                ? new Original(
                        true,
                        "fabric, since " + variable + " and attribute 128 is set on " + all(devices)
                                + ": it would skip the warmup, unproven")
                : new Original(false, "no fabric, since not every device has attribute 128");
    }
}
