// SPDX-License-Identifier: Apache-2.0

package io.muster.testing;

import io.muster.group.ProcessId;
import io.muster.transfer.ControlKind;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One thing that goes wrong on the way between processes: where (a point and thereby a direction, perhaps one peer
 * only), what, and at which of the occasions. Counts the occasions and how often it struck, so that a test can tell
 * that its fault has happened. All methods may be called from any thread.
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
        /** News of what was written to the store go out. */
        SEND_GOSSIP,
        /** A question or an answer about who holds a rank goes out. */
        SEND_CLAIM,
        /** A question or an answer about who reaches whom goes out. */
        SEND_VIEW,
        /** A question about a transfer, its answer, or the taking back of memory goes out. */
        SEND_TRANSFER,
        /** A message of a link's handshake has come. */
        RECEIVE_LINK,
        /** News of what was written to the store have come. */
        RECEIVE_GOSSIP,
        /** A question or an answer about who holds a rank has come. */
        RECEIVE_CLAIM,
        /** A question or an answer about who reaches whom has come. */
        RECEIVE_VIEW,
        /** A question about a transfer, its answer, or the taking back of memory has come. */
        RECEIVE_TRANSFER,
        /** Bytes are written into memory of the peer: a warmup value, or the application's own. */
        WRITE;

        static Point sending(ControlKind kind) {
            return switch (kind) {
                case LINK, SEALED_LINK -> SEND_LINK;
                case GOSSIP -> SEND_GOSSIP;
                case CLAIM, SEALED_CLAIM -> SEND_CLAIM;
                case VIEW -> SEND_VIEW;
                case TRANSFER -> SEND_TRANSFER;
            };
        }

        static Point receiving(ControlKind kind) {
            return switch (kind) {
                case LINK, SEALED_LINK -> RECEIVE_LINK;
                case GOSSIP -> RECEIVE_GOSSIP;
                case CLAIM, SEALED_CLAIM -> RECEIVE_CLAIM;
                case VIEW -> RECEIVE_VIEW;
                case TRANSFER -> RECEIVE_TRANSFER;
            };
        }
    }

    /** What happens instead of what should. */
    public sealed interface Act {
        /** A message is lost; a write is reported as applied and is not. Not for DIAL. */
        record Drop() implements Act {}

        /** It happens later. What is not delayed overtakes what is. */
        record Delay(Duration by) implements Act {}

        /** One bit of the first byte is turned around. Not for DIAL. */
        record Corrupt() implements Act {}

        /** A dial fails as UNREACHABLE, a write as FAILED and is not applied; at a message the channel ends. */
        record Fail(String reason) implements Act {}

        /** Nothing happens, and nobody is told: a dial or a write never completes, a message is lost. */
        record Hang() implements Act {}
    }

    private final Point point;
    private final Act act;
    private final @Nullable ProcessId peer;
    private final long first;
    private final long last;
    private final AtomicLong occasions = new AtomicLong();
    private final AtomicLong fired = new AtomicLong();
    /** Set by whoever heals, read by all. */
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

    /** It never strikes again. What hangs or was lost stays so. */
    public void heal() {
        healed = true;
    }

    /** What to do at this occasion, null if it is none of this fault's. */
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
