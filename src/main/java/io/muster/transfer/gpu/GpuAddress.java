// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.gpu;

import io.muster.wire.CanonicalReader;
import io.muster.wire.CanonicalReader.MalformedException;
import io.muster.wire.CanonicalWriter;

/**
 * What the handle of a {@code POSIX_FD} record says: where its owner hands the descriptor out, and its number there.
 *
 * @param pid of the owner, for where a descriptor may be taken
 * @param descriptor the owner's number
 * @param server name of the owner's socket
 */
record GpuAddress(long pid, int descriptor, String server) {
    private static final int MAX_NAME = 100;

    byte[] encode() {
        return new CanonicalWriter().i64(pid).i32(descriptor).text(server).toByteArray();
    }

    static GpuAddress decode(byte[] handle) throws MalformedException {
        var in = new CanonicalReader(handle);
        var address = new GpuAddress(in.i64("pid"), in.i32("descriptor"), in.text("server", MAX_NAME));
        in.end();
        return address;
    }
}
