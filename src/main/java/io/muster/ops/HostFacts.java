// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.cuda.SharingFacts;
import io.muster.cuda.driver.CudaFacts;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@link HostFactsCollector} sees of a host; {@link Doctor} judges it. */
public record HostFacts(Jvm jvm, Network network, Gpus gpus, Settings settings) {

    /**
     * @param bind the address that was asked about, null if none was
     * @param ports the ports that were asked about
     */
    public record Network(
            List<HostAddress> addresses, @Nullable Bind bind, List<Port> ports) {
        public Network {
            addresses = List.copyOf(addresses);
            ports = List.copyOf(ports);
        }
    }

    /** @param probeMs how long it took to ask the driver */
    public record Gpus(CudaFacts cuda, long probeMs, SharingFacts sharing, Imex imex) {}

    /**
     * @param nvlinkIpc the value of {@code MC_USE_NVLINK_IPC}, null if unset
     * @param explicitMode {@code warmup.mode} if somebody has set it
     */
    public record Settings(
            @Nullable String nvlinkIpc, @Nullable String explicitMode) {}

    /**
     * @param feature the JDK's feature version, such as 25
     * @param missing what the JVM was not started with and should be, as flags
     */
    public record Jvm(int feature, String version, String architecture, List<String> arguments, List<String> missing) {
        public Jvm {
            arguments = List.copyOf(arguments);
            missing = List.copyOf(missing);
        }
    }

    /** An address of an interface that is up. */
    public record HostAddress(String network, InetAddress address) {}

    /** @param resolved null if the text names no address */
    public record Bind(String text, @Nullable InetAddress resolved) {}

    /** @param busy why it can't be bound, null if it can */
    public record Port(int number, @Nullable String busy) {}

    /**
     * Whether this host shows channels of the driver's import and export service, without which there is no fabric
     * memory.
     */
    public enum Imex {
        NO_FOLDER,
        NO_CHANNEL,
        CHANNEL
    }
}
