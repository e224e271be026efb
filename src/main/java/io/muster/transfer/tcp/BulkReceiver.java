// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupName;
import io.muster.group.WriteException;
import io.muster.group.LogEvents;
import io.muster.transfer.WriteException;
import io.muster.transfer.memory.Lease;
import io.muster.transfer.memory.LeaseOutcome;
import io.muster.transfer.memory.RegionTable;
import io.netty.buffer.ByteBuf;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies the writes of one peer: checks, copies, tells the region's listener, acknowledges. A refused write's
 * remaining bytes are skipped and the connection lives on. For the event loop of the bulk connection.
 */
public final class BulkReceiver {
    private static final Logger log = LoggerFactory.getLogger(BulkReceiver.class);

    /** Where acknowledgements go. */
    public interface Acks {
        void ack(long request, int status, String detail);
    }

    /** A write of which not all bytes have arrived. */
    private static final class Inbound {
        final long request;
        final Lease lease;
        long received;

        Inbound(long request, Lease lease) {
            this.request = request;
            this.lease = lease;
        }
    }

    private final RegionTable regions;
    private final Acks acks;
    private final Predicate<GroupName> granted;
    private final Map<Long, Inbound> unfinished = new HashMap<>();
    private @Nullable Inbound current;

    /** @param granted the groups whose regions the peer may write into */
    public BulkReceiver(RegionTable regions, Acks acks, Predicate<GroupName> granted) {
        this.regions = regions;
        this.acks = acks;
        this.granted = granted;
    }

    @Nullable
    public String chunk(BulkParser.ChunkHeader header, int bytes) {
        Inbound inbound = unfinished.get(header.request());
        if (header.position() == 0) {
            return inbound == null ? begin(header, bytes) : "a second beginning of write " + header.request();
        }
        if (inbound == null) {
            current = null; // refused when it began
            return null;
        }
        if (inbound.received != header.position() || bytes > inbound.lease.length() - inbound.received) {
            return "write " + header.request() + " goes on at " + header.position() + " with " + bytes
                    + " bytes, expected at " + inbound.received + " of " + inbound.lease.length();
        }
        current = inbound;
        return null;
    }

    private @Nullable String begin(BulkParser.ChunkHeader header, int bytes) {
        return switch (regions.lease(header.region(), header.key(), header.offset(), header.length(), granted)) {
            case LeaseOutcome.Refused refused -> {
                current = null;
                acks.ack(header.request(), 1 + refused.reason().ordinal(), refused.detail());
                return null;
            }
            case Lease lease -> {
                Inbound inbound = new Inbound(header.request(), lease);
                if (bytes > lease.length() || unfinished.size() >= BulkSender.MAX_UNANSWERED) {
                    lease.release();
                    yield "write " + header.request() + " of " + lease.length() + " bytes begins with " + bytes
                            + ", beside " + unfinished.size() + " unfinished ones";
                }
                unfinished.put(header.request(), inbound);
                current = inbound;
                yield null;
            }
        };
    }

    public void payload(ByteBuf bytes) {
        Inbound inbound = current;
        if (inbound == null) {
            return;
        }
        int length = bytes.readableBytes();
        try {
            inbound.lease.copyFrom(MemorySegment.ofBuffer(bytes.nioBuffer()), 0, inbound.received, length);
            inbound.received += length;
        } catch (RuntimeException failure) {
            fail(inbound, failure);
        }
    }

    @Nullable
    public String chunkEnd() {
        Inbound inbound = current;
        current = null;
        if (inbound == null || inbound.received < inbound.lease.length()) {
            return null;
        }
        try {
            inbound.lease.announce();
        } catch (RuntimeException failure) {
            fail(inbound, failure);
            return null;
        }
        unfinished.remove(inbound.request);
        inbound.lease.release();
        acks.ack(inbound.request, 0, "");
        return null;
    }

    /** Nothing more will arrive. */
    public void end() {
        current = null;
        unfinished.values().forEach(inbound -> inbound.lease.release());
        unfinished.clear();
    }

    private void fail(Inbound inbound, RuntimeException failure) {
        log.warn(LogEvents.WRITE_FAILED + " region={}: {}", inbound.lease.region().id(), failure.toString(), failure);
        current = null;
        unfinished.remove(inbound.request);
        inbound.lease.release();
        acks.ack(inbound.request, 1 + WriteException.Reason.FAILED.ordinal(), failure.toString());
    }
}
