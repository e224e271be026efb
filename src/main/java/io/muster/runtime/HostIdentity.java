// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Identifies host and network namespace, by boot id and namespace and not by name: equal for two processes if they
 * share both.
 */
public final class HostIdentity {
    private HostIdentity() {}

    /** On systems other than Linux it is the host's name. */
    public static String current() {
        try {
            String boot =
                    Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
            String network =
                    Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();
            return boot + "/" + network;
        } catch (IOException | UnsupportedOperationException _) {
            try {
                return InetAddress.getLocalHost().getHostName();
            } catch (IOException _) {
                return "unknown";
            }
        }
    }
}
