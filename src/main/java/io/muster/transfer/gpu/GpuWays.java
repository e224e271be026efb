// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.segment.GpuRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * Which ways to GPU memory of another process are worth trying, the best first, and why the others are not: a pure
 * function of what its handle says and of where it is. Trying is what decides: the first way whose memory can be mapped
 * and read is used.
 */
record GpuWays(List<Way> ways, List<String> refused) {

    /** One way; its text names it in reports. */
    enum Kind {
        UNIX_SOCKET("posix over a unix socket"),
        IPC("cuda-ipc"),
        FABRIC("fabric");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }
    }

    record Way(Kind kind, GpuRecord record) {}

    /** @param sameHost both processes have the same boot id and network namespace */
    static GpuWays of(List<GpuRecord> records, boolean sameHost) {
        List<Way> ways = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        for (GpuRecord record : records) {
            switch (record.kind()) {
                case FABRIC -> ways.add(new Way(Kind.FABRIC, record));
                case POSIX_FD -> {
                    if (sameHost) {
                        ways.add(new Way(Kind.UNIX_SOCKET, record));
                    } else {
                        refused.add("posix: the owner is on another host, or in another network namespace");
                    }
                }
                case CUDA_IPC -> {
                    if (sameHost) {
                        ways.add(new Way(Kind.IPC, record));
                    } else {
                        refused.add("cuda-ipc: the owner is on another host, or in another network namespace");
                    }
                }
            }
        }
        return new GpuWays(List.copyOf(ways), List.copyOf(refused));
    }
}
