// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.WriteException;

/** Builds the errors of failed writes: what happened, where, and what to do. */
public final class WriteFailures {
    private WriteFailures() {}

    public static WriteException refused(
            WriteException.Reason reason, String detail, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                reason,
                "refused (" + reason + ": " + detail + "): " + where(region, offset, length, peer) + "; "
                        + advice(reason));
    }

    /** @param arrived whether the peer has read all bytes of the write */
    public static WriteException timeout(
            int ms, boolean arrived, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                WriteException.Reason.TIMEOUT,
                "write not acknowledged: "
                        + (arrived
                                ? "its bytes arrived, and were not applied within " + ms + " ms"
                                : "no byte of its connection arrived for " + ms + " ms")
                        + ": " + where(region, offset, length, peer) + "; "
                        + (arrived
                                ? advice(WriteException.Reason.TIMEOUT)
                                : "check the path to that process (firewall, MTU), or raise"
                                        + " transport.writeTimeoutMs"));
    }

    public static WriteException lost(String evidence, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                WriteException.Reason.CHANNEL_LOST,
                "channel ended before the write was acknowledged (" + evidence + "): "
                        + where(region, offset, length, peer) + "; " + advice(WriteException.Reason.CHANNEL_LOST));
    }

    private static String where(RemoteRegion region, long offset, long length, String peer) {
        return "region=" + region.id() + " offset=" + offset + " bytes=" + length + " regionBytes=" + region.bytes()
                + " peer=" + peer;
    }

    private static String advice(WriteException.Reason reason) {
        return switch (reason) {
            case UNKNOWN_REGION, WRONG_KEY ->
                "read the current handle of the region: this one was closed, or is of an earlier incarnation";
            case OUT_OF_BOUNDS -> "keep offset and length within the region";
            case CLOSING -> "stop writing: the owner of the region is leaving";
            case UNPROVED -> "open a link of that group first: only its members may write into its memory";
            case FAILED -> "see the log of the process that could not do it";
            case UNUSABLE ->
                "allocate it in a shared, automatic or global arena that stays open until the transfer has ended";
            case EMPTY -> "write at least one byte";
            case TIMEOUT -> "check the load of the target process, or raise transport.writeTimeoutMs";
            case CHANNEL_LOST -> "it is not known whether the write was applied: write again once connected";
        };
    }
}
