// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DurationConverterTest {
    @ParameterizedTest
    @CsvSource({"0s,0s", "0m,0s", "1ms,1ms", "1500ms,1500ms", "5000ms,5s", "90s,90s", "120s,2m", "999999999m,999999999m"
    })
    void aDurationIsSaidInTheFormThatIsRead(String read, String said) {
        assertThat(DurationConverter.text(new DurationConverter().convert(read)))
                .isEqualTo(said);
    }
}
