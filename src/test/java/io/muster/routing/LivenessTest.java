// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import static io.muster.routing.FakeProcess.GROUP;
import static io.muster.routing.FakeProcess.session;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.peer.LinkEvent;
import io.muster.peer.PairId;
import io.muster.segment.EpochRecord;
import io.muster.segment.ProofCounts;
import io.muster.transfer.ChannelGeneration;
import io.muster.transfer.LossEvidence;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

// P-7: no end stays CONNECTED alone
class LivenessTest {
    private static final ChannelGeneration ELSEWHERE = new ChannelGeneration(8, 9);

    private final FakeProcess process = new FakeProcess();
    private final PairId pair = session(1, process.channel.generation()).pairId();

    private void connected() {
        process.connected(1, session(1, process.channel.generation()));
    }

    /** The other end answers that it holds these pairs. */
    private void answers(Set<Long> pairs) {
        answers(0, null, pairs);
    }

    private void answers(long epoch, EpochRecord.@Nullable State state, Set<Long> pairs) {
        process.routing.livenessReceived(process.channel, beat(new Beat.GroupBeat(GROUP.value(), epoch, state, pairs)));
    }

    private static Buffer beat(Beat.GroupBeat... groups) {
        return new Beat(List.of(groups)).encode();
    }

    private FakeProcess.Sent pairNotHeld() {
        return new FakeProcess.Sent(0, 1, new LinkEvent.PairNotHeld(pair));
    }

    @Test
    void doubtsAPairThatTwoAnswersInARowDoNotList() {
        connected();
        answers(Set.of());
        assertThat(process.sent)
                .as("one answer may have crossed with the accept")
                .isEmpty();
        answers(Set.of());
        assertThat(process.sent).containsExactly(pairNotHeld());
    }

    @Test
    void doubtsNoPairThatIsListed() {
        connected();
        for (int answer = 0; answer < 3; answer++) {
            answers(Set.of(Beat.mix(pair)));
        }
        assertThat(process.sent).isEmpty();
    }

    @Test
    void countsMissesOfAPairAnewOnceItWasListed() {
        connected();
        answers(Set.of());
        answers(Set.of(Beat.mix(pair)));
        answers(Set.of());
        assertThat(process.sent).isEmpty();
    }

    @Test
    void doubtsAPairOfAGroupThatTheOtherEndDoesNotHave() {
        connected();
        for (int answer = 0; answer < 2; answer++) {
            process.routing.livenessReceived(process.channel, beat());
        }
        assertThat(process.sent).containsExactly(pairNotHeld());
    }

    @Test
    void doubtsNoPairOfAnotherChannel() {
        process.connected(1, session(1, ELSEWHERE));
        answers(Set.of());
        answers(Set.of());
        assertThat(process.sent).isEmpty();
    }

    @Test
    void forgetsItsDoubtsWithTheChannel() {
        connected();
        answers(Set.of());
        process.routing.lost(process.channel, new LossEvidence(LossEvidence.Kind.SILENCE, "test"));
        process.sent.clear();
        answers(Set.of());
        assertThat(process.sent).isEmpty();
    }

    @Test
    void keepsNoDoubtsOfAChannelThatIsOver() {
        connected();
        process.channel.end();
        for (int answer = 0; answer < 2; answer++) {
            process.routing.livenessReceived(process.channel, beat());
        }
        assertThat(process.sent).isEmpty();
    }

    // S-1
    @Test
    void signsBeatsOfAGroupWithASecret() {
        process.secured.add(GROUP);
        assertThat(Beat.decode(process.routing.livenessPayload(process.channel)))
                .isInstanceOfSatisfying(
                        Decoded.Valid.class,
                        said -> assertThat(((Beat) said.value()).groups())
                                .singleElement()
                                .satisfies(
                                        group -> assertThat(group.signature()).hasSize(1)));
    }

    @Test
    void acceptsOnlyBeatsSignedWithTheSecret() {
        process.secured.add(GROUP);
        connected();
        answers(Set.of());
        answers(Set.of());
        assertThat(process.sent).isEmpty();
        assertThat(process.distrusted)
                .containsOnly("a liveness answer that its secret did not sign")
                .hasSize(2);
    }

    @Test
    void listsThePairsOfThisChannelAndTheEpoch() {
        connected();
        process.connected(2, session(2, ELSEWHERE));
        process.epochSeen = epoch(7);
        assertThat(Beat.decode(process.routing.livenessPayload(process.channel)))
                .isInstanceOfSatisfying(
                        Decoded.Valid.class,
                        said -> assertThat(((Beat) said.value()).groups())
                                .singleElement()
                                .satisfies(group -> {
                                    assertThat(group.group()).isEqualTo(GROUP.value());
                                    assertThat(group.epoch()).isEqualTo(7);
                                    assertThat(group.state()).isEqualTo(EpochRecord.State.OPEN);
                                    assertThat(group.pairs()).containsExactly(Beat.mix(pair));
                                }));
    }

    private static EpochRecord epoch(long number) {
        return new EpochRecord(
                GROUP,
                number,
                List.of(FakeProcess.member(0, 1), FakeProcess.member(1, 1), FakeProcess.member(2, 1)),
                EpochRecord.State.OPEN,
                0,
                List.of(),
                ProofCounts.NONE);
    }

    @Test
    void readsTheStoreWhenThePeerHasSeenALaterEpoch() {
        answers(7, EpochRecord.State.OPEN, Set.of());
        assertThat(process.core.reads).isEqualTo(1);
    }

    @Test
    void readsNothingIfThePeerHasSeenNoLaterEpoch() {
        process.epochSeen = epoch(7);
        answers(7, EpochRecord.State.OPEN, Set.of());
        answers(6, EpochRecord.State.COMPLETE, Set.of());
        assertThat(process.core.reads).isZero();
    }
}
