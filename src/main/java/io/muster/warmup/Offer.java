// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.FabricVerdict;
import io.muster.group.ProcessId;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What one end of a link brings to the plan, taken from its handle.
 *
 * @param mode its {@code warmup.mode}
 * @param fabric its verdict on its fabric
 * @param transports the names of the transports by which it can be reached, the best first
 * @param process where it lives
 */
public record Offer(WarmupMode mode, FabricVerdict fabric, List<String> transports, ProcessId process) {
    /** The transport between ranks of one process. */
    public static final String LOCAL = "local";
    /** The transport over memory of GPUs. */
    public static final String CUDA = "cuda";
    /** More transports than this are no offer: it may come from outside. */
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
