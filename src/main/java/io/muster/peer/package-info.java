/**
 * One peer connection: its states, events, effects, the pure machine that moves between them, the messages of the
 * handshake, and the verticle that runs it. Read {@link io.muster.peer.LinkMachine} first. Imports bus, transfer,
 * segment, group. Invariant: a link is CONNECTED only over a channel that is alive, to a life that is not known to be
 * over, with a proof that says why.
 */
@NullMarked
package io.muster.peer;

import org.jspecify.annotations.NullMarked;
