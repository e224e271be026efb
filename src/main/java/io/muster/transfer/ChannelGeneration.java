// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

/**
 * Identifies one channel among all that two processes open one after the other: the random hello nonces of both ends of
 * the control connection. Both ends hold the same pair, each with its own nonce first.
 */
public record ChannelGeneration(long mine, long theirs) {}
