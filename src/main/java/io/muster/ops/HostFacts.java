// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.SharingFacts;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The facts about a host (one machine). {@link HostFactsCollector} collects them and {@link Doctor} judges them. */
public record HostFacts(Jvm jvm, Network network, Gpus gpus, Settings settings) {

    /**
     * @param bind the address to check, null if there is none
     * @param ports the ports to check
     */
    public record Network(
            List<HostAddress> addresses, @Nullable Bind bind, List<Port> ports) {
        public Network {
            addresses = List.copyOf(addresses);
            ports = List.copyOf(ports);
        }
    }

    /** @param probeMs how long the queries to the driver took */
    public record Gpus(CudaFacts cuda, long probeMs, SharingFacts sharing, Imex imex) {}

    /**
     * @param nvlinkIpc the value of {@code MC_USE_NVLINK_IPC}, null if it is not set
     * @param explicitMode {@code warmup.mode}, null if it is not set
     */
    public record Settings(
            @Nullable String nvlinkIpc, @Nullable String explicitMode) {}

    /**
     * @param feature the JDK's feature version, such as 25
     * @param missing the flags that the JVM needs and was not started with
     */
    public record Jvm(int feature, String version, String architecture, List<String> arguments, List<String> missing) {
        public Jvm {
            arguments = List.copyOf(arguments);
            missing = List.copyOf(missing);
        }
    }

    /** An address of a network interface that is up. */
    public record HostAddress(String network, InetAddress address) {}

    /** @param resolved null if the text cannot be resolved to an address */
    public record Bind(String text, @Nullable InetAddress resolved) {}

    /** @param busy why the port cannot be bound, null if it can */
    public record Port(int number, @Nullable String busy) {}

    /** Whether this host has channels of the driver's import and export service. Fabric memory needs one. */
    public enum Imex {
        NO_FOLDER,
        NO_CHANNEL,
        CHANNEL
    }
}
