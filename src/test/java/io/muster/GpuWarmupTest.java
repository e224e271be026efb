// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.InMemoryCluster.Process;
import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.cuda.HostGpus;
import io.muster.cuda.driver.ShareKind;
import io.muster.fabric.GpuMemoryFabric;
import io.muster.group.AllConnected;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.Proof;
import io.muster.runtime.Hardware;
import io.muster.transfer.gpu.GpuPath;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Warmups in the memory of GPUs, and links that are short-circuited over a fabric of them; the GPUs are played by
 * memory of the host.
 */
@Timeout(value = 90, unit = TimeUnit.SECONDS)
class GpuWarmupTest {
    private static final FabricIdentity IDENTITY = new FabricIdentity(new UUID(1, 2), 3);

    private final InMemoryCluster cluster = new InMemoryCluster();
    private final HostGpus firstGpus = new HostGpus(1, 0).inFabric();
    private final HostGpus secondGpus = new HostGpus(1, 1).inFabric();

    @AfterEach
    void close() {
        cluster.close();
        assertThat(firstGpus.open()).isEmpty();
        assertThat(secondGpus.open()).isEmpty();
    }

    private static JsonObject settings(String mode, int touchEveryMs) {
        return InMemoryCluster.warmup("mode", mode).put("gpu", new JsonObject().put("touchEveryMs", touchEveryMs));
    }

    /** Until each knows of an epoch after that one: a loss is seen by one end before the other. */
    private static void awaitLater(AllConnected before, JoinedRank... ranks) {
        for (JoinedRank rank : ranks) {
            Eventually.value(
                    "an epoch after " + before.epoch() + " at " + rank.member(),
                    Duration.ofSeconds(30),
                    () -> Bounded.await(rank.allConnected(InMemoryCluster.PATIENCE), "all connected")
                            .epoch(),
                    epoch -> epoch > before.epoch());
        }
    }

    // P-3, P-4: the bytes of the warmup are in the GPUs
    @Test
    void modeFabricWarmsUpInTheMemoryOfGpusAmongThreeProcesses() {
        Process first = cluster.start(settings("fabric", 0), firstGpus.gpus());
        Process second = cluster.start(settings("fabric", 0), secondGpus.gpus());
        HostGpus thirdGpus = new HostGpus(1, 2);
        Process third = cluster.start(settings("fabric", 0), thirdGpus.gpus());
        Future<JsonObject> connected = first.link("g", 0, 1, "CONNECTED");
        JoinedRank zero = first.join("g", 0, 4);
        JoinedRank one = second.join("g", 1, 4);
        JoinedRank two = third.join("g", 2, 4);
        JoinedRank three = third.join("g", 3, 4);
        AllConnected all = InMemoryCluster.await(zero, one, two, three);
        assertThat(all.links()).isEqualTo(Map.of(Proof.WARMUP, 10, Proof.LOCAL, 2));
        assertThat(Bounded.await(connected, "the link is connected").getString("transport"))
                .isEqualTo("cuda");
        assertThat(second.muster().process().transfers().paths())
                .extracting(GpuPath::way)
                .contains("posix over a unix socket");
        cluster.close(third);
        assertThat(thirdGpus.open()).isEmpty();
    }

    @Test
    void modeFabricIsRefusedWithTheCauseWhereAnEndHasNoGpu() {
        Process first = cluster.start(settings("fabric", 0), firstGpus.gpus());
        Process second = cluster.start(settings("fabric", 0)); // as this host has it, or not
        assumeTrue(!(CudaProbe.probe() instanceof CudaFacts.Devices), "this host has GPUs");
        Future<JsonObject> refusedThere = second.link("g", 1, 0, "REFUSED");
        first.join("g", 0, 2);
        second.join("g", 1, 2);
        assertThat(Bounded.await(refusedThere, "the refusal at the other end").getString("reason"))
                .contains("warmup.mode=fabric needs memory of a GPU at both ends")
                .contains("has it")
                .contains("no GPU memory here");
    }

    // W-6
    @Test
    void modesThatDifferAreRefused() {
        Process first = cluster.start(settings("fabric", 0), firstGpus.gpus());
        Process second = cluster.start(settings("exchange", 0), secondGpus.gpus());
        Future<JsonObject> refused = second.link("g", 1, 0, "REFUSED");
        first.join("g", 0, 2);
        second.join("g", 1, 2);
        assertThat(Bounded.await(refused, "the refusal").getString("reason"))
                .contains("mode mismatch local=exchange peer=fabric");
    }

    /** What liveness never sees: the peer's memory is out of reach, and then within it again. */
    @Test
    void touchingFindsADeadPathAndTheLinkWarmsUpOnceItIsBack() {
        Process first = cluster.start(settings("fabric", 30), firstGpus.gpus());
        Process second = cluster.start(settings("fabric", 30), secondGpus.gpus());
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        AllConnected before = InMemoryCluster.await(zero, one);
        Future<JsonObject> lost = second.link("g", 1, 0, "BACKING_OFF");
        Future<JsonObject> degraded = second.degraded("g");
        Future<JsonObject> degradedThere = first.degraded("g");
        secondGpus.failing("copy", 1);
        JsonObject loss = Bounded.await(lost, "the loss of the link");
        assertThat(loss.getString("reason"))
                .contains("memory of rank 0 is out of reach")
                .contains("CALL_FAILED (copy device=0: 1");
        assertThat(Bounded.await(degraded, "the event of the loss")
                        .getJsonArray("lost")
                        .getJsonObject(0)
                        .getString("reason"))
                .isEqualTo("PATH_FAILED");
        Bounded.await(degradedThere, "the event of the loss at the other end");
        secondGpus.healed();
        awaitLater(before, zero, one);
    }

    /** As after a kernel of the application that touched what is nobody's. */
    @Test
    void touchingEndsAPathThatGivesNoAnswer() {
        Process first = cluster.start(settings("fabric", 30), firstGpus.gpus());
        Process second = cluster.start(settings("fabric", 30), secondGpus.gpus());
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        AllConnected before = InMemoryCluster.await(zero, one);
        Future<JsonObject> lost = second.link("g", 1, 0, "BACKING_OFF");
        secondGpus.hold();
        assertThat(Bounded.await(lost, "the loss of the link").getString("reason"))
                .contains("memory of rank 0 was not reached within 2000 ms");
        secondGpus.letGo();
        awaitLater(before, zero, one);
    }

    @Test
    void aLostGpuEndsTheLinksOverItsMemoryWithTheCause() {
        Process first = cluster.start(settings("fabric", 0), firstGpus.gpus());
        Process second = cluster.start(settings("fabric", 0), secondGpus.gpus());
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        InMemoryCluster.await(zero, one);
        Future<JsonObject> lost = second.link("g", 1, 0, "BACKING_OFF");
        secondGpus.poison(719);
        one.registerGpu("kv", 0, 4096).onComplete(_ -> {}); // whatever is asked of it first finds it
        assertThat(Bounded.await(lost, "the loss of the link").getString("reason"))
                .contains("GPU 0 is lost")
                .contains("CONTEXT_DEAD")
                .contains("719");
    }

    // W-3, W-4
    @Test
    void aProvenFabricShortCircuitsWhenEachHasImportedTheOthersMemory() {
        Process first = fabricProcess(firstGpus, "auto", 0);
        Process second = fabricProcess(secondGpus, "auto", 0);
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        assertThat(InMemoryCluster.await(zero, one).links()).isEqualTo(Map.of(Proof.FABRIC_IMPORT, 2));
    }

    private Process fabricProcess(HostGpus gpus, String mode, int touchEveryMs) {
        return cluster.start(
                settings(mode, touchEveryMs),
                new Hardware(
                        new GpuMemoryFabric(new FabricVerdict.Proven(IDENTITY, false, "played"), gpus.gpus()),
                        gpus.gpus(),
                        ShareKind.FABRIC));
    }

    // W-1
    @Test
    void aFailedImportMovesBothSidesToTheExchangeAndSaysWhy() {
        Process first = fabricProcess(firstGpus, "auto", 0);
        Process second = fabricProcess(secondGpus, "auto", 0);
        firstGpus.failing("cuMemImportFromShareableHandle", 101);
        Future<JsonObject> connected = second.link("g", 1, 0, "CONNECTED");
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        assertThat(InMemoryCluster.await(zero, one).links()).isEqualTo(Map.of(Proof.WARMUP, 2));
        assertThat(Bounded.await(connected, "the link is connected").getString("reason"))
                .contains("PEER_ACCESS_DENIED")
                .contains("101");
        firstGpus.healed();
    }

    /**
     * W-4: on a short-circuited link too, loss and reconnect go their way; what is lost is the fabric, so the exchange
     * serves.
     */
    @Test
    void touchingFindsADeadFabricAndTheLinkUsesTheExchange() {
        Process first = fabricProcess(firstGpus, "auto", 30);
        Process second = fabricProcess(secondGpus, "auto", 30);
        JoinedRank zero = first.join("g", 0, 2);
        JoinedRank one = second.join("g", 1, 2);
        AllConnected before = InMemoryCluster.await(zero, one);
        assertThat(before.links()).isEqualTo(Map.of(Proof.FABRIC_IMPORT, 2));
        Future<JsonObject> degraded = second.degraded("g");
        Future<JsonObject> again = second.link("g", 1, 0, "CONNECTED");
        firstGpus.failing("cuMemImportFromShareableHandle", 220);
        Bounded.await(degraded, "the event of the loss");
        assertThat(Bounded.await(again, "the link is connected again").getString("proof"))
                .isEqualTo("warmup");
        awaitLater(before, zero, one);
        firstGpus.healed();
    }
}
