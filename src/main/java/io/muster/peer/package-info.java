/**
 * One peer connection: its states, events, effects, the pure machine that moves between them, the messages of the
 * handshake, and the verticle that runs it. Read {@link io.muster.peer.LinkMachine} first. Imports bus, transfer,
 * segment, wire, group. Invariant: a link becomes CONNECTED only over a channel that is alive, to a life that is not
 * known to be over, and with a proof that names its kind. A link inside one process needs no channel.
 */
@NullMarked
package io.muster.peer;

import org.jspecify.annotations.NullMarked;
