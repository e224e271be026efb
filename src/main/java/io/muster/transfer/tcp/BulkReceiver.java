// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.WriteException;
import io.muster.transfer.Complaints;
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
 * Applies the writes of one peer: checks the request, copies the bytes, calls the region's listener, acknowledges. The
 * bytes of a refused write are skipped, and the connection stays open. For the event loop of the bulk connection.
 */
public final class BulkReceiver {
    private static final Logger log = LoggerFactory.getLogger(BulkReceiver.class);

    /** Sends acknowledgements. */
    public interface Acks {
        void ack(long request, int status, String detail);
    }

    /** A write whose bytes have not all arrived. */
    private static final class Inbound {
        final long request;
        final Lease lease;
        long received;

        Inbound(long request, Lease lease) {
            this.request = request;
            this.lease = lease;
        }
    }

    /** One line per region at a time: each read into memory that was freed would log one. */
    private final Complaints failures = new Complaints(log, LogEvents.WRITE_FAILED);

    private final RegionTable regions;
    private final Acks acks;
    private final Predicate<GroupName> granted;
    private final Map<Long, Inbound> unfinished = new HashMap<>();
    private @Nullable Inbound current;

    /** @param granted whether the peer may write into the regions of a group */
    public BulkReceiver(RegionTable regions, Acks acks, Predicate<GroupName> granted) {
        this.regions = regions;
        this.acks = acks;
        this.granted = granted;
    }

    @Nullable
    public String chunk(BulkParser.ChunkHeader header, int bytes) {
        Inbound inbound = unfinished.get(header.request());
        if (header.position() == 0) {
            return inbound == null ? begin(header, bytes) : "a second first chunk of write " + header.request();
        }
        if (inbound == null) {
            current = null; // its first chunk was refused
            return null;
        }
        if (inbound.received != header.position() || bytes > inbound.lease.length() - inbound.received) {
            return "write " + header.request() + " continues at " + header.position() + " with " + bytes
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
                yield null;
            }
            case Lease lease -> {
                Inbound inbound = new Inbound(header.request(), lease);
                if (bytes > lease.length() || unfinished.size() >= BulkSender.MAX_UNANSWERED) {
                    lease.release();
                    yield "write " + header.request() + " of " + lease.length() + " bytes begins with a chunk of "
                            + bytes + " bytes while " + unfinished.size() + " writes are unfinished";
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
            failures.note(
                    "region '" + inbound.lease.region().name() + "'",
                    "did not take a write: " + fail(inbound, failure));
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
        } catch (Throwable failure) { // code of the application, in any language of the JVM
            log.warn(
                    LogEvents.WRITE_FAILED + " region={}: its listener failed: {}",
                    inbound.lease.region().id(),
                    failure.toString(),
                    failure);
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

    /** The sender gave up a write of which a part has arrived. */
    public void cancel(long request) {
        Inbound inbound = unfinished.remove(request);
        if (inbound != null) {
            inbound.lease.release();
        }
    }

    private String fail(Inbound inbound, Throwable failure) {
        String text = inbound.lease.text(failure);
        current = null;
        unfinished.remove(inbound.request);
        inbound.lease.release();
        acks.ack(inbound.request, 1 + WriteException.Reason.FAILED.ordinal(), text);
        return text;
    }
}
