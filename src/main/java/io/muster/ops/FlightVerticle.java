// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.barrier.EpochStage;
import io.muster.bus.Addresses;
import io.muster.bus.Body;
import io.muster.bus.Registrations;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.function.Supplier;

/**
 * Records the events that the barrier of one group publishes on the bus, and answers requests for the flight record on
 * this node.
 */
public final class FlightVerticle extends VerticleBase {
    private final Addresses addresses;
    private final FlightRecorder flight;
    private final ProcessId process;
    private final Supplier<JsonObject> record;
    private List<MessageConsumer<?>> consumers = List.of();

    /** @param record returns the whole record of this process, as it is written to a file */
    public FlightVerticle(Addresses addresses, FlightRecorder flight, ProcessId process, Supplier<JsonObject> record) {
        this.addresses = addresses;
        this.flight = flight;
        this.process = process;
        this.record = record;
    }

    @Override
    public Future<?> start() {
        var bus = vertx.eventBus();
        consumers = List.of(
                bus.<EpochStage>localConsumer(addresses.epochStage(), stage -> flight.epoch(stage.body())),
                bus.<Object>localConsumer(addresses.degraded(), message -> {
                    Body body = Body.of(message);
                    flight.degraded(process.toString().equals(body.text("seenHere", "")), body.json());
                }),
                bus.<JsonObject>localConsumer(
                        addresses.flightRecord(),
                        question -> vertx.executeBlocking(record::get, false)
                                .onSuccess(question::reply)
                                .onFailure(failure -> question.fail(1, failure.toString()))));
        return Future.succeededFuture();
    }

    @Override
    public Future<?> stop() {
        Registrations.end(consumers);
        return Future.succeededFuture();
    }
}
