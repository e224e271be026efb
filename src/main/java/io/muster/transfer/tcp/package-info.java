/**
 * Channels between two processes over TCP: dialling, hello, control and bulk connections, liveness. Read
 * {@link io.muster.transfer.tcp.TcpTransport} first. Imports transfer.memory, transfer, group. Invariant: the loss of
 * any connection of a channel ends the channel.
 */
@NullMarked
package io.muster.transfer.tcp;

import org.jspecify.annotations.NullMarked;
