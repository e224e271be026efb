// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.core.HazelcastInstance;
import io.muster.group.LogEvents;
import io.muster.options.MusterHazelcast;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cluster manager of Vert.x, which does not see members of Hazelcast that carry no Vert.x. The original fails with
 * a {@link NullPointerException} when such a member leaves, which it logs as an error.
 */
final class TolerantClusterManager extends HazelcastClusterManager {
    private static final Logger LOG = LoggerFactory.getLogger(TolerantClusterManager.class);

    TolerantClusterManager(HazelcastInstance hazelcast) {
        super(hazelcast);
    }

    /** Whether a Vert.x runs, or may run, on the member. */
    private static boolean carriesVertx(MembershipEvent event) {
        return event.getMember().getAttribute(MusterHazelcast.VERTX_NODE_ID_ATTRIBUTE) != null;
    }

    @Override
    public void memberAdded(MembershipEvent event) {
        if (carriesVertx(event)) {
            super.memberAdded(event);
        }
    }

    @Override
    public void memberRemoved(MembershipEvent event) {
        if (carriesVertx(event)) {
            super.memberRemoved(event);
        } else {
            LOG.info(
                    LogEvents.CLUSTER_FOREIGN_LEFT + " member={}: a member of Hazelcast without Vert.x has left",
                    event.getMember().getAddress());
        }
    }
}
