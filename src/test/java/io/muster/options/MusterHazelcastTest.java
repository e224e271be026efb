// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.EvictionPolicy;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.InvalidConfigurationException;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.NearCacheConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import com.hazelcast.config.YamlConfigBuilder;
import com.hazelcast.instance.EndpointQualifier;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import io.muster.group.ProcessId;
import io.muster.store.MusterMap;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class MusterHazelcastTest {
    private static final ProcessId PROCESS = new ProcessId(1, 2);

    @Test // S-4
    void theReferenceFileOpensNothingThatIsNotNeeded() {
        Config config = MusterHazelcast.reference();
        AdvancedNetworkConfig network = config.getAdvancedNetworkConfig();
        assertThat(network.isEnabled()).isTrue();
        assertThat(network.getEndpointConfigs())
                .as("a socket for members, and no other")
                .containsOnlyKeys(EndpointQualifier.MEMBER)
                .extractingByKey(
                        EndpointQualifier.MEMBER, InstanceOfAssertFactories.type(ServerSocketEndpointConfig.class))
                .returns(false, ServerSocketEndpointConfig::isPortAutoIncrement);
        assertThat(network.getJoin().getMulticastConfig().isEnabled()).isFalse();
        assertThat(network.getJoin().getAutoDetectionConfig().isEnabled()).isFalse();
        assertThat(config.getMetricsConfig().isEnabled()).isFalse();
        assertThat(config.getProperties())
                .containsEntry("hazelcast.phone.home.enabled", "false")
                .containsEntry("hazelcast.socket.bind.any", "false")
                .containsEntry("hazelcast.shutdownhook.enabled", "false");
    }

    @Test
    void theReferenceFileAndApplyToAgreeOnTheMap() {
        Config applied = MusterHazelcast.applyTo(new Config(), PROCESS);
        assertThat(MusterHazelcast.reference().getMapConfigs().get(MusterHazelcast.MAP_NAME))
                .usingRecursiveComparison()
                .ignoringFields("mergePolicyConfig.policy")
                .isEqualTo(applied.getMapConfigs().get(MusterHazelcast.MAP_NAME));
        assertThat(applied.getMemberAttributeConfig().getAttribute(MusterHazelcast.PROCESS_ID_ATTRIBUTE))
                .isEqualTo(PROCESS.toString());
        MusterMap.requireUsable(applied.findMapConfig(MusterHazelcast.MAP_NAME));
        assertThatThrownBy(() -> MusterMap.requireUsable(new Config().findMapConfig(MusterHazelcast.MAP_NAME)))
                .hasMessageContaining("partition-strategy");
    }

    @Test
    void theJarContainsTheEditableReferenceFile() throws IOException {
        try (var carried = MusterHazelcast.class.getResourceAsStream("/io/muster/conf/hazelcast.yaml")) {
            assertThat(carried.readAllBytes()).isEqualTo(Files.readAllBytes(Path.of("conf", "hazelcast.yaml")));
        }
        assertThat(MusterHazelcast.reference().getClusterName()).isEqualTo("muster");
    }

    /** It is read without validation, which takes long: this is where it is validated. */
    @Test
    void theReferenceIsValid() throws IOException {
        String validation = "hazelcast.config.schema.validation.enabled";
        String before = System.setProperty(validation, "true");
        try (var yaml = Files.newInputStream(Path.of("conf", "hazelcast.yaml"));
                var wrong = new ByteArrayInputStream("hazelcast:\n  nonsense: true".getBytes())) {
            new YamlConfigBuilder(yaml).build();
            assertThatThrownBy(() -> new YamlConfigBuilder(wrong).build())
                    .as("it validates")
                    .isInstanceOf(InvalidConfigurationException.class);
        } finally {
            if (before == null) {
                System.clearProperty(validation);
            } else {
                System.setProperty(validation, before);
            }
        }
    }

    @Test // O-1
    void namesAllMistakesOfAMap() {
        MapConfig map = new MapConfig("m")
                .setInMemoryFormat(InMemoryFormat.OBJECT)
                .setTimeToLiveSeconds(5)
                .setNearCacheConfig(new NearCacheConfig());
        map.getEvictionConfig().setEvictionPolicy(EvictionPolicy.LRU);
        assertThatThrownBy(() -> MusterMap.requireUsable(map))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                .hasMessageContainingAll("OBJECT", "LRU", "time-to-live 5 s", "near-cache");
    }
}
