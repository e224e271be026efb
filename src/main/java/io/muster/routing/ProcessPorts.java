// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.peer.LinkEvent;
import io.muster.segment.RankEntry;
import io.muster.transfer.Channel;
import io.vertx.core.Future;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** The services of the process for its routing. May be called from any context. */
public interface ProcessPorts {
    /** The address on which this process listens. */
    ProcessAddress address();

    Collection<? extends RoutedGroup> groups();

    /** The group of this name, null if this process has no rank in it. */
    @Nullable
    RoutedGroup group(GroupName name);

    /** The channel to a process: the living one, or one that is dialled. */
    Future<Channel> dial(ProcessAddress address);

    /** Whether and how the process of an entry can be reached from here. */
    LinkEvent.Reach reach(RankEntry entry);

    /** A random number that names one attempt at a link. */
    long nonce();

    /** Runs the task once, after the delay, unless the returned action has run before. */
    Runnable after(long delayMs, Runnable task);

    /** A message could not be decoded. */
    void malformed(Channel channel, String expected, String reason);
}
