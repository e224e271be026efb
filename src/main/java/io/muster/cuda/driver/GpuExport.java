// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/**
 * The export of GPU memory, by which another process imports it. Its kind is explicit, never derived from its length.
 */
public sealed interface GpuExport {

    /** An export of {@code cuMemExportToShareableHandle}. */
    sealed interface Shared extends GpuExport {
        ShareKind kind();
    }

    /** A descriptor of this process, which must be passed to the importer; it stays open as long as the memory. */
    record Posix(int descriptor) implements Shared {
        @Override
        public ShareKind kind() {
            return ShareKind.POSIX;
        }
    }

    /** 64 bytes of {@code cuIpcGetMemHandle}: processes of one host. */
    record Ipc(byte[] handle) implements GpuExport {
        public Ipc {
            handle = checked(handle);
        }

        @Override
        public byte[] handle() {
            return handle.clone();
        }
    }

    /** 64 bytes of a {@code CUmemFabricHandle}: processes of one clique. */
    record Fabric(byte[] handle) implements Shared {
        public Fabric {
            handle = checked(handle);
        }

        @Override
        public byte[] handle() {
            return handle.clone();
        }

        @Override
        public ShareKind kind() {
            return ShareKind.FABRIC;
        }
    }

    private static byte[] checked(byte[] handle) {
        if (handle.length != CudaPointerDriver.IPC_HANDLE_BYTES) {
            throw new IllegalArgumentException(
                    "a handle has " + CudaPointerDriver.IPC_HANDLE_BYTES + " bytes, got " + handle.length);
        }
        return handle.clone();
    }
}
