// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.CudaFacts.Device;
import io.muster.fabric.FabricRule;
import io.muster.fabric.NvlinkIpcSetting;
import io.muster.group.FabricVerdict;
import io.muster.ops.Finding.Level;
import io.muster.ops.HostFacts.Bind;
import io.muster.ops.HostFacts.Gpus;
import io.muster.ops.HostFacts.Imex;
import io.muster.ops.HostFacts.Jvm;
import io.muster.ops.HostFacts.Network;
import io.muster.ops.HostFacts.Port;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Judges the facts about a host: a pure function from {@link HostFacts} to findings. A missing GPU is a fact, not a
 * fault.
 */
public final class Doctor {
    private static final int NEEDED_JDK = 25;

    private Doctor() {}

    public static List<Finding> examine(HostFacts facts) {
        List<Finding> findings = new ArrayList<>();
        addJvm(findings, facts.jvm());
        addAddresses(findings, facts.network());
        facts.network().ports().forEach(port -> findings.add(port(port)));
        addCuda(findings, facts.gpus());
        addFabric(findings, facts);
        return List.copyOf(findings);
    }

    private static void addJvm(List<Finding> findings, Jvm jvm) {
        String what = "JDK " + jvm.version() + " on " + jvm.architecture();
        findings.add(
                jvm.feature() >= NEEDED_JDK
                        ? Finding.ok("jdk", what)
                        : new Finding(
                                "jdk",
                                Level.FAIL,
                                what + "; JDK " + NEEDED_JDK + " is needed",
                                "install a JDK " + NEEDED_JDK + " and set JAVA_HOME"));
        findings.add(
                jvm.missing().isEmpty()
                        ? Finding.ok("jvm-flags", "all flags that Hazelcast, Netty and JCuda need are set")
                        : new Finding(
                                "jvm-flags",
                                Level.WARN,
                                "not set: " + String.join(" ", jvm.missing()),
                                "start through the launcher, or set these flags; without them the JVM prints "
                                        + "warnings"));
        findings.add(
                Finding.info("jvm-arguments", jvm.arguments().isEmpty() ? "none" : String.join(" ", jvm.arguments())));
    }

    private static void addAddresses(List<Finding> findings, Network network) {
        findings.add(
                network.addresses().isEmpty()
                        ? new Finding(
                                "address",
                                Level.WARN,
                                "no network interface is up",
                                "bring up at least the loopback interface")
                        : Finding.info(
                                "address",
                                network.addresses().stream()
                                        .map(each -> each.network() + " " + text(each.address()))
                                        .collect(Collectors.joining(", "))));
        Bind bind = network.bind();
        if (bind == null) {
            return;
        }
        InetAddress resolved = bind.resolved();
        findings.add(
                resolved == null
                        ? new Finding(
                                "published",
                                Level.FAIL,
                                bind.text() + " is neither an address nor a name that this host can resolve",
                                "give an address of this host")
                        : published(bind, PublishedAddress.of(resolved, network.addresses())));
    }

    private static Finding published(Bind bind, PublishedAddress published) {
        String asked = "bind " + bind.text() + ": ";
        return switch (published) {
            case PublishedAddress.Published(InetAddress address, String network) ->
                Finding.ok("published", asked + "publishes " + text(address) + " (" + network + ")");
            case PublishedAddress.OnlyThisHost(InetAddress address, String network) ->
                new Finding(
                        "published",
                        Level.INFO,
                        asked + "publishes " + text(address) + " (" + network + "), which only this host reaches",
                        "for ranks on other hosts, bind to an address that they reach");
            case PublishedAddress.Chosen(InetAddress address, String network, List<InetAddress> others) ->
                new Finding(
                        "published",
                        Level.WARN,
                        asked + "publishes " + text(address) + " (" + network + "), one of " + (others.size() + 1)
                                + "; the others: "
                                + others.stream().map(Doctor::text).collect(Collectors.joining(", ")),
                        "bind to the one that the other ranks reach; listening on every interface opens the port"
                                + " to every network");
            case PublishedAddress.NotHere() ->
                new Finding(
                        "published",
                        Level.FAIL,
                        asked + "no interface of this host has this address",
                        "choose one of those listed under 'address'");
        };
    }

    private static Finding port(Port port) {
        return port.busy() == null
                ? Finding.ok("port", port.number() + " is free")
                : new Finding(
                        "port",
                        Level.FAIL,
                        port.number() + " can't be bound: " + port.busy(),
                        "stop the process that listens there, or choose another port");
    }

    private static void addCuda(List<Finding> findings, Gpus gpus) {
        String took = " (asked in " + gpus.probeMs() + " ms)";
        switch (gpus.cuda()) {
            case CudaFacts.NoDriver(String reason) ->
                findings.add(new Finding(
                        "libcuda",
                        Level.INFO,
                        "no CUDA driver: " + reason + took,
                        "if this host has GPUs, install the NVIDIA driver, or pass it into the container"));
            case CudaFacts.Unusable(String reason, String whatToDo) ->
                findings.add(new Finding(
                        "libcuda",
                        Level.WARN,
                        "the CUDA driver is installed but can't be called: " + reason + took,
                        whatToDo));
            case CudaFacts.NoDevice(String reason) -> {
                findings.add(Finding.ok("libcuda", "found and loaded" + took));
                findings.add(
                        new Finding("gpu", Level.INFO, "no GPU: " + reason, "if there should be one, run nvidia-smi"));
            }
            case CudaFacts.Failed failed -> {
                findings.add(Finding.ok("libcuda", "found and loaded" + took));
                findings.add(new Finding(
                        "gpu",
                        Level.WARN,
                        "the driver failed: " + failed.failure().text(),
                        "run nvidia-smi and read the kernel's log"));
            }
            case CudaFacts.Devices devices -> {
                findings.add(Finding.ok("libcuda", "found and loaded, CUDA " + devices.driverVersionText() + took));
                devices.devices().forEach(device -> findings.add(Finding.ok("gpu", text(device))));
            }
        }
    }

    private static String text(Device device) {
        String attribute = switch (device.fabricAttribute()) {
            case SET -> "1";
            case CLEAR -> "0";
            case UNKNOWN_TO_DRIVER -> "unknown to this driver";
        };
        return "device " + device.index() + ": " + device.name() + ", GPU-" + device.uuid()
                + ", attribute 128 (fabric handles): " + attribute;
    }

    private static void addFabric(List<Finding> findings, HostFacts facts) {
        CudaFacts cuda = facts.gpus().cuda();
        NvlinkIpcSetting setting = NvlinkIpcSetting.of(
                facts.settings().nvlinkIpc(), facts.settings().explicitMode());
        Level unmet = setting.effect() == NvlinkIpcSetting.Effect.FABRIC_WANTED ? Level.WARN : Level.INFO;
        findings.add(
                switch (FabricRule.verdict(cuda, facts.gpus().sharing(), setting)) {
                    case FabricVerdict.NotAvailable(String reason) ->
                        new Finding("fabric", unmet, "not available: " + reason, "");
                    case FabricVerdict.Unproven(String reason, String whatToDo) ->
                        new Finding("fabric", unmet, "not proven: " + reason, whatToDo);
                    case FabricVerdict.Proven(var identity, var _, String reason) ->
                        Finding.ok("fabric", "proven, " + identity + ": " + reason);
                });
        if (cuda instanceof CudaFacts.Devices) {
            findings.addAll(SharingFindings.of(facts.gpus().sharing()));
            findings.add(imex(facts.gpus().imex()));
        }
        FabricRule.Original original =
                FabricRule.original(cuda, facts.settings().nvlinkIpc());
        findings.add(Finding.info(
                "attribute-rule",
                "for comparison only: by attribute 128 and " + NvlinkIpcSetting.VARIABLE
                        + " alone, which Muster does not rely on, the answer would be: " + original.sentence()
                        + FabricRule.originalIsWrong(cuda, facts.gpus().sharing())
                                .map(why -> "; " + why)
                                .orElse("")));
        findings.add(Finding.info("nvlink-ipc", setting.sentence()));
    }

    private static Finding imex(Imex imex) {
        String toDo =
                "for a fabric across hosts: run the IMEX daemon and create a channel (on Kubernetes a ComputeDomain)";
        return switch (imex) {
            case NO_FOLDER ->
                new Finding(
                        "imex", Level.INFO, "no IMEX channels on this host: fabric memory can't be allocated", toDo);
            case NO_CHANNEL ->
                new Finding(
                        "imex",
                        Level.INFO,
                        "IMEX is there, but no channel for this process: fabric memory can't be allocated",
                        toDo);
            case CHANNEL -> Finding.ok("imex", "an IMEX channel is there");
        };
    }

    private static String text(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }
}
