// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.options.MusterOptions;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The settings that a process of Muster takes from the command line; they win over the configuration file. */
public final class ProcessSettings {
    @Option(names = "--config", paramLabel = "FILE", description = "Settings in YAML, of the form of conf/muster.yaml.")
    private @Nullable Path config;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "The address of this host to listen on, and to publish.")
    private @Nullable String bind;

    @Option(names = "--advertise", paramLabel = "ADDRESS", description = "The address to publish, if it is another.")
    private @Nullable String advertise;

    @Option(names = "--port", paramLabel = "PORT", description = "Where peers connect; 0: any free one.")
    private @Nullable Integer port;

    @Option(
            names = "--control-port",
            paramLabel = "PORT",
            description = "Where other processes and 'status' ask; 0: any free one.")
    private @Nullable Integer controlPort;

    @Option(
            names = "--hazelcast-port",
            paramLabel = "PORT",
            description = "Where Hazelcast's members connect; 0: any free one.")
    private @Nullable Integer hazelcastPort;

    @Option(names = "--warmup", paramLabel = "MODE", description = "auto, exchange, skip or fabric.")
    private @Nullable String warmup;

    @Option(
            names = "--fabric",
            paramLabel = "CLUSTERUUID/CLIQUE",
            description = "A simulated fabric that this process belongs to.")
    private @Nullable String fabric;

    @Option(
            names = "--gpu",
            paramLabel = "DEVICE",
            description = "The GPU of this process that warms up links in mode fabric, from 0.")
    private @Nullable Integer gpu;

    public MusterOptions read() {
        JsonObject settings = new JsonObject();
        if (config != null) {
            ConfigFile.options(config); // alone, so that its mistakes are told with its name
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
        return MusterOptions.fromJson(settings);
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
