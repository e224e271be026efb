// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The current state of each link of one group in this process. The verticle of each link writes its row; the status
 * picture and the liveness answers read it from any thread.
 */
public final class LinkTable {
    private final Map<Key, Row> rows = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;

    public LinkTable(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A link of this process: the own rank and the peer. */
    public record Key(int rank, int peer) {}

    /**
     * The state of a link.
     *
     * @param sinceNanos when the link became CONNECTED or, if it is not, when it ceased to be, or began
     */
    public record Row(LinkChange last, long sinceNanos) {
        public LinkState state() {
            return last.to();
        }
    }

    public void note(LinkChange change) {
        var key = new Key(change.self().rank(), change.peer());
        if (change.to() instanceof LinkState.Expired) {
            rows.computeIfPresent(key, (_, row) -> row.last().self().equals(change.self()) ? null : row);
            return;
        }
        rows.compute(
                key,
                (_, row) -> new Row(
                        change,
                        row != null
                                        && isConnected(row.last()) == isConnected(change)
                                        && row.last().self().equals(change.self())
                                ? row.sinceNanos()
                                : nanoTime.getAsLong()));
    }

    private static boolean isConnected(LinkChange last) {
        return last.to() instanceof LinkState.Connected;
    }

    public @Nullable Row row(int rank, int peer) {
        return rows.get(new Key(rank, peer));
    }

    public void forEach(BiConsumer<Key, Row> action) {
        rows.forEach(action);
    }
}
