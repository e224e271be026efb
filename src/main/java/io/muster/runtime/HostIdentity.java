// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells whether two processes share a host and a network namespace: the boot id and the namespace, not the name. */
public final class HostIdentity {
    private HostIdentity() {}

    /** Elsewhere than on Linux: the host's name, which is the best there is. */
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
