// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Test;

class GpuPathsTest {
    @Test
    void theTextHasALinePerPairWithItsPathAndWhyNotAnother() {
        assertThat(GpuPaths.text(new JsonObject("""
        {"mapped": 2, "pairs": [
          {"group": "ep", "rank": 0, "peer": 3, "segment": "kv", "device": 1, "way": "cuda-ipc", "refused": ["fabric: NOT_PERMITTED (800)", "posix: x"]},
          {"group": "ep", "rank": 0, "peer": 4, "segment": "kv", "device": 1, "way": "fabric", "refused": []},
          {"group": "ep", "rank": 0, "peer": 5, "segment": "kv", "device": 1, "way": "", "refused": ["posix: on another host"]}]}""")).lines())
                .containsExactly(
                        "memory of GPUs of other processes: 2 mapped by the asked process",
                        "  group=ep rank 0 to rank 3 segment kv: cuda-ipc, copied by GPU 1 (not fabric: NOT_PERMITTED (800); posix: x)",
                        "  group=ep rank 0 to rank 4 segment kv: fabric, copied by GPU 1",
                        "  group=ep rank 0 to rank 5 segment kv: not mapped, over the connection if gpu.fallback allows it: posix: on another host");
    }

    @Test
    void theTextIsEmptyIfNoGpuMemoryWasUsed() {
        assertThat(GpuPaths.text(new JsonObject("{\"mapped\": 0, \"pairs\": []}")))
                .isEmpty();
        assertThat(GpuPaths.text(new JsonObject())).as("an older process").isEmpty();
    }
}
