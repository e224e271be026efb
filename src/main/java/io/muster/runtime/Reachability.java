// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import java.net.InetAddress;
import java.net.UnknownHostException;

/**
 * Decides which published addresses can be dialled from this process.
 *
 * @param process this one
 * @param hostId of this host
 */
record Reachability(ProcessId process, String hostId) {
    /** Whether an entry's address can be valid from here. */
    LinkEvent.Reach of(RankEntry entry) {
        SegmentHandle handle = entry.handle();
        if (handle.process().equals(process)) {
            return new LinkEvent.Reach.SameProcess();
        }
        if (!handle.hostId().equals(hostId) && isOnlyLocal(handle.host())) {
            return new LinkEvent.Reach.Unusable(
                    "rank " + entry.member().rank() + " of group " + entry.group() + " (pid " + handle.pid()
                            + " on another host) publishes the address " + handle.host()
                            + ", which only its own host can reach; start it with --bind (or "
                            + "endpoint.advertise) set to an address that others reach");
        }
        return new LinkEvent.Reach.Dialable();
    }

    private static boolean isOnlyLocal(String host) {
        if (host.equalsIgnoreCase("localhost")) {
            return true;
        }
        boolean numeric = host.chars().allMatch(c -> Character.digit(c, 16) >= 0 || c == '.' || c == ':' || c == '%');
        if (!numeric) {
            return false;
        }
        try {
            InetAddress address = InetAddress.getByName(host);
            return address.isLoopbackAddress() || address.isAnyLocalAddress();
        } catch (UnknownHostException _) {
            return false;
        }
    }
}
