// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.net.InetAddress;

/** Hosts and ports as text. */
public final class HostPort {
    private HostPort() {}

    /** {@code host:port}, with an IPv6 address in brackets. */
    public static String text(String host, int port) {
        return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
    }

    /** Whether the text is an IP address, and no name that has to be resolved. */
    public static boolean isLiteral(String host) {
        try {
            InetAddress.ofLiteral(host);
            return true;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }
}
