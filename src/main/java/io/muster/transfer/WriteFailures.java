// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.WriteException;

/** The sentences of failed writes: what happened, where, what to do. */
public final class WriteFailures {
    private WriteFailures() {}

    public static WriteException refused(
            WriteException.Reason reason, String detail, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                reason,
                "write refused (" + reason + ": " + detail + "): " + where(region, offset, length, peer) + "; "
                        + advice(reason));
    }

    public static WriteException timeout(int ms, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                WriteException.Reason.TIMEOUT,
                "write not answered after " + ms + " ms: " + where(region, offset, length, peer) + "; "
                        + advice(WriteException.Reason.TIMEOUT));
    }

    public static WriteException lost(String evidence, RemoteRegion region, long offset, long length, String peer) {
        return new WriteException(
                WriteException.Reason.CHANNEL_LOST,
                "channel ended before the write was answered (" + evidence + "): " + where(region, offset, length, peer)
                        + "; " + advice(WriteException.Reason.CHANNEL_LOST));
    }

    private static String where(RemoteRegion region, long offset, long length, String peer) {
        return "region=" + region.id() + " offset=" + offset + " bytes=" + length + " regionBytes=" + region.bytes()
                + " peer=" + peer;
    }

    private static String advice(WriteException.Reason reason) {
        return switch (reason) {
            case UNKNOWN_REGION, WRONG_KEY ->
                "ask for the region's present handle: it was closed, or belongs to an earlier life";
            case OUT_OF_BOUNDS -> "keep offset and length within the region";
            case CLOSING -> "stop writing: its owner is leaving";
            case UNPROVED -> "open a link of that group first: only its members write into its memory";
            case FAILED -> "see the log of the target";
            case EMPTY -> "write at least one byte";
            case TIMEOUT -> "check the target's load, or raise transport.writeTimeoutMs";
            case CHANNEL_LOST -> "it may or may not have been applied: write again once connected";
        };
    }
}
