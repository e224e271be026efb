// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.EvictionPolicy;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.MergePolicyConfig;
import com.hazelcast.config.PartitioningStrategyConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.config.YamlConfigBuilder;
import com.hazelcast.partition.strategy.StringPartitioningStrategy;
import com.hazelcast.spi.merge.PutIfAbsentMergePolicy;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/**
 * Configurations of Hazelcast that Muster works well on. A process that Muster starts takes {@link #reference()}, then
 * {@link #applyTo}, {@link #bindTo}, and {@link #found} or {@link #join}. An application that brings its own Hazelcast
 * calls {@link #applyTo} on its configuration before it starts it; if it doesn't, Muster still works on Hazelcast's
 * default map, and tells processes apart by their member UUIDs.
 */
public final class MusterHazelcast {
    /** The map that all groups share. */
    public static final String MAP_NAME = "muster.segments";

    /** The member attribute that says which process a member belongs to. */
    public static final String PROCESS_ID_ATTRIBUTE = "muster.processId";

    /** What vertx-hazelcast expects of a member that it did not start itself. */
    private static final String VERTX_NODE_ID_ATTRIBUTE = "__vertx.nodeId";

    private static final String PARTITIONING = StringPartitioningStrategy.class.getName();
    private static final String REFERENCE = "/io/muster/conf/hazelcast.yaml";

    private MusterHazelcast() {}

    /**
     * Where a process's member listens.
     *
     * @param host an address of this host, or a name of one; nothing else is bound to
     * @param port 0: any free one
     */
    public record Bind(String host, int port) {
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
     * Puts what Muster needs into an application's own configuration: the map and the member attribute, with a fresh
     * process id; and, unless the application has set a filter for Java serialisation itself, the one of
     * {@link #reference()} (see {@link #allowSerializable}). Everything else is left as it is. To be called once per
     * member.
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
        config.addMapConfig(mapConfig(MAP_NAME));
        config.getMemberAttributeConfig().setAttribute(PROCESS_ID_ATTRIBUTE, process.toString());
        if (config.getSerializationConfig().getJavaSerializationFilterConfig() == null) {
            config.getSerializationConfig()
                    .setJavaSerializationFilterConfig(
                            reference().getSerializationConfig().getJavaSerializationFilterConfig());
        }
        return config;
    }

    /**
     * Lets an application's own Serializable classes through the filter, where it keeps such values in shared maps; all
     * members need it. What Vert.x itself shares (its subscriptions, locks and counters; maps of text, numbers,
     * buffers, JSON) needs no entry.
     *
     * @param prefixes of class names, say {@code com.example.prices.}; whatever they let in, any member of the cluster
     *     may send
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
     * Binds the member to one address of this host and one port, and nothing else (S-4). A socket for members only: see
     * {@code conf/hazelcast.yaml}.
     *
     * <p>With a free port (0) outgoing sockets are not bound before they connect. A bound one may get the very port,
     * free as well, of a member of this host that has just died: it connects to itself, the member takes the dead one's
     * address for its own ("Connecting to self!"), and all that needs the dead member fails until its heartbeats are
     * missed. Linux gives sockets that are bound to any free port, and those that connect without, ports of different
     * parity, as long as it has both. With a fixed port outgoing sockets have the member's address.
     *
     * @return the same configuration
     */
    public static Config bindTo(Config config, Bind bind) {
        ServerSocketEndpointConfig members =
                new ServerSocketEndpointConfig().setPort(bind.port()).setPortAutoIncrement(false);
        members.getInterfaces().setEnabled(true).setInterfaces(List.of(bind.host()));
        config.setProperty("hazelcast.socket.bind.any", "false");
        if (bind.port() == 0) {
            config.setProperty("hazelcast.socket.client.bind", "false");
        }
        AdvancedNetworkConfig network =
                config.getAdvancedNetworkConfig().setEnabled(true).setMemberEndpointConfig(members);
        JoinConfig join = network.getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true);
        return config;
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
     * For the process that founds the cluster: it lists nobody, so it waits for nobody.
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
     * For a process that joins a cluster that exists.
     *
     * @param target address of a member, {@code host:port}; joining succeeds with it or not at all, so that this
     *     process never founds
     * @param known further members, where this one looks for the others after a split
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

    /**
     * Of a member that runs: configures the map if nobody has, and refuses it where somebody has in vain (see
     * {@link #requireUsable}).
     */
    static void configure(Config running, String mapName) {
        MapConfig there = running.getMapConfigOrNull(mapName);
        if (there == null) {
            running.addMapConfig(mapConfig(mapName));
        } else {
            requireUsable(there);
        }
    }

    /**
     * Refuses a map on which compare-and-set on bytes, or fresh reads, can't work.
     *
     * @throws MusterException of kind CONFIG, naming all that is wrong
     */
    static void requireUsable(MapConfig map) {
        List<String> wrong = new ArrayList<>();
        if (map.getInMemoryFormat() == InMemoryFormat.OBJECT) {
            wrong.add(
                    "in-memory-format is OBJECT (compare-and-set would compare identities of arrays), make it BINARY");
        }
        if (map.getEvictionConfig().getEvictionPolicy() != EvictionPolicy.NONE) {
            wrong.add("eviction-policy is " + map.getEvictionConfig().getEvictionPolicy() + ", make it NONE");
        }
        if (map.getTimeToLiveSeconds() != 0
                || (map.getMaxIdleSeconds() != 0 && map.getMaxIdleSeconds() != Integer.MAX_VALUE)) {
            wrong.add("entries expire (time-to-live " + map.getTimeToLiveSeconds() + " s, max-idle "
                    + map.getMaxIdleSeconds() + " s), make both 0");
        }
        if (map.isReadBackupData() || map.getNearCacheConfig() != null) {
            wrong.add("reads may be stale, switch read-backup-data and near-cache off");
        }
        PartitioningStrategyConfig partitioning = map.getPartitioningStrategyConfig();
        if (partitioning == null || !PARTITIONING.equals(partitioning.getPartitioningStrategyClass())) {
            wrong.add("partition-strategy is not " + PARTITIONING
                    + " (the keys of a group would be sought in other partitions than those in which"
                    + " the other processes put them), make it that");
        }
        if (!wrong.isEmpty()) {
            throw MusterException.config("Hazelcast's map can't hold segment handles: " + String.join("; ", wrong)
                    + "; MusterHazelcast.applyTo(config, processId) configures it");
        }
    }

    private static MapConfig mapConfig(String name) {
        MapConfig map = new MapConfig(name)
                .setInMemoryFormat(InMemoryFormat.BINARY)
                .setBackupCount(1)
                .setAsyncBackupCount(0)
                .setReadBackupData(false)
                .setStatisticsEnabled(false)
                .setPartitioningStrategyConfig(new PartitioningStrategyConfig(PARTITIONING))
                .setMergePolicyConfig(new MergePolicyConfig(PutIfAbsentMergePolicy.class.getName(), 100));
        map.getEvictionConfig().setEvictionPolicy(EvictionPolicy.NONE);
        return map;
    }
}
