// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaProbe;
import io.muster.cuda.SharingProbe;
import io.muster.fabric.NvlinkIpcSetting;
import io.muster.ops.HostFacts.Bind;
import io.muster.ops.HostFacts.Gpus;
import io.muster.ops.HostFacts.HostAddress;
import io.muster.ops.HostFacts.Imex;
import io.muster.ops.HostFacts.Jvm;
import io.muster.ops.HostFacts.Network;
import io.muster.ops.HostFacts.Port;
import io.muster.ops.HostFacts.Settings;
import io.muster.options.OwnAddress;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Collects the facts about this host. <b>Blocks</b>: it resolves names, binds ports for a moment, and queries GPUs. */
public final class HostFactsCollector {
    private static final Path IMEX_CHANNELS = Path.of("/dev/nvidia-caps-imex-channels");
    private static final String UNSAFE_ACCESS = "--sun-misc-unsafe-memory-access=allow";

    private HostFactsCollector() {}

    /**
     * @param bind the address to check, null for none
     * @param explicitMode {@code warmup.mode}, null if it is not set
     */
    public static HostFacts collect(@Nullable String bind, List<Integer> ports, @Nullable String explicitMode) {
        return new HostFacts(
                jvm(),
                network(bind == null ? null : resolve(bind), ports),
                gpus(),
                new Settings(System.getenv(NvlinkIpcSetting.VARIABLE), explicitMode));
    }

    private static Network network(@Nullable Bind bind, List<Integer> ports) {
        return new Network(addresses(), bind, ports(bind, ports));
    }

    private static Gpus gpus() {
        long start = System.nanoTime();
        CudaFacts cuda = CudaProbe.probe();
        long probeMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        return new Gpus(cuda, probeMs, SharingProbe.probe(cuda, SharingProbe.Depth.EVERYTHING), imex());
    }

    private static Bind resolve(String text) {
        try {
            InetAddress[] all = InetAddress.getAllByName(text);
            return new Bind(
                    text,
                    Stream.of(all).filter(OwnAddress::isOfThisHost).findFirst().orElse(all[0]));
        } catch (UnknownHostException e) {
            return new Bind(text, null);
        }
    }

    private static List<HostAddress> addresses() {
        try {
            List<HostAddress> addresses = new ArrayList<>();
            for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
                if (network.isUp()) {
                    network.inetAddresses()
                            .forEach(address -> addresses.add(new HostAddress(network.getName(), address)));
                }
            }
            return addresses;
        } catch (SocketException e) {
            return List.of(); // no interface is up; the doctor reports that
        }
    }

    private static List<Port> ports(@Nullable Bind bind, List<Integer> ports) {
        InetAddress address = bind == null ? null : bind.resolved();
        return ports.stream().map(port -> new Port(port, busy(address, port))).toList();
    }

    private static @Nullable String busy(@Nullable InetAddress address, int port) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // as Netty does: a port in TIME_WAIT is free
            socket.bind(new InetSocketAddress(address, port));
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    private static Jvm jvm() {
        List<String> arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
        return new Jvm(
                Runtime.version().feature(),
                System.getProperty("java.runtime.version", "?"),
                System.getProperty("os.arch", "?"),
                arguments,
                missingFlags(arguments));
    }

    /** Checks which packages are open, not the arguments, because the manifest of a jar can open packages too. */
    private static List<String> missingFlags(List<String> arguments) {
        Module own = HostFactsCollector.class.getModule();
        List<String> missing = new ArrayList<>();
        if (!own.isNativeAccessEnabled()) {
            missing.add("--enable-native-access=ALL-UNNAMED");
        }
        addIfClosed(missing, "java.base", "java.lang", own);
        addIfClosed(missing, "java.base", "sun.nio.ch", own);
        addIfClosed(missing, "java.management", "sun.management", own);
        addIfClosed(missing, "jdk.management", "com.sun.management.internal", own);
        if (ModuleLayer.boot().findModule("java.base").stream()
                .noneMatch(module -> module.isExported("jdk.internal.ref", own))) {
            missing.add("--add-exports java.base/jdk.internal.ref=ALL-UNNAMED");
        }
        if (!arguments.contains(UNSAFE_ACCESS)) {
            missing.add(UNSAFE_ACCESS);
        }
        return missing;
    }

    private static void addIfClosed(List<String> missing, String module, String packageName, Module own) {
        if (ModuleLayer.boot().findModule(module).stream().noneMatch(each -> each.isOpen(packageName, own))) {
            missing.add("--add-opens " + module + "/" + packageName + "=ALL-UNNAMED");
        }
    }

    private static Imex imex() {
        if (!Files.isDirectory(IMEX_CHANNELS)) {
            return Imex.NO_FOLDER;
        }
        try (Stream<Path> channels = Files.list(IMEX_CHANNELS)) {
            return channels.findAny().isPresent() ? Imex.CHANNEL : Imex.NO_CHANNEL;
        } catch (IOException e) {
            return Imex.NO_CHANNEL;
        }
    }
}
