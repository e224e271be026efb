// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The settings of a process on the command line. They override the configuration file. */
public final class ProcessSettings {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Settings file in YAML, in the form of conf/muster.yaml. Options of the command line override it.")
    private @Nullable Path config;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "Address of this host to listen on and to publish (endpoint.bind).")
    private @Nullable String bind;

    @Option(
            names = "--advertise",
            paramLabel = "ADDRESS",
            description = "Address to publish, if it differs from --bind (endpoint.advertise).")
    private @Nullable String advertise;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "Data port, to which peers connect; 0: any free port (endpoint.port).")
    private @Nullable Integer port;

    @Option(
            names = "--control-port",
            paramLabel = "PORT",
            description = "Control port, which other processes and 'muster status' ask; 0: any free port "
                    + "(endpoint.controlPort).")
    private @Nullable Integer controlPort;

    @Option(
            names = "--hazelcast-port",
            paramLabel = "PORT",
            description = "Port for Hazelcast members; 0: any free port (hazelcast.port).")
    private @Nullable Integer hazelcastPort;

    @Option(
            names = "--warmup",
            paramLabel = "MODE",
            description = "How links are proven: auto, exchange, skip or fabric (warmup.mode).")
    private @Nullable String warmup;

    @Option(
            names = "--fabric",
            paramLabel = "CLUSTERUUID/CLIQUE",
            description = "Simulated fabric that this process belongs to (warmup.fabric).")
    private @Nullable String fabric;

    @Option(
            names = "--gpu",
            paramLabel = "DEVICE",
            description = "Index of the GPU whose memory links use in mode fabric, from 0 (gpu.device).")
    private @Nullable Integer gpu;

    public MusterOptions read() {
        JsonObject settings = new JsonObject();
        if (config != null) {
            ConfigFile.options(config); // checked alone, so that messages about its mistakes name the file
            settings = ConfigFile.read(config);
        }
        put(settings, "endpoint", "bind", bind);
        put(settings, "endpoint", "advertise", advertise);
        put(settings, "endpoint", "port", port);
        put(settings, "endpoint", "controlPort", controlPort);
        put(settings, "hazelcast", "port", hazelcastPort);
        put(settings, "gpu", "device", gpu);
        put(settings, "warmup", "mode", warmup);
        put(settings, "warmup", "fabric", fabric);
        MusterOptions options = MusterOptions.fromJson(settings);
        checkPorts(options);
        return options;
    }

    /** A process that takes a port twice would say of itself that another process listens there. */
    private static void checkPorts(MusterOptions options) {
        Map<Integer, String> taken = new HashMap<>();
        Map.of(
                        "endpoint.port", options.endpoint().port(),
                        "endpoint.controlPort", options.endpoint().controlPort(),
                        "hazelcast.port", options.hazelcast().port())
                .entrySet()
                .stream()
                .sorted(Map.Entry.comparingByKey())
                .filter(one -> one.getValue() > 0)
                .forEach(one -> {
                    String other = taken.put(one.getValue(), one.getKey());
                    if (other != null) {
                        throw MusterException.config(other + " and " + one.getKey() + " are both " + one.getValue()
                                + ": give each a port of its own");
                    }
                });
    }

    private static void put(JsonObject settings, String section, String key, @Nullable Object value) {
        if (value != null) {
            if (!(settings.getValue(section) instanceof JsonObject)) {
                settings.put(section, new JsonObject());
            }
            settings.getJsonObject(section).put(key, value);
        }
    }
}
