// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import static io.muster.transfer.tcp.TestProcess.await;
import static io.muster.transfer.tcp.TestProcess.bytes;
import static io.muster.transfer.tcp.TestProcess.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.group.MusterException;
import io.muster.group.WriteException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class RegionTableTest {
    private final Vertx vertx = Vertx.vertx();
    private final RegionTable regions = new RegionTable(vertx, vertx.createSharedWorkerExecutor("test"));

    @AfterEach
    void stop() {
        await(vertx.close());
    }

    // W-5 in spirit
    @Test
    void refusesMemoryThatOtherProcessesCannotWrite() {
        assertThatThrownBy(() -> regions.register("heap", MemorySegment.ofArray(new byte[8]), null))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("heap");
        assertThatThrownBy(() ->
                        regions.register("empty", Arena.ofAuto().allocate(8).asSlice(0, 0), null))
                .hasMessageContaining("empty");
        assertThatThrownBy(() ->
                        regions.register("fixed", Arena.ofAuto().allocate(8).asReadOnly(), null))
                .hasMessageContaining("read-only");
        assertThatThrownBy(() -> regions.allocate("none", 0, null)).hasMessageContaining("at least 1");
        try (Arena confined = Arena.ofConfined()) {
            assertThatThrownBy(() -> regions.register("mine", confined.allocate(8), null))
                    .hasMessageContaining("a shared, automatic or global arena");
        }
        assertThat(regions.size()).isZero();
    }

    // T-1
    @Test
    void checksEveryRangeWithoutOverflow() {
        Region region = regions.allocate("slot", 16, null);
        long[][] outside = {
            {0, 17},
            {16, 1},
            {17, 0 + 1},
            {15, 2},
            {-1, 1},
            {-1, 2},
            {0, -1},
            {1, Long.MAX_VALUE},
            {Long.MAX_VALUE, 1},
            {Long.MAX_VALUE, Long.MAX_VALUE},
            {Long.MIN_VALUE, Long.MIN_VALUE},
            {Long.MIN_VALUE, 16},
            {8, Long.MIN_VALUE}
        };
        for (long[] claim : outside) {
            assertThat(reason(region.id(), region.remote().key(), claim[0], claim[1]))
                    .as("%d+%d", claim[0], claim[1])
                    .isEqualTo(WriteException.Reason.OUT_OF_BOUNDS);
        }
        assertThat(regions.refusals(WriteException.Reason.OUT_OF_BOUNDS)).isEqualTo(outside.length);
        assertThat(reason(region.id(), region.remote().key(), 0, 0)).isEqualTo(WriteException.Reason.EMPTY);
        assertThat(reason(region.id(), region.remote().key() ^ 1, 0, 1)).isEqualTo(WriteException.Reason.WRONG_KEY);
        assertThat(reason(region.id() + 1, region.remote().key(), 0, 1))
                .isEqualTo(WriteException.Reason.UNKNOWN_REGION);
        assertThat(regions.lease(region.id(), region.remote().key(), 0, 16)).isInstanceOf(Lease.class);
    }

    private WriteException.Reason reason(int id, long key, long offset, long length) {
        return ((LeaseOutcome.Refused) regions.lease(id, key, offset, length)).reason();
    }

    // T-5
    @Test
    void closingRefusesNewLeasesAwaitsHeldOnesAndThenFrees() {
        Region region = regions.allocate("slot", 16, null);
        Lease lease = (Lease) regions.lease(region.id(), region.remote().key(), 0, 16);

        Future<Region.End> end = region.close(Duration.ofSeconds(20));

        assertThat(reason(region.id(), region.remote().key(), 0, 1)).isEqualTo(WriteException.Reason.CLOSING);
        assertThat(end.isComplete()).isFalse();
        lease.copyFrom(bytes(1, 2), 0, 14, 2);
        lease.release();
        lease.release();
        assertThat(await(end)).isEqualTo(new Region.End.Closed());
        assertThat(region.memory().scope().isAlive()).isFalse();
        assertThat(reason(region.id(), region.remote().key(), 0, 1)).isEqualTo(WriteException.Reason.UNKNOWN_REGION);
    }

    // T-5, P-13
    @Test
    void leaksTheMemoryIfALeaseIsHeldAtTheBound() {
        Region region = regions.allocate("slot", 16, null);
        Lease lease = (Lease) regions.lease(region.id(), region.remote().key(), 0, 16);

        assertThat(await(region.close(Duration.ofMillis(20)))).isEqualTo(new Region.End.Leaked(1, 20));
        lease.copyFrom(bytes(7), 0, 0, 1);
        assertThat(region.memory().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
        lease.release();
        assertThat(regions.size()).isZero();
        await(regions.allocate("another", 16, null).close(Duration.ofSeconds(1))); // its memory is freed the same way
        assertThat(region.memory().scope().isAlive()).as("leaked for good").isTrue();
    }

    // T-5
    @Test
    void aLeaseThatIsReleasedTwiceFreesNoOther() {
        Region region = regions.allocate("slot", 16, null);
        Lease twice = (Lease) regions.lease(region.id(), region.remote().key(), 0, 16);
        regions.lease(region.id(), region.remote().key(), 0, 16);
        twice.release();
        twice.release();

        assertThat(await(region.close(Duration.ofMillis(20)))).isEqualTo(new Region.End.Leaked(1, 20));
    }

    // T-2
    @Test
    void neverReusesARegionId() {
        Region first = regions.allocate("slot", 8, null);
        await(first.close(Duration.ofSeconds(1)));
        Region second = regions.allocate("slot", 8, null);

        assertThat(second.id()).isNotEqualTo(first.id());
        assertThat(second.remote().key()).isNotEqualTo(first.remote().key());
    }

    // T-1, P-5
    @Test
    void localWritesAreCheckedTheSame() {
        LocalTransport local = new LocalTransport(regions);
        long[] told = new long[2];
        Region region = regions.allocate("slot", 8, (_, offset, length) -> {
            told[0] = offset;
            told[1] = length;
        });

        assertThat(local.write(region.remote(), 6, bytes(1, 2)).succeeded()).isTrue();
        assertThat(told).containsExactly(6, 2);
        assertThat(region.memory().toArray(ValueLayout.JAVA_BYTE)).containsExactly(0, 0, 0, 0, 0, 0, 1, 2);
        assertThat(((WriteException) failure(local.write(region.remote(), 7, bytes(1, 2)))).reason())
                .isEqualTo(WriteException.Reason.OUT_OF_BOUNDS);
        assertThat(((WriteException) failure(local.write(region.remote(), 0, bytes()))).reason())
                .isEqualTo(WriteException.Reason.EMPTY);
        MemorySegment read = bytes(0, 0);
        assertThat(local.read(region.remote(), 6, read).succeeded()).isTrue();
        assertThat(read.toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2);
        assertThat(((WriteException) failure(local.read(region.remote(), 7, read))).reason())
                .isEqualTo(WriteException.Reason.OUT_OF_BOUNDS);
        assertThat(await(region.close(Duration.ofSeconds(1))))
                .as("no transfer holds a lease after its end")
                .isEqualTo(new Region.End.Closed());
        assertThat(((WriteException) failure(local.write(region.remote(), 0, bytes(1)))).reason())
                .isEqualTo(WriteException.Reason.UNKNOWN_REGION);
    }
}
