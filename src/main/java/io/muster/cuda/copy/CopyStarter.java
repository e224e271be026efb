// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.copy;

import io.muster.cuda.driver.GpuCopy;
import java.util.List;

/** A GPU, as far as copies are started on it. Its methods may be called from any thread, and none blocks. */
public interface CopyStarter {
    /** Copies of different lanes do not wait for each other. */
    int LANES = 4;

    void copy(WantedCopy wanted);

    /** Starts all of them in one visit of the GPU's thread, with one event per lane. */
    void copyTogether(List<WantedCopy> batch);

    /** Announces that copies follow soon, so that the GPU's thread can wake up in the meantime. */
    void expect();

    /**
     * Starts one copy in a lane, a number taken modulo {@link #LANES}. Copies of one lane run in their order. Host
     * memory must stay unchanged and allocated until {@code done} is called.
     */
    default void copy(int lane, GpuCopy copy, CopyDone done) {
        copy(lane, List.of(copy), done);
    }

    /** Starts copies that run one after the other, with one {@code done} for all of them. */
    default void copy(int lane, List<GpuCopy> copies, CopyDone done) {
        copy(new WantedCopy(Math.floorMod(lane, LANES), copies, done));
    }
}
