// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.cuda.CudaFacts.FabricAttribute;
import io.muster.cuda.SharingFacts;
import io.muster.cuda.SharingFacts.DeviceSharing;
import io.muster.cuda.TrialOutcome;
import io.muster.cuda.TrialOutcome.StepTime;
import io.muster.cuda.driver.CudaFailure;
import io.muster.cuda.driver.FabricInfo;
import io.muster.ops.Finding.Level;
import io.muster.ops.HostFacts.Bind;
import io.muster.ops.HostFacts.Gpus;
import io.muster.ops.HostFacts.HostAddress;
import io.muster.ops.HostFacts.Imex;
import io.muster.ops.HostFacts.Jvm;
import io.muster.ops.HostFacts.Network;
import io.muster.ops.HostFacts.Port;
import io.muster.ops.HostFacts.Settings;
import io.vertx.core.json.JsonObject;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class DoctorTest {
    private static final Jvm GOOD_JVM = new Jvm(25, "25.0.3", "amd64", List.of("-Xmx1g"), List.of());
    private static final Settings UNSET = new Settings(null, null);
    private static final SharingFacts NOT_ASKED = new SharingFacts.NotAsked("no GPU has answered");
    private static final Gpus NO_GPU =
            new Gpus(new CudaFacts.NoDriver("libcuda.so.1 is not found"), 3, NOT_ASKED, Imex.NO_FOLDER);
    private static final Gpus TWO_GPUS = new Gpus(
            new CudaFacts.Devices(
                    13_000,
                    List.of(
                            new Device(0, "NVIDIA H200", new UUID(1, 1), FabricAttribute.SET),
                            new Device(1, "NVIDIA H200", new UUID(1, 2), FabricAttribute.SET))),
            210,
            new SharingFacts.Tried(List.of(notPermitted(0), notPermitted(1)), 31_000),
            Imex.NO_FOLDER);

    private static DeviceSharing notPermitted(int device) {
        return new DeviceSharing(
                device,
                new TrialOutcome.Failed(new CudaFailure(
                        "cuMemCreate(fabric)", OptionalInt.of(device), 800, "CUDA_ERROR_NOT_PERMITTED")),
                new TrialOutcome.Touched(List.of(new StepTime("context", 200_000), new StepTime("create", 400))),
                new FabricInfo.Known(new UUID(0, 0), 0, 3, 0, OptionalInt.of(0)));
    }

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static final List<HostAddress> ADDRESSES = List.of(
            new HostAddress("lo", address("127.0.0.1")),
            new HostAddress("eth0", address("fe80::1")),
            new HostAddress("eth0", address("fd00::2")),
            new HostAddress("eth0", address("10.0.0.5")),
            new HostAddress("ib0", address("10.1.0.5")));

    private static Network network(@Nullable String bind, Port... ports) {
        return new Network(ADDRESSES, bind == null ? null : new Bind(bind, address(bind)), List.of(ports));
    }

    private static List<Finding> examine(Network network, Gpus gpus, Settings settings) {
        return Doctor.examine(new HostFacts(GOOD_JVM, network, gpus, settings));
    }

    private static Finding only(List<Finding> findings, String topic) {
        assertThat(findings)
                .filteredOn(finding -> finding.topic().equals(topic))
                .hasSize(1);
        return findings.stream()
                .filter(finding -> finding.topic().equals(topic))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void findsAHostWithoutAGpuHealthy() { // W-8
        List<Finding> findings = examine(network("10.0.0.5", new Port(18515, null)), NO_GPU, UNSET);
        assertThat(findings).noneMatch(finding -> finding.level() == Level.FAIL || finding.level() == Level.WARN);
        assertThat(DoctorReport.exitCode(findings)).isZero();
        assertThat(only(findings, "libcuda").what()).contains("libcuda.so.1 is not found");
    }

    @Test
    void showsTheVerdictAndTheOriginalsRuleBesideIt() { // W-2
        List<Finding> findings = examine(network(null), TWO_GPUS, new Settings("0", null));
        assertThat(only(findings, "fabric").what())
                .startsWith("not proven: attribute 128 is set, but fabric memory is not permitted")
                .contains("800");
        assertThat(only(findings, "fabric").whatToDo()).contains("IMEX", "ComputeDomain");
        assertThat(only(findings, "fabric").level()).as("wanted, so a warning").isEqualTo(Level.WARN); // W-7
        assertThat(only(findings, "attribute-rule").what())
                .contains("would be: fabric", "unproven", "it is wrong here", "800");
        assertThat(findings)
                .filteredOn(finding -> finding.topic().equals("fabric-memory"))
                .hasSize(2)
                .first()
                .satisfies(finding -> assertThat(finding.what())
                        .contains("device 0: cuMemCreate(fabric)", "cluster UUID 00000000-", "3 (completed)"));
        assertThat(findings)
                .filteredOn(finding -> finding.topic().equals("posix-memory"))
                .hasSize(2)
                .first()
                .satisfies(finding -> {
                    assertThat(finding.level()).isEqualTo(Level.OK);
                    assertThat(finding.what()).contains("written and read back (µs: context 200000, create 400)");
                });
        assertThat(only(findings, "gpu-memory").what()).contains("tried in 31 ms");
        assertThat(only(findings, "imex").what()).contains("no IMEX channels");
        assertThat(findings)
                .filteredOn(finding -> finding.topic().equals("gpu"))
                .hasSize(2)
                .first()
                .satisfies(finding -> assertThat(finding.what())
                        .contains("NVIDIA H200", "GPU-", "attribute 128 (fabric handles): 1"));
        assertThat(DoctorReport.exitCode(findings)).isZero();
    }

    @Test
    void showsWhatTheVariableMeans() { // W-7
        assertThat(only(examine(network(null), TWO_GPUS, new Settings("1", null)), "nvlink-ipc")
                        .what())
                .contains("fabric off");
        assertThat(only(examine(network(null), TWO_GPUS, new Settings("1", null)), "fabric")
                        .what())
                .contains("MC_USE_NVLINK_IPC=1");
        assertThat(only(examine(network(null), TWO_GPUS, new Settings("1", "auto")), "nvlink-ipc")
                        .what())
                .contains("has precedence");
        assertThat(only(examine(network(null), TWO_GPUS, UNSET), "fabric").level())
                .isEqualTo(Level.INFO);
    }

    @Test
    void namesTheCallThatFailed() {
        CudaFailure failure = new CudaFailure("cuInit", OptionalInt.empty(), 999, "CUDA_ERROR_UNKNOWN");
        List<Finding> findings =
                examine(network(null), new Gpus(new CudaFacts.Failed(failure), 1, NOT_ASKED, Imex.NO_FOLDER), UNSET);
        assertThat(only(findings, "gpu")).satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Level.WARN);
            assertThat(finding.what()).endsWith("cuInit: 999 CUDA_ERROR_UNKNOWN");
        });
    }

    @Test
    void warnsWhereMemoryCannotEvenBeSharedOnThisHost() {
        CudaFailure failure = new CudaFailure("cuMemMap", OptionalInt.of(0), 2, "CUDA_ERROR_OUT_OF_MEMORY");
        DeviceSharing sharing = new DeviceSharing(
                0,
                new TrialOutcome.NotTried("attribute 128 is not set"),
                new TrialOutcome.Failed(failure),
                new FabricInfo.Unknown("no NVML"));
        Gpus gpus = new Gpus(TWO_GPUS.cuda(), 1, new SharingFacts.Tried(List.of(sharing), 1), Imex.NO_FOLDER);
        List<Finding> findings = examine(network(null), gpus, UNSET);
        assertThat(only(findings, "posix-memory").level()).isEqualTo(Level.WARN);
        assertThat(only(findings, "posix-memory").what()).endsWith("cuMemMap device=0: 2 CUDA_ERROR_OUT_OF_MEMORY");
        assertThat(only(findings, "fabric-memory").what())
                .contains("not tried: attribute 128 is not set", "NVML: no NVML");
        Gpus old = new Gpus(TWO_GPUS.cuda(), 1, new SharingFacts.Unusable("libcuda.so.1 is too old"), Imex.NO_FOLDER);
        assertThat(only(examine(network(null), old, UNSET), "gpu-memory").level())
                .isEqualTo(Level.WARN);
    }

    @Test
    void failsForAnAddressThatNoInterfaceHas() {
        List<Finding> findings = examine(network("10.9.9.9"), NO_GPU, UNSET);
        assertThat(only(findings, "published").level()).isEqualTo(Level.FAIL);
        assertThat(DoctorReport.exitCode(findings)).isEqualTo(2);
    }

    @Test
    void failsForABusyPort() {
        List<Finding> findings =
                examine(network(null, new Port(1, null), new Port(2, "Address already in use")), NO_GPU, UNSET);
        assertThat(findings)
                .filteredOn(finding -> finding.topic().equals("port"))
                .extracting(Finding::level)
                .containsExactly(Level.OK, Level.FAIL);
        assertThat(DoctorReport.exitCode(findings)).isEqualTo(2);
    }

    @Test
    void saysWhichAddressWouldBePublished() {
        assertThat(PublishedAddress.of(address("10.1.0.5"), ADDRESSES))
                .isEqualTo(new PublishedAddress.Published(address("10.1.0.5"), "ib0"));
        assertThat(PublishedAddress.of(address("127.0.0.1"), ADDRESSES))
                .isInstanceOf(PublishedAddress.OnlyThisHost.class);
        assertThat(PublishedAddress.of(address("10.9.9.9"), ADDRESSES)).isInstanceOf(PublishedAddress.NotHere.class);
        assertThat(PublishedAddress.of(address("0.0.0.0"), ADDRESSES))
                .isEqualTo(new PublishedAddress.Chosen(
                        address("10.0.0.5"), "eth0", List.of(address("10.1.0.5"), address("fd00::2"))));
        assertThat(PublishedAddress.of(address("0.0.0.0"), ADDRESSES.subList(0, 1)))
                .isInstanceOf(PublishedAddress.OnlyThisHost.class);
        assertThat(PublishedAddress.of(address("0.0.0.0"), List.of())).isInstanceOf(PublishedAddress.NotHere.class);
    }

    @Test
    void wantsTheJdkAndItsFlags() {
        Jvm old = new Jvm(21, "21.0.1", "amd64", List.of(), List.of("--enable-native-access=ALL-UNNAMED"));
        List<Finding> findings = Doctor.examine(new HostFacts(old, network(null), NO_GPU, UNSET));
        assertThat(only(findings, "jdk").level()).isEqualTo(Level.FAIL);
        assertThat(only(findings, "jvm-flags").what()).contains("--enable-native-access=ALL-UNNAMED");
    }

    @Test
    void writesTheSameAsTextAndAsJson() {
        List<Finding> findings = examine(network("10.9.9.9"), NO_GPU, UNSET);
        String text = DoctorReport.text(findings);
        JsonObject json = new JsonObject(DoctorReport.json(findings).encode());
        assertThat(json.getString("doctor")).isEqualTo("FAIL");
        assertThat(json.getJsonArray("findings")).hasSize(findings.size());
        for (Finding finding : findings) {
            assertThat(text).contains(finding.what()).contains(finding.whatToDo());
            assertThat(json.encode()).contains(finding.topic());
        }
        assertThat(text).contains("FAIL published");
    }
}
