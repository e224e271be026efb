package io.muster.transfer;

import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.Arena;
import java.time.Duration;

/** Runs every common path of a channel once. */
final class Primer implements Transport.Listener {
  private static final Duration CLOSE_BOUND = Duration.ofSeconds(5);

  private Primer() {}

  static Future<Void> run(Vertx vertx, TcpOptions options) {
    RegionTable regions = new RegionTable(vertx);
    Primer listener = new Primer();
    return TcpTransport.start(vertx, options, new ProcessId(0, 1), regions, listener)
        .compose(one -> TcpTransport.start(vertx, options, new ProcessId(0, 2), regions, listener)
            .compose(two -> exercise(one, two, regions).eventually(two::close))
            .eventually(one::close));
  }

  private static Future<Void> exercise(TcpTransport one, TcpTransport two, RegionTable regions) {
    Region region = regions.allocate("primer", 16 * 1024, (_, _, _) -> {});
    return one.connect(two.address()).compose(channel -> {
      channel.send(ControlKind.LINK, Buffer.buffer("primer"));
      Arena arena = Arena.ofAuto();
      return channel.write(region.remote(), 0, arena.allocate(8))
          .compose(_ -> channel.write(region.remote(), 0, arena.allocate(region.bytes())));
    }).eventually(() -> region.close(CLOSE_BOUND));
  }

  @Override
  public void opened(Channel channel) {}

  @Override
  public void lost(Channel channel, LossEvidence evidence) {}

  @Override
  public void received(Channel channel, ControlKind kind, Buffer payload) {}

  @Override
  public Buffer livenessPayload(Channel channel) {
    return Buffer.buffer();
  }

  @Override
  public void livenessReceived(Channel channel, Buffer payload) {}
}
