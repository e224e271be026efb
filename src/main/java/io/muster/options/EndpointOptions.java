// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import java.util.Set;

/**
 * Where this process listens, and the address that it publishes in its handles.
 *
 * @param bind address to listen on, IPv4 or IPv6, a name of this host, or a wildcard such as 0.0.0.0
 * @param port data port, 0: any free one
 * @param controlPort control port of the process (cluster forming, status), 0: any free one, -1: none
 * @param advertise address or name that others dial, empty: the address of bind
 */
public record EndpointOptions(String bind, int port, int controlPort, String advertise) {
    private static final Set<String> WILDCARDS = Set.of("0.0.0.0", "::", "0:0:0:0:0:0:0:0", "[::]", "*");

    static final EndpointOptions DEFAULTS = new EndpointOptions("127.0.0.1", 0, 7600, "");

    public EndpointOptions {
        Mistakes mistakes = new Mistakes("endpoint");
        mistakes.address("bind", bind);
        mistakes.range("port", port, 0, 65_535, "port number (0: any)");
        mistakes.range("controlPort", controlPort, -1, 65_535, "port number (0: any, -1: off)");
        if (!advertise.isEmpty()) {
            mistakes.address("advertise", advertise);
        }
        if (WILDCARDS.contains(advertise)) {
            mistakes.add("advertise", "must be one address that other hosts can dial, got '" + advertise + "'");
        } else if (advertise.isEmpty() && WILDCARDS.contains(bind)) {
            mistakes.add("advertise", "must be set when endpoint.bind is '" + bind + "', which is no address to dial");
        }
        if (port > 0 && port == controlPort) {
            mistakes.add("controlPort", "must differ from endpoint.port, both are " + port);
        }
        mistakes.throwIfAny();
    }

    /** Whether it listens on every interface. */
    public boolean isWildcard() {
        return WILDCARDS.contains(bind);
    }

    public EndpointOptions withBind(String bind) {
        return new EndpointOptions(bind, port, controlPort, advertise);
    }

    public EndpointOptions withPort(int port) {
        return new EndpointOptions(bind, port, controlPort, advertise);
    }

    public EndpointOptions withControlPort(int controlPort) {
        return new EndpointOptions(bind, port, controlPort, advertise);
    }

    public EndpointOptions withAdvertise(String advertise) {
        return new EndpointOptions(bind, port, controlPort, advertise);
    }
}
