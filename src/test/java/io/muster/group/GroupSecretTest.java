// SPDX-License-Identifier: Apache-2.0

package io.muster.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

// S-1, S-2
class GroupSecretTest {
    private static final String TEXT = "correct horse battery staple";
    private static final GroupSecret SECRET = GroupSecret.ofText(TEXT);

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void theSecretIsNeverPrinted() {
        String shown = SECRET + " " + SECRET.id() + " " + SECRET.seal("x");
        assertThat(shown).doesNotContain("correct").doesNotContain("staple");
        assertThatThrownBy(() -> GroupSecret.ofText("hunter2 hunter2"))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("got 15")
                .message()
                .doesNotContain("hunter2");
        assertThatThrownBy(() -> GroupSecret.of(new byte[4097]))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("got 4097");
    }

    @Test
    void aLineOfAFileIsTheTextItself() {
        assertThat(GroupSecret.ofText("  " + TEXT + "\r\n")).isEqualTo(SECRET).hasSameHashCodeAs(SECRET);
        assertThat(GroupSecret.ofText(TEXT + "!")).isNotEqualTo(SECRET);
    }

    @Test
    void aSignatureCoversItsPurposeItsDetailsAndEachPart() {
        GroupSecret.Seal seal = SECRET.seal("store", bytes("g"));
        byte[] signature = seal.sign(bytes("ab"), bytes("c"));
        assertThat(signature).hasSize(GroupSecret.Seal.BYTES);
        assertThat(GroupSecret.ofText(TEXT).seal("store", bytes("g")).verifies(signature, bytes("ab"), bytes("c")))
                .isTrue();
        assertThat(seal.verifies(signature, bytes("a"), bytes("bc"))).isFalse();
        assertThat(seal.verifies(signature, bytes("abc"))).isFalse();
        assertThat(seal.verifies(new byte[0], bytes("ab"), bytes("c"))).isFalse();
        for (GroupSecret.Seal other : List.of(
                SECRET.seal("store", bytes("h")),
                SECRET.seal("hello", bytes("g")),
                SECRET.seal("storeg"),
                SECRET.seal("store"),
                GroupSecret.ofText(TEXT + "!").seal("store", bytes("g")))) {
            assertThat(other.verifies(signature, bytes("ab"), bytes("c"))).isFalse();
        }
        for (int bit = 0; bit < 8 * signature.length; bit++) {
            byte[] changed = signature.clone();
            changed[bit / 8] ^= (byte) (1 << bit % 8);
            assertThat(seal.verifies(changed, bytes("ab"), bytes("c"))).isFalse();
        }
    }

    @Test
    void manyThreadsSignWithOneSeal() {
        GroupSecret.Seal seal = SECRET.seal("x");
        byte[] expected = seal.sign(bytes("message"));
        assertThat(IntStream.range(0, 2_000).parallel().mapToObj(_ -> seal.sign(bytes("message"))))
                .allMatch(one -> java.util.Arrays.equals(one, expected));
    }
}
