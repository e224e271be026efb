// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** The state of a GPU after a failed call. Links over a GPU are lost if the failure is fatal. */
public enum GpuTrouble {
    /** Only this call failed; the next one may succeed. */
    CALL_FAILED(false, "see the failed call"),
    OUT_OF_MEMORY(false, "free memory on that GPU, or register less"),
    PEER_ACCESS_DENIED(
            false,
            "these two GPUs can't reach each other (MIG, a switch or a virtual machine in between): use another "
                    + "transport"),
    NOT_PERMITTED(false, "this process has no IMEX channel, or may not share that memory"),
    /** The context is unusable: no call of this process on that GPU can succeed. */
    CONTEXT_DEAD(true, "a kernel of this process has failed on that GPU: restart the process, and find the kernel"),
    /** The hardware or its driver failed. */
    DEVICE_LOST(
            true, "see nvidia-smi and the Xid messages in the kernel's log; reset the GPU, then restart the process"),
    /** The GPU's memory is corrupt or its link is down. */
    HARDWARE_ERROR(true, "see nvidia-smi -q (ECC, NVLink) and the Xid messages in the kernel's log");

    private final boolean fatal;
    private final String whatToDo;

    GpuTrouble(boolean fatal, String whatToDo) {
        this.fatal = fatal;
        this.whatToDo = whatToDo;
    }

    /** True if no further call of this process on that GPU can succeed. */
    public boolean isFatal() {
        return fatal;
    }

    /** Classifies by the status, as {@code cuda.h} describes it. */
    public static GpuTrouble of(CudaFailure failure) {
        return switch (failure.status()) {
            case 2 -> OUT_OF_MEMORY;
            case 217, 704, 705 -> PEER_ACCESS_DENIED; // PEER_ACCESS_UNSUPPORTED, ALREADY_ENABLED, NOT_ENABLED
            case 101, 801 ->
                PEER_ACCESS_DENIED; // INVALID_DEVICE, NOT_SUPPORTED: results of mapping on an unreachable device
            case CudaFailure.NOT_PERMITTED -> NOT_PERMITTED;
            // DEINITIALIZED, INVALID_CONTEXT, CONTEXT_IS_DESTROYED, then the statuses after a failed kernel
            case 4, 201, 709, 700, 702, 710, 714, 715, 716, 717, 718, 719 -> CONTEXT_DEAD;
            case 46, 100, 802, 999 -> DEVICE_LOST; // DEVICE_UNAVAILABLE, NO_DEVICE, SYSTEM_NOT_READY, UNKNOWN
            case 214, 220, 226 -> HARDWARE_ERROR; // ECC_UNCORRECTABLE, NVLINK_UNCORRECTABLE, CONTAINED
            default -> CALL_FAILED;
        };
    }

    /** Describes a failure and its remedy in one sentence. */
    public static String sentence(CudaFailure failure) {
        GpuTrouble trouble = of(failure);
        return trouble + " (" + failure.text() + "): " + trouble.whatToDo;
    }
}
