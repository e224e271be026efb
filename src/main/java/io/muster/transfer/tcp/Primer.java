// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessId;
import io.muster.transfer.ControlKind;
import io.muster.transfer.memory.Region;
import io.muster.transfer.memory.RegionTable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.time.Duration;

/** Runs every common path of a channel once. */
final class Primer {
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(5);

    private Primer() {}

    static Future<Void> run(Vertx vertx, TcpOptions options) {
        RegionTable regions = new RegionTable(vertx);
        var listener = new SilentListener();
        return TcpTransport.start(vertx, options, new ProcessId(0, 1), regions, listener)
                .compose(one -> TcpTransport.start(vertx, options, new ProcessId(0, 2), regions, listener)
                        .compose(two -> exercise(one, two, regions).eventually(two::close))
                        .eventually(one::close));
    }

    private static Future<Void> exercise(TcpTransport one, TcpTransport two, RegionTable regions) {
        Region region = regions.allocate("primer", 16 * 1024, (_, _, _) -> {});
        return one.connect(two.address())
                .compose(channel -> {
                    channel.send(ControlKind.LINK, Buffer.buffer("primer"));
                    Arena arena = Arena.ofAuto();
                    return channel.write(region.remote(), 0, arena.allocate(8))
                            .compose(_ -> channel.write(region.remote(), 0, arena.allocate(region.bytes())));
                })
                .eventually(() -> region.close(CLOSE_BOUND));
    }
}
