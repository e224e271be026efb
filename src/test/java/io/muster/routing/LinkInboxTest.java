// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import static io.muster.routing.FakeProcess.EXCHANGE;
import static io.muster.routing.FakeProcess.GROUP;
import static io.muster.routing.FakeProcess.PEER;
import static io.muster.routing.FakeProcess.entry;
import static io.muster.routing.FakeProcess.member;
import static io.muster.routing.FakeProcess.session;
import static io.muster.routing.FakeProcess.slot;
import static org.assertj.core.api.Assertions.assertThat;

import io.muster.barrier.Gossip;
import io.muster.group.GroupName;
import io.muster.group.Member;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMessage;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.store.StoreKeys;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RecordingChannel;
import io.muster.wire.Decoded;
import java.util.List;
import org.junit.jupiter.api.Test;

class LinkInboxTest {
    private final FakeProcess process = new FakeProcess();

    private static LinkMessage.Open open(RankEntry from, Member to) {
        return new LinkMessage.Open(from, to, 3, 5, slot(), EXCHANGE);
    }

    private void receives(LinkMessage message) {
        process.routing.received(process.channel, ControlKind.LINK, LinkCodec.encode(message));
    }

    private LinkMessage.Refuse refused() {
        assertThat(process.sent).isEmpty();
        assertThat(process.said).hasSize(1);
        assertThat(process.said.getFirst().kind()).isEqualTo(ControlKind.LINK);
        return (LinkMessage.Refuse) ((Decoded.Valid<LinkMessage>)
                        LinkCodec.decode(process.said.getFirst().payload()))
                .value();
    }

    @Test
    void deliversEachMessageToItsLink() {
        LinkMessage.Open open = open(entry(member(1, 1), PEER), member(0, 1));
        var pair = session(1, process.channel.generation()).pairId();
        var refuse = new LinkMessage.Refuse(GROUP, member(0, 1), 2, 3, LinkMessage.Refuse.Code.RETRY, "later", null);
        var accept = new LinkMessage.Accept(
                GROUP, new io.muster.peer.PairId(member(0, 1), member(1, 1), 1, 1, 1), slot(), EXCHANGE);
        var close = new LinkMessage.Close(GROUP, 1, 0, pair, "left");
        List.of(open, accept, refuse, close).forEach(this::receives);
        var generation = process.channel.generation();
        assertThat(process.sent)
                .containsExactly(
                        new FakeProcess.Sent(
                                0, 1, new LinkEvent.OpenReceived(open, new LinkEvent.Reach.Dialable(), generation, 77)),
                        new FakeProcess.Sent(0, 1, new LinkEvent.AcceptReceived(accept, generation)),
                        new FakeProcess.Sent(0, 2, new LinkEvent.RefuseReceived(refuse)),
                        new FakeProcess.Sent(0, 1, new LinkEvent.CloseReceived(close)));
        assertThat(process.routing.channels().of(generation))
                .as("the channel that the link answers over")
                .isSameAs(process.channel);
    }

    // the store may have lost the life that a link now knows
    @Test
    void remembersTheEntryOfALinkOpen() {
        assertThat(process.blameView().reached()).isEmpty();
        receives(open(entry(member(1, 1), PEER), member(0, 1)));
        assertThat(process.blameView().reached())
                .as("the process of the life that opens the link")
                .containsExactly(PEER);
    }

    @Test
    void refusesALinkOpenForNowIfNoLinkCanTakeIt() {
        receives(open(entry(member(1, 1), PEER), member(2, 1)));
        assertThat(refused().reason()).isEqualTo("rank 2 has no seat in that process (yet)");
        assertThat(refused()).satisfies(refuse -> {
            assertThat(refuse.code()).isEqualTo(LinkMessage.Refuse.Code.RETRY);
            assertThat(refuse.writer()).isEqualTo(member(1, 1));
            assertThat(refuse.from()).isEqualTo(2);
            assertThat(refuse.attempt()).isEqualTo(3);
        });
    }

    @Test
    void keepsALinkOpenForALifeWhoseClaimIsUnderWay() {
        process.seated.clear();
        receives(open(entry(member(1, 1), PEER), member(0, 1)));
        assertThat(process.sent).hasSize(1);
        assertThat(process.said).isEmpty();
    }

    @Test
    void ignoresOtherMessagesForALifeWhoseClaimIsUnderWay() {
        process.seated.clear();
        receives(new LinkMessage.Close(
                GROUP, 1, 0, session(1, process.channel.generation()).pairId(), "left"));
        assertThat(process.sent).isEmpty();
        assertThat(process.said).isEmpty();
    }

    @Test
    void refusesALinkOpenOfAGroupThatIsNotHere() {
        RankEntry live = entry(member(1, 1), PEER);
        receives(open(
                new RankEntry(new GroupName("other"), 3, live.member(), live.state(), 0, live.handle()), member(0, 1)));
        assertThat(refused().reason()).isEqualTo("group other is not known in that process (yet)");
    }

    @Test
    void refusesALinkOpenFromARankOutsideOfTheWorld() {
        receives(open(
                new RankEntry(
                        GROUP,
                        4,
                        member(3, 1),
                        RankEntry.State.LIVE,
                        0,
                        entry(member(1, 1), PEER).handle()),
                member(0, 1)));
        assertThat(refused().reason())
                .isEqualTo("world sizes disagree: 3 there, 4 here; start all ranks with the same world size");
    }

    @Test
    void refusesALinkOpenOfALifeThatHasEnded() {
        RankEntry live = entry(member(1, 1), PEER);
        receives(open(live.with(RankEntry.State.GONE, live.handle()), member(0, 1)));
        assertThat(refused().reason()).isEqualTo("the entry of rank 1 is GONE");
    }

    //
    @Test
    void sendsTheNewerEntryToALifeThatWasTakenOver() {
        RankEntry newer = entry(member(1, 9), PEER);
        process.core.core.keyChanged(new StoreKeys(GROUP).rank(1), Schema.encode(newer));
        receives(open(entry(member(1, 1), PEER), member(0, 1)));
        assertThat(process.said)
                .containsExactly(new RecordingChannel.Message(
                        ControlKind.GOSSIP,
                        new Gossip(GROUP, new StoreKeys(GROUP).rank(1), Schema.encode(newer)).encode()));
    }

    @Test
    void sendsNoEntryToTheNewestLife() {
        process.core.core.keyChanged(new StoreKeys(GROUP).rank(1), Schema.encode(entry(member(1, 9), PEER)));
        receives(open(entry(member(1, 9), PEER), member(0, 1)));
        receives(open(entry(member(1, 10), PEER), member(0, 1)));
        assertThat(process.said).isEmpty();
    }

    // S-1
    @Test
    void refusesAnUnsignedLinkOpenFinallyIfTheGroupHasASecret() {
        process.secured.add(GROUP);
        receives(open(entry(member(1, 1), PEER), member(0, 1)));
        assertThat(refused().code()).isEqualTo(LinkMessage.Refuse.Code.FINAL);
        assertThat(refused().reason()).contains("security.secretFile");
        assertThat(process.distrusted).containsExactly("an unsigned message of a link");
    }

    // S-1
    @Test
    void treatsAnUnsignedFinalRefusalAsARetry() {
        process.secured.add(GROUP);
        receives(new LinkMessage.Refuse(
                GROUP, member(0, 1), 1, 3, LinkMessage.Refuse.Code.FINAL, "go away", member(1, 7)));
        assertThat(process.sent)
                .containsExactly(new FakeProcess.Sent(
                        0,
                        1,
                        new LinkEvent.RefuseReceived(new LinkMessage.Refuse(
                                GROUP, member(0, 1), 1, 3, LinkMessage.Refuse.Code.RETRY, "unsigned: go away", null))));
    }
}
