// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import com.hazelcast.config.Config;
import com.hazelcast.config.EvictionPolicy;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.MergePolicyConfig;
import com.hazelcast.config.PartitioningStrategyConfig;
import com.hazelcast.partition.strategy.StringPartitioningStrategy;
import com.hazelcast.spi.merge.PutIfAbsentMergePolicy;
import io.muster.group.MusterException;
import java.util.ArrayList;
import java.util.List;

/** The map of the store in Hazelcast: its name, its configuration, and the check of a configuration made elsewhere. */
public final class MusterMap {
    /** The map that all groups share. */
    public static final String NAME = "muster.segments";

    /** The member attribute that holds the id of the member's process. */
    public static final String PROCESS_ID_ATTRIBUTE = "muster.processId";

    private static final String PARTITIONING = StringPartitioningStrategy.class.getName();

    private MusterMap() {}

    /**
     * Configures the map of a running member if it is not configured yet; otherwise checks it with
     * {@link #requireUsable}.
     */
    static void configure(Config running, String mapName) {
        MapConfig there = running.getMapConfigOrNull(mapName);
        if (there == null) {
            running.addMapConfig(config(mapName));
        } else {
            requireUsable(there);
        }
    }

    /**
     * Refuses a map whose configuration breaks compare-and-set on bytes, or fresh reads.
     *
     * @throws MusterException of kind CONFIG, with all mistakes
     */
    public static void requireUsable(MapConfig map) {
        List<String> wrong = new ArrayList<>();
        if (map.getInMemoryFormat() == InMemoryFormat.OBJECT) {
            wrong.add("in-memory-format is OBJECT (compare-and-set would compare array identities), set it to BINARY");
        }
        if (map.getEvictionConfig().getEvictionPolicy() != EvictionPolicy.NONE) {
            wrong.add("eviction-policy is " + map.getEvictionConfig().getEvictionPolicy() + ", set it to NONE");
        }
        if (map.getTimeToLiveSeconds() != 0
                || (map.getMaxIdleSeconds() != 0 && map.getMaxIdleSeconds() != Integer.MAX_VALUE)) {
            wrong.add("entries expire (time-to-live " + map.getTimeToLiveSeconds() + " s, max-idle "
                    + map.getMaxIdleSeconds() + " s), set both to 0");
        }
        if (map.isReadBackupData() || map.getNearCacheConfig() != null) {
            wrong.add("reads may be stale, turn read-backup-data and near-cache off");
        }
        PartitioningStrategyConfig partitioning = map.getPartitioningStrategyConfig();
        if (partitioning == null || !PARTITIONING.equals(partitioning.getPartitioningStrategyClass())) {
            wrong.add("partition-strategy is not " + PARTITIONING
                    + " (this process would look for the keys of a group in other partitions than those in which"
                    + " the other processes put them), set it to that");
        }
        if (!wrong.isEmpty()) {
            throw MusterException.config("Hazelcast's map cannot hold segment handles: " + String.join("; ", wrong)
                    + "; MusterHazelcast.applyTo(config, processId) configures it");
        }
    }

    /** The configuration that every member of the cluster must have for this map. */
    public static MapConfig config(String name) {
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
