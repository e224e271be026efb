// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import static io.muster.transfer.tcp.TieBreak.Verdict.ACCEPT;
import static io.muster.transfer.tcp.TieBreak.Verdict.REPLACE;
import static io.muster.transfer.tcp.TieBreak.Verdict.STALE_DIAL;
import static io.muster.transfer.tcp.TieBreak.Verdict.USE_MINE;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.ProcessId;
import io.muster.transfer.ChannelGeneration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// P-8
@Timeout(10)
class TieBreakTest {
    private static final ProcessId LOW = new ProcessId(0, 1);
    private static final ProcessId HIGH = new ProcessId(-1, 1);

    @Test
    void acceptsAHelloIfNothingCompetesWithIt() {
        assertThat(TieBreak.decide(LOW, HIGH, new TieBreak.Held.Nothing(), 1, null))
                .isEqualTo(ACCEPT);
        assertThat(TieBreak.decide(LOW, HIGH, new TieBreak.Held.DialUnknownToPeer(), 1, null))
                .isEqualTo(ACCEPT);
        assertThat(TieBreak.decide(HIGH, LOW, new TieBreak.Held.DialUnknownToPeer(), 1, null))
                .isEqualTo(ACCEPT);
    }

    @Test
    void exactlyOneOfTwoCrossingHellosWins() {
        TieBreak.Verdict atLow = TieBreak.decide(LOW, HIGH, new TieBreak.Held.DialHelloSent(), 1, null);
        TieBreak.Verdict atHigh = TieBreak.decide(HIGH, LOW, new TieBreak.Held.DialHelloSent(), 1, null);

        assertThat(atLow).isEqualTo(USE_MINE);
        assertThat(atHigh).isEqualTo(ACCEPT);
    }

    @Test
    void aLaterDialReplacesAndAnEarlierOneIsStale() {
        assertThat(TieBreak.decide(LOW, HIGH, new TieBreak.Held.DialledByPeer(4), 5, null))
                .isEqualTo(REPLACE);
        assertThat(TieBreak.decide(LOW, HIGH, new TieBreak.Held.DialledByPeer(4), 4, null))
                .isEqualTo(STALE_DIAL);
        assertThat(TieBreak.decide(LOW, HIGH, new TieBreak.Held.DialledByPeer(4), 3, null))
                .isEqualTo(STALE_DIAL);
    }

    @Test
    void aHelloReplacesOurChannelOnlyIfItNamesIt() {
        TieBreak.Held ours = new TieBreak.Held.DialledHere(new ChannelGeneration(1, 2));

        assertThat(TieBreak.decide(HIGH, LOW, ours, 1, new ChannelGeneration(2, 1)))
                .isEqualTo(REPLACE);
        assertThat(TieBreak.decide(HIGH, LOW, ours, 1, new ChannelGeneration(1, 2)))
                .isEqualTo(USE_MINE);
        assertThat(TieBreak.decide(HIGH, LOW, ours, 1, null)).isEqualTo(USE_MINE);
    }
}
