// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.ProcessId;
import io.muster.routing.Beat;
import io.muster.transfer.ControlKind;
import io.muster.transfer.RecordingChannel;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Test;

// S-1
class GroupSealsTest {
    private static final GroupSecret SECRET = GroupSecret.ofText("the secret of the group");
    private static final GroupName G = new GroupName("g");
    private static final ProcessId A = new ProcessId(0, 1);
    private static final ProcessId B = new ProcessId(0, 2);
    private static final Buffer PAYLOAD = Buffer.buffer("payload");

    private static SealedMessage message(Buffer sealed) {
        return ((Decoded.Valid<SealedMessage>) SealedMessage.decode(ControlKind.SEALED_LINK, sealed)).value();
    }

    private final GroupSeals atA = new GroupSeals(G, SECRET, A);
    private final GroupSeals atB = new GroupSeals(G, SECRET, B);
    private final RecordingChannel toB = new RecordingChannel(B, "one");
    private final RecordingChannel toA = new RecordingChannel(A, "one");

    @Test
    void aMessageIsValidOnlyAtTheOtherEndOfItsChannel() {
        SealedMessage message = message(atA.seal(toB, ControlKind.SEALED_LINK, PAYLOAD));
        assertThat(Buffer.buffer(message.payload())).isEqualTo(PAYLOAD);
        assertThat(atB.isAuthentic(toA, message)).isTrue();
        assertThat(atA.isAuthentic(toB, message)).as("reflected to its sender").isFalse();
        assertThat(atB.isAuthentic(new RecordingChannel(A, "two"), message))
                .as("replayed over another channel")
                .isFalse();
        assertThat(atB.isAuthentic(new RecordingChannel(new ProcessId(0, 3), "one"), message))
                .as("from another process")
                .isFalse();
        assertThat(new GroupSeals(new GroupName("h"), SECRET, B).isAuthentic(toA, message))
                .as("for another group of the same secret")
                .isFalse();
        assertThat(new GroupSeals(G, GroupSecret.ofText("another secret, as long"), B).isAuthentic(toA, message))
                .isFalse();
        assertThat(atB.isAuthentic(
                        toA, new SealedMessage(ControlKind.SEALED_CLAIM, G, message.signature(), message.payload())))
                .as("as a message of another kind")
                .isFalse();
    }

    @Test
    void theSignatureCoversEveryBitOfAMessage() {
        byte[] sealed = atA.seal(toB, ControlKind.SEALED_LINK, PAYLOAD).getBytes();
        for (int bit = 0; bit < 8 * sealed.length; bit++) {
            byte[] changed = sealed.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            if (SealedMessage.decode(ControlKind.SEALED_LINK, Buffer.buffer(changed))
                    instanceof Decoded.Valid<SealedMessage>(SealedMessage message)) {
                assertThat(message.group().equals(G) && atB.isAuthentic(toA, message))
                        .isFalse();
            }
        }
    }

    @Test
    void aLivenessAnswerIsValidInItsDirectionOnly() {
        byte[] beat = new Beat.GroupBeat("g", 3, null, java.util.Set.of(7L, 9L)).statement();
        byte[] signature = atA.signBeat(toB, beat);
        assertThat(atB.isAuthenticBeat(toA, beat, signature)).isTrue();
        assertThat(atA.isAuthenticBeat(toB, beat, signature)).isFalse();
        assertThat(atB.isAuthenticBeat(
                        toA, new Beat.GroupBeat("g", 4, null, java.util.Set.of(7L, 9L)).statement(), signature))
                .isFalse();
        var whole = new Beat(
                java.util.List.of(new Beat.GroupBeat("g", 3, null, java.util.Set.of(7L, 9L)).signed(signature)));
        Beat.GroupBeat read = ((Decoded.Valid<Beat>) Beat.decode(whole.encode()))
                .value()
                .groups()
                .getFirst();
        assertThat(atB.isAuthenticBeat(toA, read.statement(), read.signature())).isTrue();
    }

    @Test
    void anEventOnTheBusCarriesItsSignature() {
        JsonObject event = atA.sign(new JsonObject().put("group", "g").put("epoch", 3L));
        assertThat(atB.isAuthentic(new JsonObject(event.encode()))).isTrue();
        assertThat(atB.isAuthentic(new JsonObject(event.encode()).put("epoch", 4L)))
                .isFalse();
        assertThat(atB.isAuthentic(new JsonObject().put("group", "g").put("epoch", 3L)))
                .isFalse();
        assertThat(atB.isAuthentic(new JsonObject().put("epoch", 3L).put("signature", "no hex")))
                .isFalse();
        assertThat(new GroupSeals(new GroupName("h"), SECRET, B).isAuthentic(event))
                .isFalse();
    }
}
