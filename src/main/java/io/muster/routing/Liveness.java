// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.peer.LinkEvent;
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

/** Writes and reads the group part of the liveness messages ({@link Beat}). Called on the channels' contexts. */
final class Liveness {
    private final ProcessPorts ports;
    private final Trust trust;
    /** By channel, the pairs that a link here holds and that the last liveness answer did not list. */
    private final Map<ChannelGeneration, Set<PairId>> doubted = new ConcurrentHashMap<>();

    Liveness(ProcessPorts ports, Trust trust) {
        this.ports = ports;
        this.trust = trust;
    }

    /** The channel has ended. */
    void forget(ChannelGeneration generation) {
        doubted.remove(generation);
    }

    /** The epoch of each group of this process, and the pairs that it holds over this channel. */
    Buffer payload(Channel channel) {
        List<Beat.GroupBeat> beats = new ArrayList<>();
        ports.groups().forEach(group -> {
            Set<Long> pairs = new HashSet<>();
            group.linkTable()
                    .forEach((_, row) -> row.state()
                            .agreed()
                            .filter(session -> session.generation().equals(channel.generation()))
                            .ifPresent(session -> pairs.add(Beat.mix(session.pairId()))));
            EpochRecord epoch = group.barrier().epochSeen();
            var beat = new Beat.GroupBeat(
                    group.name().value(),
                    epoch == null ? 0 : epoch.number(),
                    epoch == null ? null : epoch.state(),
                    pairs);
            beats.add(trust.signed(channel, group.name(), beat));
        });
        return new Beat(beats).encode();
    }

    /** Two answers in a row that do not list a pair held here mean that the other end does not hold it. */
    void received(Channel channel, Buffer payload) {
        if (!(Beat.decode(payload) instanceof Decoded.Valid<Beat>(Beat beat))) {
            return;
        }
        Map<String, Beat.GroupBeat> theirs = new HashMap<>();
        beat.groups().forEach(group -> theirs.put(group.group(), group));
        Set<PairId> doubts = new HashSet<>();
        Set<PairId> before = doubted.getOrDefault(channel.generation(), Set.of());
        ports.groups().forEach(group -> {
            Beat.GroupBeat their = theirs.get(group.name().value());
            if (their != null && !trust.isAuthentic(channel, group.name(), their)) {
                trust.distrust(channel, group.name(), "a liveness answer that its secret did not sign");
                return;
            }
            if (their != null && their.state() != null) {
                peerSaw(group, their.epoch(), their.state());
            }
            Set<Long> held = their == null ? Set.of() : their.pairs();
            group.linkTable().forEach((key, row) -> {
                if (row.state() instanceof LinkState.Connected(var _, Session session, var _, var _)
                        && session != null
                        && session.generation().equals(channel.generation())
                        && !held.contains(Beat.mix(session.pairId()))) {
                    doubts.add(session.pairId());
                    if (before.contains(session.pairId())) {
                        group.links().send(key.rank(), key.peer(), new LinkEvent.PairNotHeld(session.pairId()));
                    }
                }
            });
        });
        doubted.put(channel.generation(), doubts);
        if (!channel.isAlive()) {
            doubted.remove(channel.generation());
        }
    }

    /** Passes on only a greater epoch: most answers bring nothing new and should cost the group nothing. */
    private static void peerSaw(RoutedGroup group, long number, EpochRecord.State state) {
        EpochRecord known = group.barrier().epochSeen();
        if (known == null || known.isBehind(number, state)) {
            group.barrier().execute(core -> core.peerSaw(number, state));
        }
    }
}
