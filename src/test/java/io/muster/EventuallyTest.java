// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EventuallyTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    @Test
    void returnsTheFirstValueThatIsAsWanted() {
        var looks = new AtomicInteger();
        assertThat(Eventually.value("the third look", looks::incrementAndGet, look -> look == 3))
                .isEqualTo(3);
        assertThat(looks).hasValue(3);
    }

    @Test
    void failsAtItsBoundWithTheConditionAndTheLastValue() {
        assertThatThrownBy(() -> Eventually.value("a full house", SHORT, () -> 7, seats -> seats == 8))
                .isInstanceOf(AssertionError.class)
                .hasMessage("waited 20 ms in vain for: a full house; the value seen last: 7");
        assertThatThrownBy(() -> Eventually.holds("a miracle", SHORT, () -> false))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("a miracle");
    }

    @Test
    void anInterruptEndsTheWaitAndIsKept() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Eventually.holds("nothing", () -> false))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("interrupted");
        assertThat(Thread.interrupted()).isTrue();
    }
}
