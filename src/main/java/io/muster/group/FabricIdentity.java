// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import java.util.UUID;

/**
 * Identity of a fabric: GPUs with the same identity reach each other's memory.
 *
 * @param clusterUuid never zero: a zero cluster UUID means that there is no fabric
 * @param clique the part of the cluster, an unsigned number
 */
public record FabricIdentity(UUID clusterUuid, int clique) {
    private static final UUID ZERO = new UUID(0, 0);
    private static final int UUID_LENGTH = 36;

    public FabricIdentity {
        if (isNoFabric(clusterUuid)) {
            throw new IllegalArgumentException("a zero cluster UUID is no fabric");
        }
    }

    /** True for the cluster UUID of GPUs that are in no fabric. */
    public static boolean isNoFabric(UUID clusterUuid) {
        return clusterUuid.equals(ZERO);
    }

    /**
     * Reads {@code CLUSTERUUID/CLIQUE}, such as {@code 6ba7b810-9dad-11d1-80b4-00c04fd430c8/7}.
     *
     * @throws MusterException of kind CONFIG if the text is anything else, or the UUID is zero
     */
    public static FabricIdentity parse(String text) {
        int slash = text.indexOf('/');
        if (slash != UUID_LENGTH) { // UUID.fromString takes short forms too
            throw malformed(text, "expected CLUSTERUUID/CLIQUE, such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8/7");
        }
        UUID uuid;
        int clique;
        try {
            uuid = UUID.fromString(text.substring(0, slash));
            clique = Integer.parseUnsignedInt(text.substring(slash + 1));
        } catch (IllegalArgumentException e) {
            throw malformed(text, "expected a UUID, '/' and a number of 0 to 4294967295");
        }
        if (isNoFabric(uuid)) {
            throw malformed(text, "a zero cluster UUID means that there is no fabric");
        }
        return new FabricIdentity(uuid, clique);
    }

    private static MusterException malformed(String text, String why) {
        return MusterException.config("fabric '" + text + "': " + why);
    }

    @Override
    public String toString() {
        return clusterUuid + "/" + Integer.toUnsignedString(clique);
    }
}
