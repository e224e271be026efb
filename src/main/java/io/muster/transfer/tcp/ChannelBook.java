// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupSecret;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.transfer.Channel;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides which channel serves each peer process. It holds at most one dial and one channel per peer at a time.
 *
 * <p><b>What it holds.</b> Per peer a {@link PeerSlot}: the dial of this process that is queued or under way, the
 * channel that is being opened or open, and the promise for the callers that wait. It also holds the generation of the
 * last channel to each of the last 4096 peers, and the queue of dials that exceed the limit of simultaneous ones.
 *
 * <p><b>Threads.</b> Callers of {@link #connect} and all event loops of the transport meet here. This object's monitor
 * guards everything. Under the monitor the book constructs channels and dials and changes its own state, and nothing
 * else. Promises are completed, dials started, and channels ended after the monitor is released, because each of them
 * may call back into the book.
 *
 * <p><b>Order of events.</b> A dial of this end: {@link #connect} queues it and {@link #helloSent} notes its hello.
 * Then comes one of {@link #answered} (its channel enters the slot), {@link #yielded} (the peer's own dial is to be
 * used) or {@link #failed}. {@link #release} is called when it no longer counts as simultaneous. A dial of the peer:
 * {@link #admit} decides on its hello with {@link TieBreak}, and {@link #opening} finds the channel for its bulk hello.
 * A channel: {@link #opened} comes before the call of the listener, {@link #ready} after it, and {@link #ended} at the
 * end. Callers of connect get the channel only when it is ready, so no caller sees a channel before the listener does.
 *
 * <p><b>Invariants.</b> A slot refers only to its current dial and channel. A call for an outdated one has no effect,
 * because each method compares identity first. A channel is constructed with the {@code ended} future of its
 * predecessor, so the listener learns the loss of a channel before the opening of the next one. When a dial fails or a
 * channel ends, and the slot then has neither, the slot is removed and its callers fail.
 *
 * <p><b>The traps.</b> Two processes that dial each other must both keep the same of the two channels, although each
 * may see the hellos in a different order. {@link TieBreak} is a pure function of what both ends know, and the stage of
 * the dial records whether the peer can know of this end's dial. A process that has lost its end of a channel dials
 * again while this end still has the channel. If this end had dialled that channel, the new hello proves the loss by
 * naming its generation. If the peer had dialled it, the new hello proves the loss by a greater dial number. A process
 * that was restarted has a new id at the old address, so a hello ends the channels to other processes at its address.
 * And a stranger must not end a channel with a hello in the name of its peer: a channel over which a secret was proved
 * yields only to a process that proves the same secret.
 */
final class ChannelBook implements TcpChannel.Registry {
    /** An attempt of this process to open a channel. */
    interface Attempt {
        ProcessAddress target();

        /** May connect from now on. From any thread. */
        void start();

        /** Another channel makes it superfluous. From any thread. */
        void cancel();
    }

    /** Whether the peer can know of an attempt. */
    private enum Stage {
        /** No hello was sent. */
        QUEUED,
        /** The hello was sent, so the peer may know of it. */
        HELLO_SENT,
        /** The peer refused the hello, because its own dial is to be used. */
        YIELDED
    }

    private enum Phase {
        OPENING,
        OPEN,
        /** The listener has been called, and callers get the channel. */
        READY
    }

    private static final class PeerSlot {
        @Nullable
        Attempt dial;

        Stage stage = Stage.QUEUED;

        @Nullable
        TcpChannel channel;

        Phase phase = Phase.OPENING;

        @Nullable
        Promise<Channel> waiters;
    }

    /** The last channel to a process. */
    private record Last(ChannelGeneration generation, Future<Void> ended) {}

    /** The answer to a control hello. */
    sealed interface Answer {
        /** The channel entered the slot. The caller ends the replaced channels and the superseded dial. */
        record Admitted(
                TcpChannel channel,
                List<TcpChannel> replaced,
                @Nullable Attempt superseded) implements Answer {}

        record Refused(Refusal.Code code) implements Answer {}
    }

    private static final int REMEMBERED = 4_096;

    private final ProcessId self;
    private final int maxDials;
    private final int timeoutMs;
    private final Map<ProcessId, PeerSlot> slots = new HashMap<>();
    private final Map<ProcessId, Last> lasts = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<ProcessId, Last> eldest) {
            return size() > REMEMBERED;
        }
    };
    private final ArrayDeque<Attempt> queue = new ArrayDeque<>();
    /** The attempts that count as simultaneous. */
    private final Set<Attempt> dialling = new HashSet<>();

    private long ties;
    private boolean closed;

    ChannelBook(ProcessId self, int maxDials, int timeoutMs) {
        this.self = self;
        this.maxDials = maxDials;
        this.timeoutMs = timeoutMs;
    }

    /**
     * Returns the channel to a process: the ready one, or the one that is being opened, or that of a new dial.
     *
     * @param dials constructs a dial from the generation of the last channel to this process
     */
    Future<Channel> connect(ProcessAddress target, Function<@Nullable ChannelGeneration, ? extends Attempt> dials) {
        Promise<Channel> waiters;
        synchronized (this) {
            if (closed) {
                return Future.failedFuture(ConnectFailures.local(target, "this transport is closed"));
            }
            PeerSlot slot = slots.computeIfAbsent(target.process(), _ -> new PeerSlot());
            vacateIfOver(target.process(), slot);
            if (slot.channel != null && slot.phase == Phase.READY) {
                return Future.succeededFuture(slot.channel);
            }
            if (slot.waiters == null) {
                slot.waiters = Promise.promise();
            }
            waiters = slot.waiters;
            if (slot.channel == null && slot.dial == null) {
                Last last = lasts.get(target.process());
                Attempt dial = dials.apply(last == null ? null : last.generation());
                slot.dial = dial;
                slot.stage = Stage.QUEUED;
                queue.add(dial);
            }
        }
        startDials();
        return waiters.future();
    }

    /** Number of dials of this process that yielded to a dial of the peer. */
    synchronized long ties() {
        return ties;
    }

    synchronized Optional<Channel> channel(ProcessId peer) {
        PeerSlot slot = slots.get(peer);
        return slot != null && slot.channel != null && slot.phase != Phase.OPENING && slot.channel.isAlive()
                ? Optional.of(slot.channel)
                : Optional.empty();
    }

    /** The channel that a bulk hello belongs to: being opened, and dialled by the peer. */
    synchronized @Nullable TcpChannel opening(ProcessId peer, ChannelGeneration generation) {
        PeerSlot slot = slots.get(peer);
        return slot != null
                        && slot.channel != null
                        && slot.phase == Phase.OPENING
                        && slot.channel.generation().equals(generation)
                        && !slot.channel.origin().dialledHere()
                ? slot.channel
                : null;
    }

    /**
     * Decides on a control hello. The channel of an accepted one enters the slot. A hello replaces a channel only if
     * its sender proved a secret that the peer of that channel had proved.
     *
     * @param channels constructs the channel from the future that completes when its predecessor has ended
     */
    synchronized Answer admit(Hello hello, Set<GroupSecret.Id> proved, Function<Future<Void>, TcpChannel> channels) {
        PeerSlot slot = slots.computeIfAbsent(hello.sender(), _ -> new PeerSlot());
        vacateIfOver(hello.sender(), slot);
        TieBreak.Verdict verdict = closed
                ? TieBreak.Verdict.STALE_DIAL
                : TieBreak.decide(self, hello.sender(), held(slot), hello.dial(), hello.named());
        boolean replacesChannel = verdict == TieBreak.Verdict.ACCEPT || verdict == TieBreak.Verdict.REPLACE;
        if (replacesChannel && slot.channel != null && !slot.channel.yieldsTo(proved)) {
            return new Answer.Refused(Refusal.Code.UNPROVED);
        }
        return switch (verdict) {
            case USE_MINE -> new Answer.Refused(Refusal.Code.USE_MINE);
            case STALE_DIAL -> new Answer.Refused(Refusal.Code.STALE_DIAL);
            case ACCEPT, REPLACE -> {
                List<TcpChannel> replaced = strangersAt(hello.address(), proved);
                if (slot.channel != null) {
                    replaced.add(slot.channel);
                    vacate(hello.sender(), slot);
                }
                Attempt superseded = slot.dial;
                ties += superseded == null ? 0 : 1;
                slot.dial = null;
                slot.channel = channels.apply(after(hello.sender()));
                slot.phase = Phase.OPENING;
                yield new Answer.Admitted(slot.channel, replaced, superseded);
            }
        };
    }

    /** The hello of a dial is about to be sent. False if the dial is outdated and must not send it. */
    synchronized boolean helloSent(Attempt dial) {
        PeerSlot slot = slotOf(dial);
        if (slot == null) {
            return false;
        }
        slot.stage = Stage.HELLO_SENT;
        return true;
    }

    /** The peer refused the hello because its own dial is to be used. False if this dial is outdated. */
    boolean yielded(Attempt dial) {
        synchronized (this) {
            PeerSlot slot = slotOf(dial);
            if (slot == null) {
                return false;
            }
            slot.stage = Stage.YIELDED;
            ties++;
        }
        release(dial);
        return true;
    }

    /** The hello of a dial was answered: its channel enters the slot. Null if the dial is outdated. */
    synchronized Answer.@Nullable Admitted answered(
            Attempt dial, Set<GroupSecret.Id> proved, Function<Future<Void>, TcpChannel> channels) {
        PeerSlot slot = slotOf(dial);
        if (slot == null) {
            return null;
        }
        List<TcpChannel> replaced = strangersAt(dial.target(), proved);
        slot.dial = null;
        slot.channel = channels.apply(after(dial.target().process()));
        slot.phase = Phase.OPENING;
        return new Answer.Admitted(slot.channel, replaced, null);
    }

    void failed(Attempt dial, ConnectException failure) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot slot = slots.get(dial.target().process());
            if (slot != null && dial.equals(slot.dial)) {
                slot.dial = null;
                waiters = takeWaiters(dial.target().process(), slot);
            }
        }
        if (waiters != null) {
            waiters.fail(failure);
        }
        release(dial);
    }

    /** The dial no longer counts as simultaneous; the next queued one may start. */
    void release(Attempt dial) {
        synchronized (this) {
            queue.remove(dial);
            if (!dialling.remove(dial)) {
                return;
            }
        }
        startDials();
    }

    @Override
    public synchronized boolean opened(TcpChannel channel) {
        PeerSlot slot = slots.get(channel.peer());
        if (slot == null || slot.channel != channel) {
            return false;
        }
        slot.phase = Phase.OPEN;
        return true;
    }

    @Override
    public void ready(TcpChannel channel) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot slot = slots.get(channel.peer());
            if (slot != null && slot.channel == channel) {
                slot.phase = Phase.READY;
                waiters = slot.waiters;
                slot.waiters = null;
            }
        }
        if (waiters != null) {
            waiters.complete(channel);
        }
    }

    @Override
    public void ended(TcpChannel channel, LossEvidence evidence) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot slot = slots.get(channel.peer());
            if (slot != null && slot.channel == channel) {
                vacate(channel.peer(), slot);
                waiters = takeWaiters(channel.peer(), slot);
            }
        }
        if (waiters != null) {
            waiters.fail(ConnectFailures.of(channel.address(), evidence, timeoutMs));
        }
    }

    /** The channels whose peers have proved no secret. */
    synchronized List<TcpChannel> unproved() {
        return slots.values().stream()
                .map(slot -> slot.channel)
                .filter(channel -> channel != null && !channel.isProved())
                .toList();
    }

    /** Refuses further channels and dials. Returns the existing ones, which the caller ends. */
    synchronized List<TcpChannel> close(List<Attempt> dials) {
        closed = true;
        List<TcpChannel> channels = new ArrayList<>();
        for (PeerSlot slot : slots.values()) {
            if (slot.dial != null) {
                dials.add(slot.dial);
            }
            if (slot.channel != null) {
                channels.add(slot.channel);
            }
        }
        return channels;
    }

    private void startDials() {
        while (true) {
            Attempt next;
            synchronized (this) {
                if (closed || dialling.size() >= maxDials || queue.isEmpty()) {
                    return;
                }
                next = queue.poll();
                dialling.add(next);
            }
            next.start();
        }
    }

    /** Null if the attempt is outdated. */
    private @Nullable PeerSlot slotOf(Attempt dial) {
        PeerSlot slot = slots.get(dial.target().process());
        return slot != null && dial.equals(slot.dial) && !closed ? slot : null;
    }

    private static TieBreak.Held held(PeerSlot slot) {
        if (slot.channel != null) {
            TcpChannel.Origin origin = slot.channel.origin();
            return origin.dialledHere()
                    ? new TieBreak.Held.DialledHere(origin.generation())
                    : new TieBreak.Held.DialledByPeer(origin.dial());
        }
        if (slot.dial == null) {
            return new TieBreak.Held.Nothing();
        }
        return slot.stage == Stage.HELLO_SENT
                ? new TieBreak.Held.DialHelloSent()
                : new TieBreak.Held.DialUnknownToPeer();
    }

    private List<TcpChannel> strangersAt(ProcessAddress address, Set<GroupSecret.Id> proved) {
        List<TcpChannel> strangers = new ArrayList<>();
        for (PeerSlot slot : slots.values()) {
            if (slot.channel != null
                    && slot.channel.address().port() == address.port()
                    && slot.channel.address().host().equals(address.host())
                    && !slot.channel.peer().equals(address.process())
                    && slot.channel.yieldsTo(proved)) {
                strangers.add(slot.channel);
            }
        }
        return strangers;
    }

    private Future<Void> after(ProcessId peer) {
        Last last = lasts.get(peer);
        return last == null ? Future.succeededFuture() : last.ended();
    }

    private void vacateIfOver(ProcessId peer, PeerSlot slot) {
        if (slot.channel != null && !slot.channel.isAlive()) {
            vacate(peer, slot);
        }
    }

    private void vacate(ProcessId peer, PeerSlot slot) {
        TcpChannel channel = slot.channel;
        if (channel != null) {
            lasts.put(peer, new Last(channel.generation(), channel.ended()));
            slot.channel = null;
        }
    }

    /** Removes an empty slot and returns the promise of its callers, which no dial or channel will complete. */
    private @Nullable Promise<Channel> takeWaiters(ProcessId peer, PeerSlot slot) {
        if (slot.dial != null || slot.channel != null) {
            return null;
        }
        slots.remove(peer);
        return slot.waiters;
    }
}
