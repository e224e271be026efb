// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.TestNames;
import io.muster.group.MusterException;
import io.muster.group.MusterException.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

// R-11, O-4
final class OwnAddressTest {
    @ParameterizedTest
    @CsvSource({"127.0.0.1,127.0.0.1", "::1,::1", "[::1],::1", "127.0.1.1,127.0.1.1"})
    void anAddressIsListenedAtAndPublishedAsItIs(String bind, String text) {
        OwnAddress own = OwnAddress.of(bind, "");

        assertThat(own.bindText()).isEqualTo(text);
        assertThat(own.advertised()).isEqualTo(text);
    }

    @Test
    void aNameIsPublishedAsTheAddressThatIsListenedAt() {
        TestNames.put("own.test", "198.51.100.1", "127.0.0.1");

        OwnAddress own = OwnAddress.of("own.test", "");

        assertThat(own.bindText()).as("the first that is of this host").isEqualTo("127.0.0.1");
        assertThat(own.advertised()).isEqualTo("127.0.0.1");
    }

    @ParameterizedTest
    @CsvSource({"0.0.0.0", "::", "[::]", "*"})
    void aWildcardPublishesWhatIsAdvertised(String bind) {
        OwnAddress own = OwnAddress.of(bind, "203.0.113.1");

        assertThat(own.bind().isAnyLocalAddress()).isTrue();
        assertThat(own.advertised()).isEqualTo("203.0.113.1");
        assertThat(own.dialled().getHostAddress()).isEqualTo("203.0.113.1");
    }

    @Test
    void anAddressOfAnotherHostIsRefusedWithItsName() {
        TestNames.put("other.test", "198.51.100.1", "198.51.100.2");

        refused("198.51.100.1", "", "no interface of this host has the address 198.51.100.1;", "muster doctor");
        refused("other.test", "", "no interface", "other.test resolves to 198.51.100.1, 198.51.100.2");
        refused("nowhere.invalid", "", "endpoint.bind: the name nowhere.invalid can't be resolved");
    }

    /** Debian's /etc/hosts has the own name with 127.0.1.1. */
    @Test
    void anAdvertisedNameThatIsLoopbackHereIsRefused() {
        TestNames.put("node1.test", "127.0.1.1");

        refused("0.0.0.0", "node1.test", "node1.test resolves to 127.0.1.1 here, which no other host reaches");
        assertThat(OwnAddress.of("127.0.0.1", "node1.test").advertised()).isEqualTo("node1.test");
    }

    private static void refused(String bind, String advertise, String... words) {
        assertThatThrownBy(() -> OwnAddress.of(bind, advertise))
                .isInstanceOfSatisfying(
                        MusterException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFIG))
                .hasMessageContainingAll(words);
    }
}
