// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;

/**
 * Every setting. {@code conf/muster.yaml} shows the same tree with unit, default, meaning and trade-off of each; a test
 * keeps the two equal. Immutable; the constructors check ranges, and what must hold between settings.
 *
 * @param endpoint where this process listens and what it publishes
 * @param hazelcast the cluster under the store
 * @param store the distributed key store for segment handles
 * @param liveness whether the other process of a pair still answers
 * @param peer opening, warming up and closing links
 * @param transport the connections between two processes, and their limits
 * @param gpu memory of GPUs
 * @param security who is believed
 * @param warmup which links exchange first bytes, and which are short-circuited
 * @param barrier waiting for all-connected
 * @param status the status picture
 * @param flight the flight recorder
 * @param prime what a process of the launcher rehearses before it joins a group
 */
public record MusterOptions(
        EndpointOptions endpoint,
        HazelcastOptions hazelcast,
        StoreOptions store,
        LivenessOptions liveness,
        PeerOptions peer,
        TransportOptions transport,
        GpuOptions gpu,
        SecurityOptions security,
        WarmupOptions warmup,
        BarrierOptions barrier,
        StatusOptions status,
        FlightOptions flight,
        PrimeOptions prime) {
    private static final MusterOptions DEFAULTS = new MusterOptions(
            EndpointOptions.DEFAULTS,
            HazelcastOptions.DEFAULTS,
            StoreOptions.DEFAULTS,
            LivenessOptions.DEFAULTS,
            PeerOptions.DEFAULTS,
            TransportOptions.DEFAULTS,
            GpuOptions.DEFAULTS,
            SecurityOptions.DEFAULTS,
            WarmupOptions.DEFAULTS,
            BarrierOptions.DEFAULTS,
            StatusOptions.DEFAULTS,
            FlightOptions.DEFAULTS,
            PrimeOptions.DEFAULTS);

    public static MusterOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Reads settings; those that are absent have their defaults.
     *
     * @param json nested as in {@code conf/muster.yaml}
     * @throws MusterException of kind CONFIG that names every mistake: unknown keys, wrong types, values out of range
     */
    public static MusterOptions fromJson(JsonObject json) {
        return OptionsReader.read(DEFAULTS, json);
    }

    /** The same, but for what is rehearsed. */
    public MusterOptions with(PrimeOptions other) {
        return new MusterOptions(
                endpoint, hazelcast, store, liveness, peer, transport, gpu, security, warmup, barrier, status, flight,
                other);
    }

    /** All settings, nested as in {@code conf/muster.yaml}; {@link #fromJson} of it gives equal options. */
    public JsonObject toJson() {
        return OptionsWriter.toJson(this);
    }
}
