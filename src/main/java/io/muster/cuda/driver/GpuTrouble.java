// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

/** What a failed call says about the GPU as a whole: the rule by which a link over it is kept or lost. */
public enum GpuTrouble {
    /** Only this call failed: the next may work. */
    CALL_FAILED(false, "see the call"),
    OUT_OF_MEMORY(false, "free memory on that GPU, or register less"),
    PEER_ACCESS_DENIED(
            false,
            "these two GPUs can't reach each other (MIG, a switch or a virtual machine in between): use another transport"),
    NOT_PERMITTED(false, "this process has no IMEX channel, or may not share that memory"),
    /** The context is poisoned: nothing in this process works on that GPU any more. */
    CONTEXT_DEAD(true, "a kernel of this process has failed on that GPU: end the process, and look for the kernel"),
    /** The hardware, or the driver below it. */
    DEVICE_LOST(
            true,
            "see nvidia-smi and the Xid messages in the kernel's log; the GPU has to be reset, then the process started again"),
    /** Its memory is wrong or its link is down. */
    HARDWARE_ERROR(true, "see nvidia-smi -q (ECC, NVLink) and the Xid messages in the kernel's log");

    private final boolean fatal;
    private final String whatToDo;

    GpuTrouble(boolean fatal, String whatToDo) {
        this.fatal = fatal;
        this.whatToDo = whatToDo;
    }

    /** True if nothing more can be done with that GPU in this process. */
    public boolean isFatal() {
        return fatal;
    }

    /** By the status, as {@code cuda.h} describes it. */
    public static GpuTrouble of(CudaFailure failure) {
        return switch (failure.status()) {
            case 2 -> OUT_OF_MEMORY;
            case 217, 704, 705 -> PEER_ACCESS_DENIED; // PEER_ACCESS_UNSUPPORTED, ALREADY_ENABLED, NOT_ENABLED
            case 101, 801 ->
                PEER_ACCESS_DENIED; // INVALID_DEVICE, NOT_SUPPORTED: what mapping on a device out of reach answers
            case CudaFailure.NOT_PERMITTED -> NOT_PERMITTED;
            // DEINITIALIZED, INVALID_CONTEXT, CONTEXT_IS_DESTROYED, then what a failing kernel leaves behind
            case 4, 201, 709, 700, 702, 710, 714, 715, 716, 717, 718, 719 -> CONTEXT_DEAD;
            case 46, 100, 802, 999 -> DEVICE_LOST; // DEVICE_UNAVAILABLE, NO_DEVICE, SYSTEM_NOT_READY, UNKNOWN
            case 214, 220, 226 -> HARDWARE_ERROR; // ECC_UNCORRECTABLE, NVLINK_UNCORRECTABLE, CONTAINED
            default -> CALL_FAILED;
        };
    }

    /** The sentence of a failure: what happened, and what to do. */
    public static String sentence(CudaFailure failure) {
        GpuTrouble trouble = of(failure);
        return trouble + " (" + failure.text() + "): " + trouble.whatToDo;
    }
}
