// SPDX-License-Identifier: Apache-2.0

package io.muster.gpucheck;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.SharingProbe;
import io.muster.cuda.SharingProbe.Depth;
import io.muster.cuda.TrialOutcome;
import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.ShareKind;
import io.muster.gpucheck.SharingCycles.Outcome;
import io.muster.ops.Finding;
import io.muster.ops.SharingFindings;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures the cost of the fabric probe on real GPUs, and checks that open and close cycles leave nothing open.
 * <b>Blocks</b> for seconds.
 */
public final class GpuCheck {
    /** The smallest leak of a cycle is a mapping of 2 MiB, so a leak reaches this limit after 32 cycles. */
    private static final long ALLOWED_GROWTH_KIB = 64 * 1024;

    private static final long BYTES_PER_KIB = 1024;

    private GpuCheck() {}

    /**
     * @param driverMicros duration of the search for devices
     * @return {@code gpuCheck}: "ok", "failed" or "skipped" with a {@code reason}; times in µs
     */
    public static JsonObject run(CudaFacts facts, long driverMicros, int cycles) {
        return switch (facts) {
            case CudaFacts.NoDriver(String reason) -> outcome("skipped", "no CUDA driver: " + reason);
            case CudaFacts.NoDevice(String reason) -> outcome("skipped", "no GPU: " + reason);
            case CudaFacts.Unusable(String reason, var _) ->
                outcome("failed", "the CUDA driver can't be called: " + reason);
            case CudaFacts.Failed failed -> outcome("failed", failed.failure().text());
            case CudaFacts.Devices(var _, List<Device> devices) ->
                measure(facts, devices, cycles).put("driverMicros", driverMicros);
        };
    }

    private static JsonObject outcome(String outcome, String reason) {
        return new JsonObject().put("gpuCheck", outcome).put("reason", reason);
    }

    private static JsonObject measure(CudaFacts facts, List<Device> devices, int cycles) {
        SharingFacts first = SharingProbe.probe(facts, Depth.VERDICT);
        SharingFacts again = SharingProbe.probe(facts, Depth.VERDICT);
        SharingFacts everything = SharingProbe.probe(facts, Depth.EVERYTHING);
        JsonArray all = new JsonArray();
        boolean ok = true;
        for (DeviceSharing sharing : everything instanceof SharingFacts.Tried(List<DeviceSharing> tried, var _)
                ? tried
                : List.<DeviceSharing>of()) {
            ok &= sharing.posix() instanceof TrialOutcome.Touched;
            for (ShareKind kind : touchable(sharing)) {
                Outcome outcome = SharingCycles.run(sharing.device(), kind, cycles);
                ok &= leavesNothing(outcome);
                all.add(json(outcome)
                        .put("device", sharing.device())
                        .put("kind", kind.toString())
                        .put("cycles", cycles));
            }
        }
        return new JsonObject()
                .put("gpuCheck", ok && !all.isEmpty() ? "ok" : "failed")
                .put("devices", new JsonArray(devices.stream().map(Device::name).toList()))
                .put("verdictFirstMicros", micros(first))
                .put("verdictAgainMicros", micros(again))
                .put("everythingMicros", micros(everything))
                .put(
                        "findings",
                        new JsonArray(SharingFindings.of(everything).stream()
                                .map(Finding::what)
                                .toList()))
                .put("openClose", all);
    }

    private static List<ShareKind> touchable(DeviceSharing sharing) {
        List<ShareKind> kinds = new ArrayList<>();
        if (sharing.posix() instanceof TrialOutcome.Touched) {
            kinds.add(ShareKind.POSIX);
        }
        if (sharing.fabric() instanceof TrialOutcome.Touched) {
            kinds.add(ShareKind.FABRIC);
        }
        return kinds;
    }

    private static long micros(SharingFacts facts) {
        return facts instanceof SharingFacts.Tried(var _, long micros) ? micros : -1;
    }

    static boolean leavesNothing(Outcome outcome) {
        return outcome instanceof Outcome.Done done
                && done.after().addressSpaceKiB() - done.before().addressSpaceKiB() <= ALLOWED_GROWTH_KIB
                && done.freeBytesBefore() - done.freeBytesAfter() <= ALLOWED_GROWTH_KIB * BYTES_PER_KIB
                && done.after().descriptors() <= done.before().descriptors();
    }

    /** The same for people, one fact per line. */
    public static String text(JsonObject result) {
        StringBuilder text = new StringBuilder("gpu-check: " + result.getString("gpuCheck"));
        if (result.containsKey("reason")) {
            text.append(", ").append(result.getString("reason"));
        }
        if (!result.containsKey("devices")) {
            return text.append(System.lineSeparator()).toString();
        }
        text.append(String.format(
                "%ndevices: %s%nµs: to find them %d, for the verdict %d (again %d), for everything %d%n",
                result.getJsonArray("devices"),
                result.getLong("driverMicros"),
                result.getLong("verdictFirstMicros"),
                result.getLong("verdictAgainMicros"),
                result.getLong("everythingMicros")));
        result.getJsonArray("findings").forEach(finding -> text.append(finding).append(System.lineSeparator()));
        result.getJsonArray("openClose")
                .forEach(
                        cycles -> text.append("open and close: ").append(cycles).append(System.lineSeparator()));
        if (result.getValue("processes") instanceof JsonObject processes) {
            processes.forEach(part -> text.append(part.getKey())
                    .append(": ")
                    .append(part.getValue())
                    .append(System.lineSeparator()));
        }
        return text.toString();
    }

    private static JsonObject json(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Failed(String why) -> new JsonObject().put("failed", why);
            case Outcome.Done(
                    long freeBefore,
                    long freeAfter,
                    ProcessUsage before,
                    ProcessUsage after,
                    List<StepTime> medians,
                    long micros) -> {
                JsonObject steps = new JsonObject();
                medians.forEach(step -> steps.put(step.step(), step.micros()));
                yield new JsonObject()
                        .put("cycleMicros", micros)
                        .put("medianMicros", steps)
                        .put("deviceFreeBytes", new JsonArray().add(freeBefore).add(freeAfter))
                        .put(
                                "addressSpaceKiB",
                                new JsonArray().add(before.addressSpaceKiB()).add(after.addressSpaceKiB()))
                        .put("mappings", new JsonArray().add(before.mappings()).add(after.mappings()))
                        .put(
                                "descriptors",
                                new JsonArray().add(before.descriptors()).add(after.descriptors()));
            }
        };
    }
}
