// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.ProcessId;
import io.muster.transfer.ControlKind;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One fault of the transport: a point (which implies a direction), an act, optionally one peer only, and the occasions
 * at which it strikes. It counts its occasions and how often it struck, so that a test can check that its fault
 * happened. All methods may be called from any thread.
 */
public final class TransportFault {
    /**
     * Where a fault can strike, each in one direction: {@code SEND} and {@code WRITE} leave this process,
     * {@code RECEIVE} comes in.
     */
    public enum Point {
        /** A process is dialled, or its living channel is asked for. */
        DIAL,
        /** A message of a link's handshake goes out. */
        SEND_LINK,
        /** A notification of a write to the store goes out. */
        SEND_GOSSIP,
        /** A question or an answer about the holder of a rank goes out. */
        SEND_CLAIM,
        /** A question or an answer about the reachability of processes goes out. */
        SEND_VIEW,
        /** A question about a transfer, its answer, or the release of memory goes out. */
        SEND_TRANSFER,
        /** A message of a link's handshake has arrived. */
        RECEIVE_LINK,
        /** A notification of a write to the store has arrived. */
        RECEIVE_GOSSIP,
        /** A question or an answer about the holder of a rank has arrived. */
        RECEIVE_CLAIM,
        /** A question or an answer about the reachability of processes has arrived. */
        RECEIVE_VIEW,
        /** A question about a transfer, its answer, or the release of memory has arrived. */
        RECEIVE_TRANSFER,
        /** A question about the status, or an answer, goes out. */
        SEND_STATUS,
        /** A question about the status, or an answer, has arrived. */
        RECEIVE_STATUS,
        /** Bytes are written into memory of the peer: a warmup value, or the application's own. */
        WRITE;

        static Point sending(ControlKind kind) {
            return switch (kind) {
                case LINK, SEALED_LINK -> SEND_LINK;
                case GOSSIP -> SEND_GOSSIP;
                case CLAIM, SEALED_CLAIM -> SEND_CLAIM;
                case VIEW -> SEND_VIEW;
                case TRANSFER -> SEND_TRANSFER;
                case STATUS, SEALED_STATUS -> SEND_STATUS;
            };
        }

        static Point receiving(ControlKind kind) {
            return switch (kind) {
                case LINK, SEALED_LINK -> RECEIVE_LINK;
                case GOSSIP -> RECEIVE_GOSSIP;
                case CLAIM, SEALED_CLAIM -> RECEIVE_CLAIM;
                case VIEW -> RECEIVE_VIEW;
                case TRANSFER -> RECEIVE_TRANSFER;
                case STATUS, SEALED_STATUS -> RECEIVE_STATUS;
            };
        }
    }

    /** The effect of a fault. */
    public sealed interface Act {
        /** A message is lost; a write is reported as applied and is not. Not for DIAL. */
        record Drop() implements Act {}

        /** It happens later. Messages that are not delayed overtake it. */
        record Delay(Duration by) implements Act {}

        /** One bit of the first byte is flipped. Not for DIAL. */
        record Corrupt() implements Act {}

        /** A dial fails as UNREACHABLE, a write as FAILED and is not applied; at a message the channel ends. */
        record Fail(String reason) implements Act {}

        /** Nothing happens: a dial or a write never completes, a message is lost without notice. */
        record Hang() implements Act {}
    }

    /** The act at an occasion, null if no fault strikes at it. */
    @FunctionalInterface
    interface Strikes {
        @Nullable
        Act strike(Point where, ProcessId whom);
    }

    private final Point point;
    private final Act act;
    private final @Nullable ProcessId peer;
    private final long first;
    private final long last;
    private final AtomicLong occasions = new AtomicLong();
    private final AtomicLong fired = new AtomicLong();
    /** Set by the thread that heals, read by those that strike. */
    private volatile boolean healed;

    private TransportFault(Point point, Act act, @Nullable ProcessId peer, long first, long last) {
        this.point = point;
        this.act = act;
        this.peer = peer;
        this.first = first;
        this.last = last;
    }

    /**
     * A fault that strikes every time.
     *
     * @throws IllegalArgumentException if such an act has no meaning at this point
     */
    public static TransportFault at(Point point, Act act) {
        if (point == Point.DIAL && (act instanceof Act.Drop || act instanceof Act.Corrupt)) {
            throw new IllegalArgumentException("a dial can fail, hang or be delayed, not " + act);
        }
        return new TransportFault(point, act, null, 1, Long.MAX_VALUE);
    }

    /** The same with this peer only. */
    public TransportFault with(ProcessId only) {
        return new TransportFault(point, act, only, first, last);
    }

    /** The same from the n-th to the m-th occasion (from 1). */
    public TransportFault onlyFromTo(long from, long to) {
        if (from < 1 || to < from) {
            throw new IllegalArgumentException("occasions are counted from 1, got " + from + " to " + to);
        }
        return new TransportFault(point, act, peer, from, to);
    }

    /** The same at the n-th occasion only (from 1). */
    public TransportFault onlyNth(long n) {
        return onlyFromTo(n, n);
    }

    /** How often it could have struck. */
    public long occasions() {
        return occasions.get();
    }

    /** How often it struck. */
    public long fired() {
        return fired.get();
    }

    /** It never strikes again. Operations that hang and messages that were lost stay so. */
    public void heal() {
        healed = true;
    }

    /** The act at this occasion, null if this fault does not strike at it. */
    @Nullable
    Act strike(Point where, ProcessId whom) {
        if (healed || where != point || (peer != null && !peer.equals(whom))) {
            return null;
        }
        long number = occasions.incrementAndGet();
        if (number < first || number > last) {
            return null;
        }
        fired.incrementAndGet();
        return act;
    }

    @Override
    public String toString() {
        return act + " at " + point + (peer == null ? "" : " with " + peer)
                + (first == 1 && last == Long.MAX_VALUE ? "" : " occasions " + first + " to " + last) + ", fired "
                + fired + " of " + occasions;
    }
}
