// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import static io.muster.routing.FakeProcess.GROUP;
import static io.muster.routing.FakeProcess.PEER;
import static io.muster.routing.FakeProcess.entry;
import static io.muster.routing.FakeProcess.history;
import static io.muster.routing.FakeProcess.member;
import static io.muster.routing.FakeProcess.session;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.barrier.Gossip;
import io.muster.group.GroupName;
import io.muster.group.ProcessId;
import io.muster.peer.LinkCodec;
import io.muster.peer.LinkEvent;
import io.muster.peer.LinkMessage;
import io.muster.peer.LinkState;
import io.muster.segment.Schema;
import io.muster.store.StoreKeys;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.RecordingChannel;
import io.muster.wire.CanonicalWriter;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProcessRoutingTest {
    private static final LossEvidence SILENCE =
            new LossEvidence(LossEvidence.Kind.SILENCE, "nothing received for 3000 ms");

    private final FakeProcess process = new FakeProcess();

    @Test
    void notifiesLinksInBackOffThatTheirPeersChannelIsUp() {
        process.note(1, new LinkState.BackingOff(history(1, PEER)));
        process.note(2, new LinkState.BackingOff(history(2, new ProcessId(2, 1))));
        process.routing.opened(process.channel);
        assertThat(process.sent).containsExactly(new FakeProcess.Sent(0, 1, new LinkEvent.ChannelUp()));
    }

    @Test
    void notifiesNoOtherLinksThatAChannelIsUp() {
        process.connected(1, session(1, process.channel.generation()));
        process.note(2, new LinkState.Refused(history(2, PEER)));
        process.routing.opened(process.channel);
        assertThat(process.sent).isEmpty();
    }

    @Test
    void notifiesAllLinksAndBlameThatAChannelIsLost() {
        process.routing.opened(process.channel);
        process.routing.lost(process.channel, SILENCE);
        var event = new LinkEvent.ChannelLost(process.channel.generation(), SILENCE);
        assertThat(process.sent)
                .containsExactly(
                        new FakeProcess.Sent(0, 0, event),
                        new FakeProcess.Sent(0, 1, event),
                        new FakeProcess.Sent(0, 2, event));
        assertThat(process.lost).containsExactly(new FakeProcess.Lost(PEER, SILENCE));
        assertThat(process.routing.channels().of(process.channel.generation())).isNull();
        assertThat(process.routing.channels().to(PEER)).isNull();
    }

    @ParameterizedTest
    @EnumSource(LossEvidence.Kind.class)
    void blamesNoProcessForAChannelThatWasClosedHere(LossEvidence.Kind kind) {
        process.routing.lost(process.channel, new LossEvidence(kind, "test"));
        assertThat(process.lost).hasSize(kind == LossEvidence.Kind.CLOSED_HERE ? 0 : 1);
    }

    @Test
    void findsAnOpenChannelByGenerationAndByProcess() {
        process.routing.opened(process.channel);
        assertThat(process.routing.channels().of(process.channel.generation())).isSameAs(process.channel);
        assertThat(process.routing.channels().to(PEER)).isSameAs(process.channel);
        assertThat(process.network.reaches(PEER)).isTrue();
        assertThat(process.network.reaches(FakeProcess.SELF)).isFalse();
    }

    @Test
    void keepsNoChannelThatIsOver() {
        process.channel.end();
        process.routing.opened(process.channel);
        assertThat(process.routing.channels().all()).isEmpty();
    }

    @Test
    void findsNoDeadChannelWhoseLossIsNotYetReported() {
        process.routing.opened(process.channel);
        process.channel.end();
        assertThat(process.routing.channels().of(process.channel.generation())).isNull();
        assertThat(process.routing.channels().to(PEER)).isNull();
    }

    /** A question whether this process holds a life. */
    private static Buffer question() {
        return Buffer.buffer(new CanonicalWriter().u8('h').i64(5).toByteArray())
                .appendBytes(
                        Schema.encode(entry(member(0, 1), FakeProcess.SELF)).toByteArray());
    }

    // S-1
    @Test
    void answersNoUnsignedQuestionOfAGroupWithASecret() {
        process.secured.add(GROUP);
        process.routing.received(process.channel, ControlKind.CLAIM, question());
        assertThat(process.said).isEmpty();
        assertThat(process.distrusted)
                .containsExactly("a question or an answer about a rank that its secret did not sign");
        process.verified = new Decoded.Valid<>(new Trust.Verified(GROUP, question()));
        process.routing.received(process.channel, ControlKind.SEALED_CLAIM, question());
        assertThat(process.said).extracting(RecordingChannel.Message::kind).containsExactly(ControlKind.CLAIM);
    }

    @Test
    void answersAQuestionOfAGroupWithoutASecret() {
        process.routing.received(process.channel, ControlKind.CLAIM, question());
        assertThat(process.said).extracting(RecordingChannel.Message::kind).containsExactly(ControlKind.CLAIM);
    }

    // S-1
    @Test
    void refusesAMessageThatAnotherGroupHasSigned() {
        process.secured.add(GROUP);
        process.verified = new Decoded.Valid<>(new Trust.Verified(
                new GroupName("other"),
                LinkCodec.encode(new LinkMessage.Close(
                        GROUP, 1, 0, session(1, process.channel.generation()).pairId(), "left"))));
        process.routing.received(process.channel, ControlKind.SEALED_LINK, Buffer.buffer());
        assertThat(process.sent).isEmpty();
        assertThat(process.distrusted).containsExactly("an unsigned message of a link");
    }

    @Test
    void deliversGossipToItsGroup() {
        var newest = entry(member(1, 5), PEER);
        var key = new StoreKeys(GROUP).rank(1);
        process.routing.received(
                process.channel, ControlKind.GOSSIP, new Gossip(GROUP, key, Schema.encode(newest)).encode());
        assertThat(process.core.core.directory().get(1).value()).isEqualTo(newest);
        process.routing.changed(
                new StoreKeys(new GroupName("other")).rank(1), Schema.encode(entry(member(1, 6), PEER)));
        assertThat(process.tasks)
                .as("a key of another group is no work for this one")
                .isEqualTo(1);
    }

    @Test
    void sendsGossipOnlyToItsRecipients() {
        process.routing.opened(process.channel);
        var gossip = new Gossip(GROUP, new StoreKeys(GROUP).rank(1), Schema.encode(entry(member(1, 5), PEER)));
        process.network.broadcast(gossip, other -> !other.equals(PEER));
        assertThat(process.said).isEmpty();
        process.network.broadcast(gossip, PEER::equals);
        assertThat(process.said).containsExactly(new RecordingChannel.Message(ControlKind.GOSSIP, gossip.encode()));
        assertThat(process.sealed)
                .as("with the signature of the group, each time")
                .isEqualTo(2);
    }

    @Test
    void recordsMalformedMessagesAndContinues() {
        for (ControlKind kind : List.of(ControlKind.LINK, ControlKind.GOSSIP)) {
            process.routing.received(process.channel, kind, Buffer.buffer("x"));
        }
        process.verified = new Decoded.Malformed<>("test");
        process.routing.received(process.channel, ControlKind.SEALED_LINK, Buffer.buffer("x"));
        assertThat(process.distrusted)
                .containsExactly("malformed message of a link", "malformed gossip", "malformed signed message");
        assertThatThrownBy(() -> process.routing.received(process.channel, ControlKind.TRANSFER, Buffer.buffer()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    // S-2
    @Test
    void grantsMemoryOnlyToPeersThatSignForTheGroup() {
        process.secured.add(GROUP);
        Buffer open = LinkCodec.encode(new LinkMessage.Open(
                entry(member(1, 1), PEER), member(0, 1), 1, 5, FakeProcess.slot(), FakeProcess.EXCHANGE));
        process.routing.received(process.channel, ControlKind.SEALED_LINK, open);
        assertThat(process.channel.granted()).as("not signed").isEmpty();
        assertThat(process.sent).isEmpty();
        process.verified = new Decoded.Valid<>(new Trust.Verified(GROUP, open));
        process.routing.received(process.channel, ControlKind.SEALED_LINK, open);
        assertThat(process.channel.granted()).containsExactly(GROUP);
        assertThat(process.sent).hasSize(1);
    }
}
