// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricVerdict;
import io.muster.group.ProcessId;
import io.muster.group.WarmupMode;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The properties of one end of a link that the plan depends on, taken from its handle.
 *
 * @param mode its {@code warmup.mode}
 * @param fabric the verdict on its fabric
 * @param transports the names of the transports by which it can be reached, best first
 * @param process the process that it runs in
 */
public record Offer(WarmupMode mode, FabricVerdict fabric, List<String> transports, ProcessId process) {
    /** The transport between ranks of one process. */
    public static final String LOCAL = "local";
    /** The transport over GPU memory. */
    public static final String CUDA = "cuda";
    /** Limit on transports, since an offer may come from another process. */
    public static final int MAX_TRANSPORTS = 16;

    private static final Pattern TRANSPORT = Pattern.compile("[a-z0-9-]{1,32}");

    public Offer {
        transports = List.copyOf(transports);
        if (transports.size() > MAX_TRANSPORTS || transports.stream().distinct().count() != transports.size()) {
            throw new IllegalArgumentException(
                    "expected at most " + MAX_TRANSPORTS + " different transports, got " + transports.size());
        }
        for (String transport : transports) {
            if (!TRANSPORT.matcher(transport).matches()) {
                throw new IllegalArgumentException(
                        "a transport's name is 1 to 32 of a-z 0-9 -, got '" + transport + "'");
            }
        }
    }
}
