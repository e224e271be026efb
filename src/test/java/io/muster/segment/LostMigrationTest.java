// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import static org.assertj.core.api.Assertions.assertThat;

import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.instance.EndpointQualifier;
import com.hazelcast.instance.impl.DefaultNodeContext;
import com.hazelcast.instance.impl.DefaultNodeExtension;
import com.hazelcast.instance.impl.HazelcastInstanceFactory;
import com.hazelcast.instance.impl.Node;
import com.hazelcast.instance.impl.NodeExtension;
import com.hazelcast.internal.networking.InboundHandler;
import com.hazelcast.internal.nio.Packet;
import com.hazelcast.internal.partition.operation.MigrationOperation;
import com.hazelcast.internal.server.ServerConnection;
import com.hazelcast.internal.server.ServerContext;
import com.hazelcast.internal.server.tcp.PacketDecoder;
import com.hazelcast.map.IMap;
import io.muster.group.GroupName;
import io.muster.options.MusterHazelcast;
import io.muster.store.StoreKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A member that is suspected for a moment, and stays in the cluster, loses the messages that were on their way to it,
 * because the member that suspects it closes the connection. If one of them moved a partition, Hazelcast accepts no
 * write to its keys until the move is given up. Until then no partition gets a new owner, so the keys of a member that
 * leaves meanwhile cannot be read either.
 */
@Timeout(90)
class LostMigrationTest {
    private static final String CLUSTER =
            "lost-migration-" + ProcessHandle.current().pid();
    private static final int PARTITIONS = 11;
    private static final int KEYS = 100;
    private static final long ANSWERED_WITHIN_MS = 40_000;

    private final List<HazelcastInstance> members = new ArrayList<>();

    @AfterEach
    void stop() {
        members.forEach(member -> member.getLifecycleService().terminate());
    }

    @Test
    void keysTakeWritesAgainAfterAMoveWasLost() throws Exception {
        HazelcastInstance first = Hazelcast.newHazelcastInstance(MusterHazelcast.found(config()));
        members.add(first);
        IMap<String, Object> map = first.getMap(MusterHazelcast.MAP_NAME);
        for (int key = 0; key < KEYS; key++) {
            map.put(StoreKeys.located(key(key)), new byte[] {1});
        }
        var loss = new LosesOneMove();
        var at = first.getCluster().getLocalMember().getAddress();
        Config joining = MusterHazelcast.join(config(), at.getHost() + ":" + at.getPort(), List.of());
        members.add(HazelcastInstanceFactory.newHazelcastInstance(joining, CLUSTER + "-second", loss));

        long beganNanos = System.nanoTime();
        boolean unanswered = false;
        while (!loss.lost.get() || !allAnswer(map)) {
            unanswered |= loss.lost.get();
            assertThat(elapsedMs(beganNanos))
                    .as("ms in which some writes are not answered, lost a move: " + loss.lost)
                    .isLessThan(ANSWERED_WITHIN_MS);
        }
        System.out.printf(
                "a lost move of a partition: its keys take writes again after %d ms%n", elapsedMs(beganNanos));
        assertThat(unanswered).as("the loss was felt").isTrue();
    }

    private static String key(int number) {
        return new StoreKeys(new GroupName("g" + number)).epoch();
    }

    private static boolean allAnswer(IMap<String, Object> map) throws Exception {
        List<CompletableFuture<Object>> answers = new ArrayList<>();
        for (int key = 0; key < KEYS; key++) {
            answers.add(
                    map.putAsync(StoreKeys.located(key(key)), new byte[] {2}).toCompletableFuture());
        }
        try {
            CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).get(500, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException _) {
            return false;
        }
    }

    private static long elapsedMs(long sinceNanos) {
        return (System.nanoTime() - sinceNanos) / 1_000_000;
    }

    /**
     * The configuration of the product with fewer partitions, so that keys lie in all of them, and a shorter call
     * timeout, which is part of the time until a move is given up, so that the test ends sooner.
     */
    private static Config config() {
        Config config = MusterHazelcast.reference().setClusterName(CLUSTER);
        config.setProperty("hazelcast.partition.count", String.valueOf(PARTITIONS));
        config.setProperty("hazelcast.operation.call.timeout.millis", "3000");
        return MusterHazelcast.bindTo(config, new MusterHazelcast.Bind("127.0.0.1", 0));
    }

    /** A member to which the first message that moves a partition does not get through. */
    private static final class LosesOneMove extends DefaultNodeContext {
        private final AtomicBoolean lost = new AtomicBoolean();

        @Override
        public NodeExtension createNodeExtension(Node node) {
            return new DefaultNodeExtension(node) {
                @Override
                @SuppressWarnings("rawtypes") // as Hazelcast declares it
                public InboundHandler[] createInboundHandlers(
                        EndpointQualifier qualifier, ServerConnection connection, ServerContext context) {
                    return new InboundHandler[] {
                        new PacketDecoder(connection, packet -> {
                            if (!isFirstMove(node, packet)) {
                                node.getNodeEngine().getPacketDispatcher().accept(packet);
                            }
                        })
                    };
                }
            };
        }

        private boolean isFirstMove(Node node, Packet packet) {
            return !lost.get()
                    && packet.getPacketType() == Packet.Type.OPERATION
                    && !packet.isFlagRaised(Packet.FLAG_OP_RESPONSE)
                    && !packet.isFlagRaised(Packet.FLAG_OP_CONTROL)
                    && node.getSerializationService().toObject(packet) instanceof MigrationOperation
                    && !lost.getAndSet(true);
        }
    }
}
