// SPDX-License-Identifier: Apache-2.0

package io.muster;

/**
 * A segment in the published handle of a rank.
 *
 * @param name unique within the rank
 * @param bytes its length
 * @param isOnGpu whether it is memory of a GPU
 */
public record PublishedSegment(String name, long bytes, boolean isOnGpu) {}
