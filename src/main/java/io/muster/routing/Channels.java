// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ControlKind;
import io.vertx.core.buffer.Buffer;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The living channels of a process. Entered and removed on the channels' contexts, looked up on all. */
public final class Channels {
    private final Map<ChannelGeneration, Channel> living = new ConcurrentHashMap<>();

    /** Enters a channel, unless it has ended: its loss may have been handled already. */
    void enter(Channel channel) {
        living.put(channel.generation(), channel);
        if (!channel.isAlive()) {
            living.remove(channel.generation());
        }
    }

    void remove(ChannelGeneration generation) {
        living.remove(generation);
    }

    /** The channel of this generation, null once it has ended. */
    public @Nullable Channel of(ChannelGeneration generation) {
        Channel channel = living.get(generation);
        return channel != null && channel.isAlive() ? channel : null;
    }

    /** A living channel to a process, null if there is none. */
    public @Nullable Channel to(ProcessId process) {
        return living.values().stream()
                .filter(channel -> channel.peer().equals(process) && channel.isAlive())
                .findFirst()
                .orElse(null);
    }

    /** A copy of the living channels. */
    public Collection<Channel> all() {
        return List.copyOf(living.values());
    }

    void broadcast(Buffer gossip, Predicate<ProcessId> to) {
        for (Channel channel : living.values()) {
            if (to.test(channel.peer())) {
                channel.send(ControlKind.GOSSIP, gossip);
            }
        }
    }
}
