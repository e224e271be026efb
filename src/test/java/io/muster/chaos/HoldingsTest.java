// SPDX-License-Identifier: Apache-2.0

package io.muster.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.util.Map;
import org.junit.jupiter.api.Test;

// P-14
class HoldingsTest {
    private static JsonObject process(long pid, long heapMib, int descriptors, int regions, int entries) {
        return new JsonObject()
                .put("pid", pid)
                .put("heapBytes", heapMib << 20)
                .put("descriptors", descriptors)
                .put("regions", regions)
                .put("storeEntries", entries)
                .put("busRegistrations", 40);
    }

    @Test
    void reportsGrowthWithBothNumbers() {
        var first = new Holdings(Map.of(0, process(10, 20, 100, 3, 9)));
        assertThat(first.grown(new Holdings(Map.of(0, process(10, 24, 110, 3, 9)))))
                .isEmpty();
        assertThat(first.grown(new Holdings(Map.of(0, process(10, 60, 200, 4, 10)))))
                .containsExactly(
                        "heapBytes of process 0: 20971520, then 62914560",
                        "descriptors of process 0: 100, then 200",
                        "regions of process 0: 3, then 4",
                        "storeEntries of the cluster: 9, then 10");
    }

    @Test
    void comparesTheClusterButNotAReplacedProcess() {
        var first = new Holdings(Map.of(0, process(10, 20, 100, 3, 9)));
        assertThat(first.grown(new Holdings(Map.of(0, process(11, 90, 900, 9, 11)))))
                .containsExactly("storeEntries of the cluster: 9, then 11");
    }
}
