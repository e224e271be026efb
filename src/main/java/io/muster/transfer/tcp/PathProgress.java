// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import org.jspecify.annotations.Nullable;

/**
 * How far the bytes of one bulk connection have come. The peer counts the bytes that it reads, and reports the count on
 * the control connection. So this end knows of the bulk connection itself whether it carries bytes, and does not infer
 * it from the control connection. For one event loop. Time is an argument.
 */
final class PathProgress {
    private long sent;
    private long arrived;
    /** When bytes have last arrived, or when the first byte was sent after all had arrived. */
    private long movedNanos;
    /** When the peer's last report came. */
    private long reportedNanos;

    private long reported;
    /** When bytes have last arrived; null until some have. Written on the event loop, read by any thread. */
    private volatile @Nullable Long arrivedNanos;

    /** Whether bytes are on their way. Written on the event loop, read by that of the control connection. */
    private volatile boolean waiting;
    /** Where a frame begins that is longer than one packet and was sent alone, and where it ends. */
    private long paddedFrom;

    private long paddedTo;

    void sent(int bytes, long nowNanos) {
        if (!waiting) {
            movedNanos = nowNanos;
        }
        sent += bytes;
        waiting = true;
    }

    /** The last bytes that were sent are a frame that is longer than one packet. */
    void padded(int bytes) {
        paddedFrom = sent - bytes;
        paddedTo = sent;
    }

    /**
     * The peer reports that it has read so many bytes.
     *
     * @return whether that is more than the last time
     */
    boolean reported(long bytes, long nowNanos) {
        reportedNanos = nowNanos;
        arrived(bytes, nowNanos);
        boolean grown = bytes > reported;
        reported = Math.max(reported, bytes);
        return grown;
    }

    /** An answer of the peer shows that it has read so many bytes. */
    void arrived(long bytes, long nowNanos) {
        if (bytes > arrived) {
            arrived = bytes;
            movedNanos = nowNanos;
            arrivedNanos = nowNanos;
            waiting = sent > arrived;
        }
    }

    long sent() {
        return sent;
    }

    long arrived() {
        return arrived;
    }

    /** Whether bytes are on their way. From any thread. */
    boolean isWaiting() {
        return waiting;
    }

    /**
     * For how long bytes have been on their way of which none arrived, as the peer's last report says; 0 if none are on
     * their way, or if no report has come since.
     */
    long stuckNanos() {
        return waiting ? Math.max(0, reportedNanos - movedNanos) : 0;
    }

    /** Whether bytes have arrived within this time. From any thread. */
    boolean isFresh(long withinNanos, long nowNanos) {
        Long last = arrivedNanos;
        return last != null && nowNanos - last < withinNanos;
    }

    /** Why the path counts as dead. */
    String sentence(long stuckMs) {
        String what = "the last " + (sent - arrived) + " bytes sent on its bulk connection have not arrived for "
                + stuckMs + " ms, while its control connection is alive: ";
        return paddedTo > arrived && paddedFrom <= arrived
                ? what + "packets above some size are lost on the way to it: check the MTU of the path"
                : what + "a firewall may have dropped the connection, or packets above some size are lost"
                        + " on the way to it (check the MTU of the path)";
    }
}
