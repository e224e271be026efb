// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda.driver;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.muster.gpucheck.SharingCycles;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The numbers are those that a C compiler gives for {@code cuda.h} of CUDA 13.0 ({@code sizeof}, {@code offsetof}). */
@Timeout(60)
class ForeignLayoutTest {
    @Test
    void hasTheStructsOfTheHeader() {
        var prop = ForeignMemoryDriver.ALLOCATION_PROP;
        assertThat(prop.byteSize()).isEqualTo(32);
        assertThat(prop.byteOffset(groupElement("requestedHandleTypes"))).isEqualTo(4);
        assertThat(prop.byteOffset(groupElement("location"))).isEqualTo(8);
        assertThat(prop.byteOffset(groupElement("location"), groupElement("id")))
                .isEqualTo(12);
        assertThat(prop.byteOffset(groupElement("win32HandleMetaData"))).isEqualTo(16);
        assertThat(prop.byteOffset(groupElement("allocFlags"))).isEqualTo(24);
        assertThat(ForeignMemoryDriver.ACCESS_DESC.byteSize()).isEqualTo(12);
        assertThat(ForeignMemoryDriver.ACCESS_DESC.byteOffset(groupElement("flags")))
                .isEqualTo(8);
    }

    @Test
    void requestsPinnedMemoryAndZeroesAllOtherFields() {
        try (Arena arena = Arena.ofConfined()) {
            byte[] prop = ForeignMemoryDriver.prop(arena, 5, ShareKind.FABRIC).toArray(JAVA_BYTE);
            assertThat(HexFormat.of().formatHex(prop))
                    .isEqualTo("01000000" + "08000000" + "01000000" + "05000000" + "00".repeat(16));
        }
    }

    @Test
    void readsTheFabricInformationInTheHeadersOrder() {
        byte[] bytes =
                HexFormat.of().parseHex("00112233445566778899aabbccddeeff" + "07000000" + "feffffff" + "03" + "000000");
        FabricInfo.Known known;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(bytes.length, Integer.BYTES);
            MemorySegment.copy(bytes, 0, info, JAVA_BYTE, 0, bytes.length);
            known = ForeignNvml.known(info, OptionalInt.of(9));
        }
        assertThat(known)
                .isEqualTo(new FabricInfo.Known(
                        UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"), -2, 3, 7, OptionalInt.of(9)));
        assertThat(known.registered()).as("status 7").isFalse();
        assertThat(known.stateText()).isEqualTo("3 (completed)");
    }

    @Test
    void namesTheFunctionsThatALibraryLacks() {
        ForeignLibrary c = ForeignLibrary.ofC();
        c.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        c.function("muster_has_no_such_function", FunctionDescriptor.of(JAVA_INT));
        assertThat(c.missing()).containsExactly("muster_has_no_such_function");
        assertThat(ForeignLibrary.open("libmuster-has-no-such-library.so.1")).isEmpty();
    }

    @Test
    void callsThroughAHandle() {
        var getpid = ForeignLibrary.ofC().function("getpid", FunctionDescriptor.of(JAVA_INT));
        assertThat(ForeignLibrary.status(() -> (int) getpid.handle().invokeExact()))
                .isEqualTo((int) ProcessHandle.current().pid());
        assertThatThrownBy(() -> ForeignLibrary.status(() -> {
                    throw new java.io.IOException("no call does this");
                }))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void reportsMissingLibrariesWithoutAnException() { // W-8
        assumeTrue(
                ForeignLibrary.open(ForeignNvml.NAME).isEmpty()
                        && ForeignLibrary.open(CudaLibrary.NAME).isEmpty(),
                "this host has a driver");
        assertThat(ForeignNvml.load())
                .isEqualTo(new ForeignLoading.Absent<Nvml>("libnvidia-ml.so.1 is not found by the dynamic loader"));
        assertThat(ForeignMemoryDriver.load()).isInstanceOf(ForeignLoading.Absent.class);
        assertThat(SharingCycles.run(0, ShareKind.POSIX, 1)).isInstanceOf(SharingCycles.Outcome.Failed.class);
    }
}
