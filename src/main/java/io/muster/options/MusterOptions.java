// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.MusterException;
import io.vertx.core.json.JsonObject;
import java.util.function.UnaryOperator;

/**
 * Every setting. {@code conf/muster.yaml} shows the same tree with unit, default, meaning and trade-off of each; a test
 * keeps the two equal. Immutable; the constructors check ranges, and what must hold between settings.
 *
 * <p>In Java, start from the defaults and change single settings. Each {@code with…} method returns a copy with one
 * setting changed, and fails with a {@link MusterException} of kind CONFIG if the copy would be invalid. Times are
 * {@link java.time.Duration}s, rounded up to whole milliseconds ({@code gpu.look}: microseconds):
 *
 * <pre>{@code
 * MusterOptions.defaults()
 *         .withEndpoint(endpoint -> endpoint.withBind("10.0.0.5"))
 *         .withLiveness(liveness -> liveness.withInterval(Duration.ofMillis(500)).withMisses(4))
 * }</pre>
 *
 * @param endpoint the addresses on which this process listens and which it publishes
 * @param hazelcast the cluster under the store
 * @param store the distributed key store for segment handles
 * @param liveness detection of processes that do not answer
 * @param peer opening, warming up and closing links
 * @param transport the connections between two processes, and their limits
 * @param gpu memory of GPUs
 * @param security secrets and certificates
 * @param warmup which links exchange first bytes, and which are short-circuited
 * @param barrier waiting for all-connected
 * @param status the status picture
 * @param flight the flight recorder
 * @param prime warming up of code before a process of the launcher joins a group
 * @param shutdown the end of a process in order
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
        PrimeOptions prime,
        ShutdownOptions shutdown) {
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
            PrimeOptions.DEFAULTS,
            ShutdownOptions.DEFAULTS);

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

    /** All settings, nested as in {@code conf/muster.yaml}; {@link #fromJson} of it gives equal options. */
    public JsonObject toJson() {
        return OptionsWriter.toJson(this);
    }

    public MusterOptions withEndpoint(UnaryOperator<EndpointOptions> change) {
        return with(EndpointOptions.class, change);
    }

    public MusterOptions withHazelcast(UnaryOperator<HazelcastOptions> change) {
        return with(HazelcastOptions.class, change);
    }

    public MusterOptions withStore(UnaryOperator<StoreOptions> change) {
        return with(StoreOptions.class, change);
    }

    public MusterOptions withLiveness(UnaryOperator<LivenessOptions> change) {
        return with(LivenessOptions.class, change);
    }

    public MusterOptions withPeer(UnaryOperator<PeerOptions> change) {
        return with(PeerOptions.class, change);
    }

    public MusterOptions withTransport(UnaryOperator<TransportOptions> change) {
        return with(TransportOptions.class, change);
    }

    public MusterOptions withGpu(UnaryOperator<GpuOptions> change) {
        return with(GpuOptions.class, change);
    }

    public MusterOptions withSecurity(UnaryOperator<SecurityOptions> change) {
        return with(SecurityOptions.class, change);
    }

    public MusterOptions withWarmup(UnaryOperator<WarmupOptions> change) {
        return with(WarmupOptions.class, change);
    }

    public MusterOptions withBarrier(UnaryOperator<BarrierOptions> change) {
        return with(BarrierOptions.class, change);
    }

    public MusterOptions withStatus(UnaryOperator<StatusOptions> change) {
        return with(StatusOptions.class, change);
    }

    public MusterOptions withFlight(UnaryOperator<FlightOptions> change) {
        return with(FlightOptions.class, change);
    }

    public MusterOptions withPrime(UnaryOperator<PrimeOptions> change) {
        return with(PrimeOptions.class, change);
    }

    public MusterOptions withShutdown(UnaryOperator<ShutdownOptions> change) {
        return with(ShutdownOptions.class, change);
    }

    /** These options with the section of that type changed; each section has a type of its own. */
    private <T> MusterOptions with(Class<T> type, UnaryOperator<T> change) {
        return new MusterOptions(
                changed(endpoint, type, change),
                changed(hazelcast, type, change),
                changed(store, type, change),
                changed(liveness, type, change),
                changed(peer, type, change),
                changed(transport, type, change),
                changed(gpu, type, change),
                changed(security, type, change),
                changed(warmup, type, change),
                changed(barrier, type, change),
                changed(status, type, change),
                changed(flight, type, change),
                changed(prime, type, change),
                changed(shutdown, type, change));
    }

    @SuppressWarnings("unchecked") // a section of that type stays one
    private static <S, T> S changed(S section, Class<T> type, UnaryOperator<T> change) {
        return type.isInstance(section) ? (S) change.apply(type.cast(section)) : section;
    }
}
