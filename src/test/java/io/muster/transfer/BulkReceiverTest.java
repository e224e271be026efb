// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import static io.muster.transfer.tcp.TestProcess.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.muster.transfer.tcp.BulkParser;
import io.muster.transfer.tcp.BulkReceiver;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BulkReceiverTest {
    private final Vertx vertx = Vertx.vertx();
    private final RegionTable regions = new RegionTable(vertx);
    private final Region region = regions.allocate("kv", 16, null);
    private final List<Long> acknowledged = new ArrayList<>();
    private final BulkReceiver receiver =
            new BulkReceiver(regions, (request, _, _) -> acknowledged.add(request), _ -> true);

    @AfterEach
    void stop() {
        await(vertx.close());
    }

    /** Half of a write of 16 bytes. */
    private void half(long position) {
        assertThat(receiver.chunk(
                        new BulkParser.ChunkHeader(
                                1, region.id(), region.remote().key(), 0, 16, position),
                        8))
                .isNull();
        ByteBuf bytes = Unpooled.directBuffer(8).writeLong(-1);
        receiver.payload(bytes);
        bytes.release();
        assertThat(receiver.chunkEnd()).isNull();
    }

    // T-5
    @Test
    void holdsALeaseWhileAWriteIsUnfinished() {
        half(0);
        assertThat(await(region.close(Duration.ofMillis(50)))).isInstanceOf(Region.End.Leaked.class);
    }

    // T-5
    @Test
    void releasesTheLeaseWhenTheConnectionEndsDuringAWrite() {
        half(0);
        Future<Region.End> closed = region.close(Duration.ofSeconds(5));
        receiver.end();
        assertThat(await(closed)).isEqualTo(new Region.End.Closed());
        assertThat(acknowledged).isEmpty();
    }

    @Test
    void releasesTheLeaseWhenTheWriteIsDone() {
        half(0);
        half(8);
        assertThat(await(region.close(Duration.ofSeconds(5)))).isEqualTo(new Region.End.Closed());
        assertThat(acknowledged).containsExactly(1L);
    }
}
