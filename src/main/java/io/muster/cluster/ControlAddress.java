// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.HostPort;
import io.muster.group.MusterException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/**
 * The address of a process's control port.
 *
 * @param host a name or an address, without brackets
 * @param port 0 only for a port that is not open yet: any free one
 */
public record ControlAddress(String host, int port) {
    public static final int DEFAULT_PORT = 7600;

    public ControlAddress {
        if (host.isBlank()) {
            throw MusterException.config("a control address needs a host, got ':" + port + "'");
        }
        if (port < 0 || port > 65_535) {
            throw MusterException.config("the port of control address " + host + " must be in 0..65535, got " + port);
        }
    }

    /**
     * {@code host}, {@code host:port}, {@code [ipv6]:port} or a bare IPv6 address.
     *
     * @throws MusterException of kind CONFIG
     */
    public static ControlAddress parse(String text) {
        String trimmed = text.strip();
        int colon = trimmed.lastIndexOf(':');
        if (trimmed.startsWith("[")) {
            int bracket = trimmed.indexOf(']');
            if (bracket < 0 || (bracket != trimmed.length() - 1 && bracket != colon - 1)) {
                throw MusterException.config("expected [address]:port, got '" + text + "'");
            }
            String host = trimmed.substring(1, bracket);
            return new ControlAddress(host, colon > bracket ? port(trimmed.substring(colon + 1), text) : DEFAULT_PORT);
        }
        if (colon < 0 || trimmed.indexOf(':') != colon) {
            return new ControlAddress(trimmed, DEFAULT_PORT);
        }
        return new ControlAddress(trimmed.substring(0, colon), port(trimmed.substring(colon + 1), text));
    }

    /**
     * Addresses separated by commas, in order.
     *
     * @throws MusterException of kind CONFIG, with all mistakes
     */
    public static List<ControlAddress> parseList(String text) {
        List<ControlAddress> addresses = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        for (String one : text.split(",", 0)) {
            try {
                addresses.add(parse(one));
            } catch (MusterException e) {
                wrong.add(e.getMessage());
            }
        }
        if (addresses.isEmpty() && wrong.isEmpty()) {
            wrong.add("names no address");
        }
        if (!wrong.isEmpty()) {
            throw MusterException.config("member list '" + text + "': " + String.join("; ", wrong));
        }
        return List.copyOf(addresses);
    }

    private static int port(String digits, String text) {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException _) {
            throw MusterException.config("'" + digits + "' in '" + text + "' is not a port number");
        }
    }

    /** All addresses of the host, in the order of the resolver; empty if the name can't be resolved. May block. */
    public List<InetAddress> resolve() {
        try {
            return List.of(InetAddress.getAllByName(host));
        } catch (UnknownHostException _) {
            return List.of();
        }
    }

    /** Whether the host is an address and not a name. */
    public boolean isLiteral() {
        return HostPort.isLiteral(host);
    }

    @Override
    public String toString() {
        return HostPort.text(host, port);
    }
}
