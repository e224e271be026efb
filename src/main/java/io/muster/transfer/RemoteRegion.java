// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * Names registered memory of another process in a write. Raw addresses are never sent.
 *
 * @param id number of the region within its process
 * @param key the remote key: random, and valid as long as the registration
 * @param bytes length of the region
 */
public record RemoteRegion(int id, long key, long bytes) {
    public RemoteRegion {
        if (bytes < 0) {
            throw new IllegalArgumentException("region of " + bytes + " bytes");
        }
    }
}
