// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.segment.GpuRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * The ways to map GPU memory of another process that are worth trying, best first, and why the others are not. A pure
 * function of the handle and of the owner's host. The first way that maps is used.
 */
record GpuWays(List<Way> ways, List<String> refused) {

    /** A kind of way; its text appears in reports. */
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
