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
    private final RegionTable regions = new RegionTable(vertx, vertx.createSharedWorkerExecutor("test"));
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
    void endsAWriteWhoseChunksLeaveAGap() {
        Region wide = regions.allocate("wide", 32, null);
        for (long position : new long[] {0, 16}) {
            var header = new BulkParser.ChunkHeader(1, wide.id(), wide.remote().key(), 0, 32, position);
            String problem = receiver.chunk(header, 8);
            if (position == 0) {
                assertThat(problem).isNull();
                ByteBuf bytes = Unpooled.directBuffer(8).writeLong(-1);
                receiver.payload(bytes);
                bytes.release();
                assertThat(receiver.chunkEnd()).isNull();
            } else {
                assertThat(problem).isEqualTo("write 1 continues at 16 with 8 bytes, expected at 8 of 32");
            }
        }
    }

    // T-1: what a peer begins and does not end takes memory here
    @Test
    void acceptsABoundedNumberOfUnfinishedWrites() {
        int most = 16_384;
        for (int request = 1; request <= most + 1; request++) {
            String problem = receiver.chunk(
                    new BulkParser.ChunkHeader(
                            request, region.id(), region.remote().key(), 0, 16, 0),
                    8);
            if (request <= most) {
                assertThat(problem).isNull();
                assertThat(receiver.chunkEnd()).isNull();
            } else {
                assertThat(problem).contains("while 16384 writes are unfinished");
            }
        }
    }

    @Test
    void releasesTheLeaseWhenTheWriteIsDone() {
        half(0);
        half(8);
        assertThat(await(region.close(Duration.ofSeconds(5)))).isEqualTo(new Region.End.Closed());
        assertThat(acknowledged).containsExactly(1L);
    }
}
