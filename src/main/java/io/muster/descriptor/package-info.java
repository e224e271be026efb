/**
 * Handing open file descriptors to other processes of this host, over a Unix socket, or taking them where the system
 * allows it. Read {@link io.muster.descriptor.DescriptorServer} first. Imports nothing of Muster. Invariant: only a
 * process of the same user that knows a region's key is given its descriptor.
 */
@NullMarked
package io.muster.descriptor;

import org.jspecify.annotations.NullMarked;
