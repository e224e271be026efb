// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.config.YamlConfigBuilder;
import com.hazelcast.instance.EndpointQualifier;
import com.hazelcast.spi.MemberAddressProvider;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.store.MusterMap;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/**
 * Configures Hazelcast for Muster. A process that Muster starts takes {@link #reference()}, then {@link #applyTo},
 * {@link #bindTo}, and {@link #found} or {@link #join}. An application that brings its own Hazelcast calls
 * {@link #applyTo} on its configuration before it starts it. Otherwise Muster still works on Hazelcast's default map,
 * and tells processes apart by their member UUIDs.
 */
public final class MusterHazelcast {
    /** The map that all groups share. */
    public static final String MAP_NAME = MusterMap.NAME;

    /** The member attribute that says which process a member belongs to. */
    public static final String PROCESS_ID_ATTRIBUTE = MusterMap.PROCESS_ID_ATTRIBUTE;

    /** What vertx-hazelcast expects of a member that it did not start itself. */
    public static final String VERTX_NODE_ID_ATTRIBUTE = "__vertx.nodeId";

    private static final String REFERENCE = "/io/muster/conf/hazelcast.yaml";

    private MusterHazelcast() {}

    /**
     * The address and port on which a process's member listens.
     *
     * @param host an address or name of this machine, IPv4 or IPv6, or a wildcard; nothing else is bound
     * @param port 0: any free one
     * @param advertise the address that other members dial, if it differs from {@code host}; empty: {@code host}
     */
    public record Bind(String host, int port, String advertise) {
        /** Other members dial the address on which it listens. */
        public Bind(String host, int port) {
            this(host, port, "");
        }

        public Bind {
            if (port < 0 || port > 65_535) {
                throw MusterException.config("Hazelcast's port must be in 0..65535, got " + port);
            }
        }
    }

    /** {@code conf/hazelcast.yaml} as the jar carries it. */
    public static Config reference() {
        try (InputStream yaml = MusterHazelcast.class.getResourceAsStream(REFERENCE)) {
            if (yaml == null) {
                throw MusterException.fatal(REFERENCE + " is not on the class path; Muster's jar is incomplete");
            }
            return new YamlConfigBuilder(yaml).build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Adds what Muster needs to an application's own configuration: the map, and the member attribute with a new
     * process id. Unless the application has set a filter for Java serialisation, it also adds the one of
     * {@link #reference()} (see {@link #allowSerializable}). Everything else stays as it is. Call it once per member.
     *
     * @return the same configuration
     */
    public static Config applyTo(Config config) {
        return applyTo(config, ProcessId.random(new SecureRandom()));
    }

    /**
     * The same with a process id that the caller has drawn, once per JVM.
     *
     * @return the same configuration
     */
    public static Config applyTo(Config config, ProcessId process) {
        config.addMapConfig(MusterMap.config(MAP_NAME));
        config.getMemberAttributeConfig().setAttribute(PROCESS_ID_ATTRIBUTE, process.toString());
        if (config.getSerializationConfig().getJavaSerializationFilterConfig() == null) {
            config.getSerializationConfig()
                    .setJavaSerializationFilterConfig(
                            reference().getSerializationConfig().getJavaSerializationFilterConfig());
        }
        return config;
    }

    /**
     * Lets an application's own Serializable classes through the filter, if it keeps such values in shared maps. All
     * members need it. What Vert.x itself shares (its subscriptions, locks and counters; maps of text, numbers,
     * buffers, JSON) needs no entry.
     *
     * @param prefixes of class names, for example {@code com.example.prices.}; any member of the cluster may then send
     *     objects of these classes
     * @return the same configuration
     */
    public static Config allowSerializable(Config config, String... prefixes) {
        JavaSerializationFilterConfig filter = config.getSerializationConfig().getJavaSerializationFilterConfig();
        if (filter == null) {
            filter = reference().getSerializationConfig().getJavaSerializationFilterConfig();
            config.getSerializationConfig().setJavaSerializationFilterConfig(filter);
        }
        filter.getWhitelist().addPrefixes(prefixes);
        return config;
    }

    /**
     * Binds the member to one address of this machine and one port, and nothing else (S-4). The socket is for members
     * only: see {@code conf/hazelcast.yaml}.
     *
     * <p>With a free port (0), outgoing sockets are not bound before they connect. A bound one could get the port of a
     * member of this machine that has just died, and would connect to itself. The member would then take the dead
     * member's address for its own ("Connecting to self!"), and everything that needs the dead member would fail until
     * its heartbeats are missed. Linux gives ports of different parity to sockets that are bound to any free port and
     * to those that connect without binding, as long as it has both. With a fixed port, outgoing sockets have the
     * member's address.
     *
     * <p>The same holds where other members dial another address than the one that is bound (NAT, a wildcard): the
     * advertised address is none of this host.
     *
     * <p>Names are resolved when the member starts. The start fails with a {@link MusterException} of kind CONFIG if
     * this host can't listen at the address.
     *
     * @return the same configuration
     */
    public static Config bindTo(Config config, Bind bind) {
        ServerSocketEndpointConfig members =
                new ServerSocketEndpointConfig().setPort(bind.port()).setPortAutoIncrement(false);
        config.setProperty("hazelcast.socket.bind.any", "false");
        config.setProperty("hazelcast.prefer.ipv4.stack", "false");
        if (bind.port() == 0 || !bind.advertise().isEmpty()) {
            config.setProperty("hazelcast.socket.client.bind", "false");
        }
        AdvancedNetworkConfig network =
                config.getAdvancedNetworkConfig().setEnabled(true).setMemberEndpointConfig(members);
        network.getMemberAddressProviderConfig().setEnabled(true).setImplementation(new MemberAddresses(bind));
        JoinConfig join = network.getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true);
        return config;
    }

    /** Tells Hazelcast both addresses, because its own choice knows neither names, nor wildcards, nor NAT. */
    private record MemberAddresses(Bind bind) implements MemberAddressProvider {
        @Override
        public InetSocketAddress getBindAddress() {
            return new InetSocketAddress(own().bind(), bind.port());
        }

        @Override
        public InetSocketAddress getBindAddress(EndpointQualifier qualifier) {
            return getBindAddress();
        }

        @Override
        public InetSocketAddress getPublicAddress() {
            return new InetSocketAddress(own().dialled(), bind.port());
        }

        @Override
        public InetSocketAddress getPublicAddress(EndpointQualifier qualifier) {
            return getPublicAddress();
        }

        private OwnAddress own() {
            return OwnAddress.of(bind.host(), bind.advertise());
        }
    }

    /**
     * Lets {@code new HazelcastClusterManager(instance)} work on the member that is started with this configuration.
     *
     * @return the same configuration
     */
    public static Config carryVertx(Config config) {
        config.getMemberAttributeConfig()
                .setAttribute(VERTX_NODE_ID_ATTRIBUTE, UUID.randomUUID().toString());
        return config;
    }

    /**
     * For the process that founds the cluster: its member list is empty, so it waits for no other member.
     *
     * @return the same configuration
     */
    public static Config found(Config config) {
        config.getAdvancedNetworkConfig()
                .getJoin()
                .getTcpIpConfig()
                .setMembers(List.of())
                .setRequiredMember(null);
        return config;
    }

    /**
     * For a process that joins an existing cluster.
     *
     * @param target address of a member, {@code host:port}; joining succeeds with it or fails, so this process never
     *     founds
     * @param known further members, at whose addresses this one searches for the others after a split
     * @return the same configuration
     */
    public static Config join(Config config, String target, Collection<String> known) {
        config.getAdvancedNetworkConfig()
                .getJoin()
                .getTcpIpConfig()
                .setMembers(new ArrayList<>(known))
                .setRequiredMember(target);
        return config;
    }
}
