// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * What a write into another process's registered memory must name: never a raw address.
 *
 * @param id number of the region within its process
 * @param key the remote key: random, dies with the registration
 * @param bytes length of the region
 */
public record RemoteRegion(int id, long key, long bytes) {
    public RemoteRegion {
        if (bytes < 0) {
            throw new IllegalArgumentException("region of " + bytes + " bytes");
        }
    }
}
