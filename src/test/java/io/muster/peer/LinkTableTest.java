// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import static io.muster.peer.LinkFixture.GROUP;
import static io.muster.peer.LinkFixture.waiter;
import static io.muster.peer.LinkFixture.writer;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.Proof;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class LinkTableTest {
    private static final LinkState OPENING =
            new LinkState.OpeningSegment(History.EMPTY, new LinkState.Stage.Dialling());
    private static final LinkState BACKING_OFF = new LinkState.BackingOff(History.EMPTY);
    private static final LinkState CONNECTED = new LinkState.Connected(History.EMPTY, null, Proof.LOCAL, "");

    private long nowNanos = 10;
    private final LinkTable table = new LinkTable(() -> nowNanos);
    private LinkState state = LinkMachine.initial();

    private long sinceAfter(LinkState next) {
        nowNanos++;
        table.note(new LinkChange(GROUP, writer(1), waiter(1).rank(), state, next, "", "", Instant.EPOCH));
        state = next;
        var row = table.row(writer(1).rank(), waiter(1).rank());
        return row == null ? -1 : row.sinceNanos();
    }

    @Test // B-3: a link that is tried again and again is missing all the time
    void aLinkCountsFromWhenItWasLastConnectedNotFromTheLastTry() {
        assertThat(sinceAfter(OPENING)).isEqualTo(11);
        assertThat(sinceAfter(BACKING_OFF)).isEqualTo(11);
        assertThat(sinceAfter(OPENING)).isEqualTo(11);
        assertThat(sinceAfter(CONNECTED)).isEqualTo(14);
        assertThat(sinceAfter(BACKING_OFF)).isEqualTo(15);
        assertThat(sinceAfter(OPENING)).isEqualTo(15);
    }
}
