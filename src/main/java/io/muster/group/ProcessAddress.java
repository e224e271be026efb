// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

/**
 * Where a process can be dialled, and the process that must answer there.
 *
 * @param host a numeric address or a name, as published
 * @param port 1 to 65535
 */
public record ProcessAddress(ProcessId process, String host, int port) {
    public ProcessAddress {
        if (host.isBlank() || host.length() > 255) {
            throw new IllegalArgumentException("host has " + host.length() + " characters");
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port " + port + " is not in 1..65535");
        }
    }

    @Override
    public String toString() {
        return HostPort.text(host, port);
    }
}
