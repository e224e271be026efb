// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import io.muster.cuda.driver.HostCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/** A process that passes memory with its process id in it. */
final class DescriptorOwner {
    private DescriptorOwner() {}

    public static void main(String[] args) throws IOException {
        int memory = HostCalls.memory(64);
        long pid = ProcessHandle.current().pid();
        Files.writeString(Path.of("/proc/self/fd/" + memory), "owned by " + pid + " ");
        try (DescriptorServer server = DescriptorServer.open((_, _) -> OptionalInt.of(memory))) {
            System.out.println("serving " + server.name() + " " + pid);
            while (System.in.read() >= 0) {
                // until the test ends
            }
        }
    }
}
