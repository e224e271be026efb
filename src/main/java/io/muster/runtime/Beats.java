// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.barrier.Beat;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMachine;
import io.muster.peer.LinkState;
import io.muster.peer.PairId;
import io.muster.peer.Session;
import io.muster.segment.EpochRecord;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What the liveness messages of the control connections carry of the groups. Called on the channels' contexts. */
final class Beats {
    private final MusterProcess process;
    /** Pairs that the last liveness answer of a channel did not list though a link here holds them. */
    private final Map<ChannelGeneration, Set<PairId>> doubted = new ConcurrentHashMap<>();

    Beats(MusterProcess process) {
        this.process = process;
    }

    /** The channel has ended. */
    void forget(ChannelGeneration generation) {
        doubted.remove(generation);
    }

    /**
     * What this process tells over a channel of all its groups: the epoch, and the pairs that it holds over this
     * channel.
     */
    Buffer payload(Channel channel) {
        List<Beat.GroupBeat> beats = new ArrayList<>();
        process.groups().values().forEach(group -> {
            Set<Long> pairs = new HashSet<>();
            group.links()
                    .forEach((_, row) -> LinkMachine.session(row.state())
                            .filter(session -> session.generation().equals(channel.generation()))
                            .ifPresent(session -> pairs.add(Beat.mix(session.pairId()))));
            EpochRecord epoch = group.barrier().epochSeen();
            var beat = new Beat.GroupBeat(
                    group.name().value(),
                    epoch == null ? 0 : epoch.number(),
                    epoch == null ? null : epoch.state(),
                    pairs);
            GroupSeals seals = group.seals();
            beats.add(seals == null ? beat : beat.signed(seals.signBeat(channel, beat.statement())));
        });
        return new Beat(beats).encode();
    }

    /** A pair that a link here holds, and two answers in a row did not list, is not held there. */
    void received(Channel channel, Buffer payload) {
        if (!(Beat.decode(payload) instanceof Decoded.Valid<Beat>(Beat beat))) {
            return;
        }
        Map<String, Beat.GroupBeat> theirs = new HashMap<>();
        beat.groups().forEach(group -> theirs.put(group.group(), group));
        Set<PairId> doubts = new HashSet<>();
        Set<PairId> before = doubted.getOrDefault(channel.generation(), Set.of());
        process.groups().values().forEach(group -> {
            Beat.GroupBeat their = theirs.get(group.name().value());
            GroupSeals seals = group.seals();
            if (seals != null
                    && their != null
                    && !seals.isAuthenticBeat(channel, their.statement(), their.signature())) {
                process.distrust(channel, group.name(), "a liveness answer that its secret did not sign");
                return;
            }
            if (their != null && their.state() != null) {
                group.barrier().peerSaw(their.epoch(), their.state());
            }
            Set<Long> held = their == null ? Set.of() : their.pairs();
            group.links().forEach((key, row) -> {
                if (row.state() instanceof LinkState.Connected(var _, Session session, var _, var _)
                        && session != null
                        && session.generation().equals(channel.generation())
                        && !held.contains(Beat.mix(session.pairId()))) {
                    doubts.add(session.pairId());
                    if (before.contains(session.pairId())) {
                        group.tellLink(key.rank(), key.peer(), new LinkEvent.PairNotHeld(session.pairId()));
                    }
                }
            });
        });
        doubted.put(channel.generation(), doubts);
        if (!channel.isAlive()) {
            doubted.remove(channel.generation());
        }
    }
}
