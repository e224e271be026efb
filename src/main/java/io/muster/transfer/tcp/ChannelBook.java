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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What this process has with each other process: a dial, a channel, callers that wait for one. Guarded by its monitor,
 * where event loops and callers' threads meet; under it nothing but the book is touched: whatever must happen to dials,
 * channels and callers happens after.
 */
final class ChannelBook {
    private enum Phase {
        OPENING,
        OPEN,
        /** The listener has been told. */
        READY
    }

    private static final class PeerSlot {
        @Nullable
        Dial dial;

        @Nullable
        TcpChannel channel;

        Phase phase = Phase.OPENING;

        @Nullable
        Promise<Channel> waiters;
    }

    /** The last channel that was held with a process. */
    private record Last(ChannelGeneration generation, Future<Void> ended) {}

    /** The answer to a control hello. */
    sealed interface Answer {
        /** Seated; these end now. */
        record Admitted(
                TcpChannel channel,
                List<TcpChannel> replaced,
                @Nullable Dial superseded) implements Answer {}

        record Refused(Refusal.Code code) implements Answer {}
    }

    private static final int REMEMBERED = 4_096;

    private final ProcessId self;
    private final int maxDials;
    private final int timeoutMs;
    private final Map<ProcessId, PeerSlot> seats = new HashMap<>();
    private final Map<ProcessId, Last> lasts = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<ProcessId, Last> eldest) {
            return size() > REMEMBERED;
        }
    };
    private final ArrayDeque<Dial> queue = new ArrayDeque<>();
    private int dialling;
    private long ties;
    private boolean closed;

    ChannelBook(ProcessId self, int maxDials, int timeoutMs) {
        this.self = self;
        this.maxDials = maxDials;
        this.timeoutMs = timeoutMs;
    }

    /**
     * The channel that is there, or that is being opened, or that a new dial (made from the generation it replaces)
     * will bring.
     */
    Future<Channel> connect(ProcessAddress target, Function<@Nullable ChannelGeneration, Dial> dials) {
        Promise<Channel> waiters;
        synchronized (this) {
            if (closed) {
                return Future.failedFuture(ConnectFailures.local(target, "this transport is closed"));
            }
            PeerSlot seat = seats.computeIfAbsent(target.process(), _ -> new PeerSlot());
            vacateIfOver(target.process(), seat);
            if (seat.channel != null && seat.phase == Phase.READY) {
                return Future.succeededFuture(seat.channel);
            }
            if (seat.waiters == null) {
                seat.waiters = Promise.promise();
            }
            waiters = seat.waiters;
            if (seat.channel == null && seat.dial == null) {
                Last last = lasts.get(target.process());
                seat.dial = dials.apply(last == null ? null : last.generation());
                queue.add(seat.dial);
            }
        }
        startDials();
        return waiters.future();
    }

    /** Own dials that gave way to one of the other end. */
    synchronized long ties() {
        return ties;
    }

    synchronized Optional<Channel> channel(ProcessId peer) {
        PeerSlot seat = seats.get(peer);
        return seat != null && seat.channel != null && seat.phase != Phase.OPENING && seat.channel.isAlive()
                ? Optional.of(seat.channel)
                : Optional.empty();
    }

    /** The channel that a bulk hello belongs to. */
    synchronized @Nullable TcpChannel opening(ProcessId peer, ChannelGeneration generation) {
        PeerSlot seat = seats.get(peer);
        return seat != null
                        && seat.channel != null
                        && seat.phase == Phase.OPENING
                        && seat.channel.generation().equals(generation)
                        && !seat.channel.origin().dialledHere()
                ? seat.channel
                : null;
    }

    /**
     * Decides on a control hello; an accepted one is seated. Nobody ends a channel by taking its place who has not
     * proved a secret that its peer has proved.
     */
    synchronized Answer admit(Hello hello, Set<GroupSecret.Id> proved, Function<Future<Void>, TcpChannel> channels) {
        PeerSlot seat = seats.computeIfAbsent(hello.sender(), _ -> new PeerSlot());
        vacateIfOver(hello.sender(), seat);
        TieBreak.Verdict verdict = closed
                ? TieBreak.Verdict.STALE_DIAL
                : TieBreak.decide(self, hello.sender(), held(seat), hello.dial(), hello.named());
        boolean takesPlace = verdict == TieBreak.Verdict.ACCEPT || verdict == TieBreak.Verdict.REPLACE;
        if (takesPlace && seat.channel != null && !seat.channel.yieldsTo(proved)) {
            return new Answer.Refused(Refusal.Code.UNPROVED);
        }
        return switch (verdict) {
            case USE_MINE -> new Answer.Refused(Refusal.Code.USE_MINE);
            case STALE_DIAL -> new Answer.Refused(Refusal.Code.STALE_DIAL);
            case ACCEPT, REPLACE -> {
                List<TcpChannel> replaced = strangersAt(hello.address(), proved);
                if (seat.channel != null) {
                    replaced.add(seat.channel);
                    vacate(hello.sender(), seat);
                }
                Dial superseded = seat.dial;
                ties += superseded == null ? 0 : 1;
                seat.dial = null;
                seat.channel = channels.apply(after(hello.sender()));
                seat.phase = Phase.OPENING;
                yield new Answer.Admitted(seat.channel, replaced, superseded);
            }
        };
    }

    /** The hello of a dial is about to be sent; false if the dial is not wanted any more. */
    synchronized boolean helloSent(Dial dial) {
        if (!current(dial)) {
            return false;
        }
        dial.stage = Dial.Stage.HEARD;
        return true;
    }

    /** The other end wants its own dial to be used; false if this dial is not wanted any more. */
    boolean yielded(Dial dial) {
        synchronized (this) {
            if (!current(dial)) {
                return false;
            }
            dial.stage = Dial.Stage.YIELDED;
            ties++;
        }
        release(dial);
        return true;
    }

    /** The hello of a dial was answered: seats its channel. Null if the dial is not wanted any more. */
    synchronized Answer.@Nullable Admitted answered(
            Dial dial, Set<GroupSecret.Id> proved, Function<Future<Void>, TcpChannel> channels) {
        PeerSlot seat = seats.get(dial.target().process());
        if (seat == null || seat.dial != dial || closed) {
            return null;
        }
        List<TcpChannel> replaced = strangersAt(dial.target(), proved);
        seat.dial = null;
        seat.channel = channels.apply(after(dial.target().process()));
        seat.phase = Phase.OPENING;
        return new Answer.Admitted(seat.channel, replaced, null);
    }

    void failed(Dial dial, ConnectException failure) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot seat = seats.get(dial.target().process());
            if (seat != null && seat.dial == dial) {
                seat.dial = null;
                waiters = takeWaiters(dial.target().process(), seat);
            }
        }
        if (waiters != null) {
            waiters.fail(failure);
        }
        release(dial);
    }

    /** The dial does not count among the simultaneous ones any more. */
    void release(Dial dial) {
        synchronized (this) {
            queue.remove(dial);
            if (!dial.counted) {
                return;
            }
            dial.counted = false;
            dialling--;
        }
        startDials();
    }

    /** False if the channel has lost its seat. */
    synchronized boolean opened(TcpChannel channel) {
        PeerSlot seat = seats.get(channel.peer());
        if (seat == null || seat.channel != channel) {
            return false;
        }
        seat.phase = Phase.OPEN;
        return true;
    }

    void ready(TcpChannel channel) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot seat = seats.get(channel.peer());
            if (seat != null && seat.channel == channel) {
                seat.phase = Phase.READY;
                waiters = seat.waiters;
                seat.waiters = null;
            }
        }
        if (waiters != null) {
            waiters.complete(channel);
        }
    }

    void ended(TcpChannel channel, LossEvidence evidence) {
        Promise<Channel> waiters = null;
        synchronized (this) {
            PeerSlot seat = seats.get(channel.peer());
            if (seat != null && seat.channel == channel) {
                vacate(channel.peer(), seat);
                waiters = takeWaiters(channel.peer(), seat);
            }
        }
        if (waiters != null) {
            waiters.fail(ConnectFailures.of(channel.address(), evidence, timeoutMs));
        }
    }

    /** The channels whose peers have proved nothing. */
    synchronized List<TcpChannel> unproved() {
        return seats.values().stream()
                .map(seat -> seat.channel)
                .filter(channel -> channel != null && !channel.isProved())
                .toList();
    }

    /** No more channels and dials; returns what there is, which the caller ends. */
    synchronized List<TcpChannel> close(List<Dial> dials) {
        closed = true;
        List<TcpChannel> channels = new ArrayList<>();
        for (PeerSlot seat : seats.values()) {
            if (seat.dial != null) {
                dials.add(seat.dial);
            }
            if (seat.channel != null) {
                channels.add(seat.channel);
            }
        }
        return channels;
    }

    private void startDials() {
        while (true) {
            Dial next;
            synchronized (this) {
                if (closed || dialling >= maxDials || queue.isEmpty()) {
                    return;
                }
                next = queue.poll();
                next.counted = true;
                dialling++;
            }
            next.start();
        }
    }

    private boolean current(Dial dial) {
        PeerSlot seat = seats.get(dial.target().process());
        return seat != null && seat.dial == dial && !closed;
    }

    private static TieBreak.Held held(PeerSlot seat) {
        if (seat.channel != null) {
            TcpChannel.Origin origin = seat.channel.origin();
            return origin.dialledHere()
                    ? new TieBreak.Held.DialledHere(origin.generation())
                    : new TieBreak.Held.DialledByPeer(origin.dial());
        }
        if (seat.dial == null) {
            return new TieBreak.Held.Nothing();
        }
        return seat.dial.stage == Dial.Stage.HEARD ? new TieBreak.Held.DialHeard() : new TieBreak.Held.DialUnheard();
    }

    private List<TcpChannel> strangersAt(ProcessAddress address, Set<GroupSecret.Id> proved) {
        List<TcpChannel> strangers = new ArrayList<>();
        for (PeerSlot seat : seats.values()) {
            if (seat.channel != null
                    && seat.channel.address().port() == address.port()
                    && seat.channel.address().host().equals(address.host())
                    && !seat.channel.peer().equals(address.process())
                    && seat.channel.yieldsTo(proved)) {
                strangers.add(seat.channel);
            }
        }
        return strangers;
    }

    private Future<Void> after(ProcessId peer) {
        Last last = lasts.get(peer);
        return last == null ? Future.succeededFuture() : last.ended();
    }

    private void vacateIfOver(ProcessId peer, PeerSlot seat) {
        if (seat.channel != null && !seat.channel.isAlive()) {
            vacate(peer, seat);
        }
    }

    private void vacate(ProcessId peer, PeerSlot seat) {
        TcpChannel channel = seat.channel;
        if (channel != null) {
            lasts.put(peer, new Last(channel.generation(), channel.ended()));
            seat.channel = null;
        }
    }

    /** The callers that nothing will serve any more; forgets an empty seat. */
    private @Nullable Promise<Channel> takeWaiters(ProcessId peer, PeerSlot seat) {
        if (seat.dial != null || seat.channel != null) {
            return null;
        }
        seats.remove(peer);
        return seat.waiters;
    }
}
