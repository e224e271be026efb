// SPDX-License-Identifier: Apache-2.0

package io.muster;

import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.options.MusterHazelcast;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A member of Hazelcast in this JVM as Muster configures it, which can carry a Vert.x; whoever starts it shuts it down.
 */
final class LoopbackMember {
    private LoopbackMember() {}

    /** @param founder a member of the cluster that it joins, null: it founds one */
    static HazelcastInstance start(String cluster, @Nullable HazelcastInstance founder) {
        var config = MusterHazelcast.carryVertx(MusterHazelcast.bindTo(
                MusterHazelcast.reference().setClusterName(cluster), new MusterHazelcast.Bind("127.0.0.1", 0)));
        if (founder == null) {
            MusterHazelcast.found(config);
        } else {
            var at = founder.getCluster().getLocalMember().getAddress();
            MusterHazelcast.join(config, at.getHost() + ":" + at.getPort(), List.of());
        }
        return Hazelcast.newHazelcastInstance(config);
    }
}
