// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.ops.HostFacts.HostAddress;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;

/** The address that a rank would publish in its handle, for a given bind address: a pure function. */
public sealed interface PublishedAddress {

    /** Other hosts can try to reach it. */
    record Published(InetAddress address, String network) implements PublishedAddress {}

    /** Only processes on this host reach it. */
    record OnlyThisHost(InetAddress address, String network) implements PublishedAddress {}

    /** The bind address is the wildcard, and this is the best of several addresses. */
    record Chosen(InetAddress address, String network, List<InetAddress> others) implements PublishedAddress {
        public Chosen {
            others = List.copyOf(others);
        }
    }

    /** No network interface has this address. */
    record NotHere() implements PublishedAddress {}

    /**
     * For the wildcard address: IPv4 before IPv6, in the order of the interfaces; loopback and link-local addresses
     * only if there is no other.
     */
    static PublishedAddress of(InetAddress bind, List<HostAddress> addresses) {
        if (!bind.isAnyLocalAddress()) {
            return addresses.stream()
                    .filter(each -> each.address().equals(bind))
                    .findFirst()
                    .map(PublishedAddress::single)
                    // Linux listens on all of 127.0.0.0/8, of which the interface lists one
                    .orElseGet(() -> bind.isLoopbackAddress() ? new OnlyThisHost(bind, "lo") : new NotHere());
        }
        List<HostAddress> candidates = addresses.stream()
                .filter(each ->
                        !each.address().isLoopbackAddress() && !each.address().isLinkLocalAddress())
                .sorted(Comparator.comparing(each -> !(each.address() instanceof Inet4Address)))
                .toList();
        if (candidates.isEmpty()) {
            return addresses.stream()
                    .filter(each -> each.address().isLoopbackAddress())
                    .findFirst()
                    .map(PublishedAddress::single)
                    .orElseGet(NotHere::new);
        }
        HostAddress best = candidates.getFirst();
        List<InetAddress> others =
                candidates.stream().skip(1).map(HostAddress::address).toList();
        return others.isEmpty() ? single(best) : new Chosen(best.address(), best.network(), others);
    }

    private static PublishedAddress single(HostAddress each) {
        return each.address().isLoopbackAddress()
                ? new OnlyThisHost(each.address(), each.network())
                : new Published(each.address(), each.network());
    }
}
