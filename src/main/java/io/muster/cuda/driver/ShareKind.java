// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** How memory is shared with another process: the driver's {@code CUmemAllocationHandleType}. */
public enum ShareKind {
    /** {@code CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR}: processes of one host. */
    POSIX("posix", 1),
    /** {@code CU_MEM_HANDLE_TYPE_FABRIC}: processes of one fabric, also on other hosts; needs an IMEX channel. */
    FABRIC("fabric", 8);

    private final String label;
    private final int handleType;

    ShareKind(String label, int handleType) {
        this.label = label;
        this.handleType = handleType;
    }

    int handleType() {
        return handleType;
    }

    @Override
    public String toString() {
        return label;
    }
}
