// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/** What to say when a port cannot be opened because it is in use. */
public final class BusyPort {
    private BusyPort() {}

    /**
     * One sentence.
     *
     * @param port 0: any free one was asked for
     * @param setting the setting that chooses the port
     */
    public static String sentence(int port, String setting) {
        return port == 0
                ? "this host has no free port left; end programs that hold connections, or widen"
                        + " net.ipv4.ip_local_port_range"
                : "another process listens on port " + port + "; stop it, or choose another port (" + setting + ")";
    }
}
