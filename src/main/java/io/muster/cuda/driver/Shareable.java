// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** What {@code cuMemExportToShareableHandle} gives out, by kind. */
public sealed interface Shareable {

    ShareKind kind();

    /** {@code CUmemFabricHandle}: bytes that mean something in the whole fabric. Nothing to close. */
    record FabricHandle(byte[] bytes) implements Shareable {
        /** {@code CU_IPC_HANDLE_SIZE} in {@code cuda.h}. */
        public static final int BYTES = 64;

        public FabricHandle {
            if (bytes.length != BYTES) {
                throw new IllegalArgumentException("a fabric handle has " + BYTES + " bytes, not " + bytes.length);
            }
            bytes = bytes.clone();
        }

        @Override
        public byte[] bytes() {
            return bytes.clone();
        }

        @Override
        public ShareKind kind() {
            return ShareKind.FABRIC;
        }
    }

    /** An open file descriptor of this process, which has to be closed; what was imported through it stays. */
    record Descriptor(int descriptor) implements Shareable {
        @Override
        public ShareKind kind() {
            return ShareKind.POSIX;
        }
    }
}
