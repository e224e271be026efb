// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import io.muster.options.MusterHazelcast;
import java.util.List;

/**
 * Another member of the cluster, which holds no data and reads the store. It must be a member, because the sockets of
 * the members accept members only.
 */
final class Onlooker {
    private Onlooker() {}

    /** @param target where a member listens for others, {@code host:port} */
    static HazelcastInstance join(String target) {
        Config config = MusterHazelcast.bindTo(MusterHazelcast.reference(), new MusterHazelcast.Bind("127.0.0.1", 0))
                .setLiteMember(true);
        return Hazelcast.newHazelcastInstance(MusterHazelcast.join(config, target, List.of()));
    }
}
