// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.runtime.StartDependencies;

/** Faults for tests that start a process with dependencies of their own. */
public final class TransportUnderTest {
    private TransportUnderTest() {}

    public static StartDependencies.TransportStart with(TransportFaults faults) {
        return faults::around;
    }
}
