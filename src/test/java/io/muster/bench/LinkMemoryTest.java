// SPDX-License-Identifier: Apache-2.0

package io.muster.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The target: at most 6 KiB of heap per peer connection at 1,000 peers in one process. It prints the measured value.
 */
class LinkMemoryTest {
    @Test
    @Timeout(120)
    void aPeerConnectionTakesAtMostSixKibibytesOfHeap() {
        LinkMemory.measure(50); // loads the classes
        LinkMemory.Measured measured = LinkMemory.measure(1_000);
        System.out.println("bytesPerPeer=" + measured.bytesPerPeer() + " " + measured);
        assertThat(measured.bytesPerPeer()).isBetween(1_000L, 6_144L);
    }
}
