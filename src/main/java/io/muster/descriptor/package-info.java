/**
 * Passes open file descriptors to other processes of this host over a Unix socket, and receives them. Read
 * {@link io.muster.descriptor.DescriptorServer} first. Imports group. Invariant: a process gets a region's descriptor
 * only if it runs as the same user and knows the region's key.
 */
@NullMarked
package io.muster.descriptor;

import org.jspecify.annotations.NullMarked;
