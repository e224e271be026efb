// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import static io.muster.routing.FakeProcess.GROUP;
import static io.muster.routing.FakeProcess.PEER;
import static io.muster.routing.FakeProcess.SELF;
import static io.muster.routing.FakeProcess.entry;
import static io.muster.routing.FakeProcess.member;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.Gossip;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.store.StoreKeys;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RecordingChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

// a life that was taken over stops when its process answers again
class GroupNetworkTest {
    private final FakeProcess process = new FakeProcess();
    private final RankEntry incumbent = entry(member(0, 1), PEER);
    private final RankEntry newer = entry(member(0, 2), SELF);

    private void fails(ConnectException.Kind kind) {
        process.dialsFail.add(new ConnectException(kind, "test"));
    }

    private RecordingChannel.Message notice() {
        return new RecordingChannel.Message(
                ControlKind.GOSSIP, new Gossip(GROUP, new StoreKeys(GROUP).rank(0), Schema.encode(newer)).encode());
    }

    @Test
    void notifiesASilentIncumbentOfItsTakeover() {
        process.claimed.add(newer.member());
        fails(ConnectException.Kind.SILENT);
        assertThat(process.network.askIncumbent(incumbent).result().answer()).isEqualTo(Answer.SILENT);
        fails(ConnectException.Kind.SILENT);
        fails(ConnectException.Kind.CUT);
        process.network.published(newer);
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThat(process.said).isEmpty();
            assertThat(process.timers).as("the next attempt").hasSize(1);
            process.timers.remove().run();
        }
        assertThat(process.said).containsExactly(notice());
        assertThat(process.sealed).as("with the signature of the group").isEqualTo(1);
        assertThat(process.timers).isEmpty();
    }

    @Test
    void notifiesNoIncumbentThatIsGone() {
        fails(ConnectException.Kind.REFUSED);
        assertThat(process.network.askIncumbent(incumbent).result().answer()).isEqualTo(Answer.GONE);
        process.network.published(newer);
        assertThat(process.said).isEmpty();
        assertThat(process.dials).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(ConnectException.Kind.class)
    void retriesOnlyIfTheOldProcessMayComeBack(ConnectException.Kind kind) {
        process.claimed.add(newer.member());
        fails(ConnectException.Kind.SILENT);
        process.network.askIncumbent(incumbent);
        fails(kind);
        process.network.published(newer);
        boolean isAnotherNow = kind == ConnectException.Kind.REFUSED || kind == ConnectException.Kind.OTHER_PROCESS;
        assertThat(process.timers).hasSize(isAnotherNow ? 0 : 1);
    }

    @Test
    void givesUpOnceTheLifeThatTookOverEnds() {
        fails(ConnectException.Kind.SILENT);
        process.network.askIncumbent(incumbent);
        fails(ConnectException.Kind.SILENT);
        process.network.published(newer);
        assertThat(process.timers).isEmpty();
    }

    @Test
    void notifiesNoIncumbentThatIsTheNewerLife() {
        fails(ConnectException.Kind.SILENT);
        process.network.askIncumbent(entry(member(0, 3), PEER));
        process.network.published(newer);
        assertThat(process.dials).as("the question alone").isEqualTo(1);
    }

    @Test
    void dialsNoAddressThatCannotBeValidFromHere() {
        process.reach = new LinkEvent.Reach.Unusable("loopback of another host");
        process.network.dialAhead(incumbent);
        assertThat(process.dials).isZero();
    }

    @Test
    void remembersTheProcessesItDialledAhead() {
        process.network.dialAhead(incumbent);
        assertThat(process.dials).isEqualTo(1);
        assertThat(process.network.ahead()).containsExactly(PEER);
        assertThat(process.network.reaches(PEER)).isTrue();
    }
}
