// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.epoch.LocalMember;
import io.muster.group.Member;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatState;
import io.muster.segment.RankEntry;
import java.util.Map;

/** Sends the values of the peers' keys to the links of this process. */
final class LinkUpdates {
    private final GroupPorts ports;
    private final Directory directory;
    private final Map<Integer, SeatState> seats;

    LinkUpdates(GroupPorts ports, Directory directory, Map<Integer, SeatState> seats) {
        this.ports = ports;
        this.directory = directory;
        this.seats = seats;
    }

    /**
     * Sends an event to the link of every rank that holds its seat. A rank that is leaving keeps its links until LEFT
     * is in the store; they are told only that the peer has left.
     */
    void send(int peer, LinkEvent event) {
        seats.forEach((rank, state) -> {
            if (state instanceof SeatState.Held
                    || (state instanceof SeatState.Leaving && event instanceof LinkEvent.PeerLeft)) {
                ports.links().send(rank, peer, event);
            }
        });
    }

    void send(RankEntry entry) {
        send(entry.member().rank(), linkEvent(entry));
    }

    /** Opens the links of a rank that has taken its seat, and sends them the known entries. */
    void open(Member self) {
        ports.links().open(self);
        ports.links().send(self.rank(), self.rank(), new LinkEvent.Started());
        directory.newest().forEach((rank, seen) -> {
            if (rank != self.rank() && seen.value() != null) {
                ports.links().send(self.rank(), rank, linkEvent(seen.value()));
            }
        });
        directory
                .rejected()
                .forEach((rank, why) ->
                        ports.links().send(self.rank(), rank, new LinkEvent.HandleRejected(why.reason())));
    }

    /** Sends each LIVE entry again to links that are not connected: a link may wait for it again. It is idempotent. */
    void resend(Map<Integer, LocalMember> barrierSeats) {
        barrierSeats.forEach((rank, seat) -> directory.newest().forEach((peer, seen) -> {
            RankEntry entry = seen.value();
            if (entry != null
                    && entry.isLive()
                    && !peer.equals(rank)
                    && seat.links().get(peer) == null) {
                ports.links().send(rank, peer, linkEvent(entry));
            }
        }));
    }

    private LinkEvent linkEvent(RankEntry entry) {
        return switch (entry.state()) {
            case LIVE -> new LinkEvent.HandlePublished(entry, ports.network().reach(entry));
            case GONE ->
                new LinkEvent.HandleWithdrawn(
                        entry.member(),
                        "its process (pid " + entry.handle().pid() + " at "
                                + entry.handle().host() + ") left the store's cluster without leaving the group");
            case LEFT -> new LinkEvent.PeerLeft(entry.member(), "left in order");
        };
    }
}
