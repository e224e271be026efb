// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.LossEvidence;
import io.muster.transfer.memory.Region;
import io.vertx.core.Vertx;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A process that is stopped while another process writes into its memory, and then reports the result. Driven by
 * {@link FrozenWriteIT}.
 */
public final class FrozenTargetNode {
    static final long BYTES = 96L << 20;
    static final long GUARD_BYTES = 4_096;
    private static final byte BLANK = 0x5a;

    private FrozenTargetNode() {}

    public static void main(String[] arguments) throws Exception {
        var process = TestProcess.start(Vertx.vertx(), FrozenWriteIT.OPTIONS);
        MemorySegment all =
                Arena.ofShared().allocate(BYTES + 2 * GUARD_BYTES, 8).fill(BLANK);
        MemorySegment memory = all.asSlice(GUARD_BYTES, BYTES);
        Region first = process.regions.register("first", memory, null);
        System.out.println(
                "ready " + process.id + " " + process.transport.address().port() + " " + first.id() + " "
                        + first.remote().key());
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            switch (line) {
                case "reopen" -> {
                    LossEvidence evidence = TestProcess.next(process.lost).evidence();
                    Region.End end = TestProcess.await(first.close(Duration.ofSeconds(10)));
                    System.out.println(
                            "closed " + end + " applied " + prefix(memory, FrozenWriteIT.OLD) + " lost " + evidence);
                    memory.fill(BLANK); // of another owner now, as far as anybody knows
                    Region second = process.regions.register("second", memory, null);
                    System.out.println(
                            "second " + second.id() + " " + second.remote().key());
                }
                case "look" ->
                    System.out.println("holds old=" + prefix(memory, FrozenWriteIT.OLD) + " new="
                            + prefix(memory, FrozenWriteIT.NEW) + " guards="
                            + (isBlank(all, 0) && isBlank(all, GUARD_BYTES + BYTES)));
                default -> throw new IllegalArgumentException(line);
            }
        }
        System.exit(0);
    }

    /** How many bytes from the beginning are of the pattern, in words. */
    private static long prefix(MemorySegment memory, long seed) {
        long word = seed;
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            word = word * 6364136223846793005L
                    + 1442695040888963407L; // as TestProcess.pattern, which would need as much memory again
            if (memory.get(ValueLayout.JAVA_LONG, at) != word) {
                return at;
            }
        }
        return BYTES;
    }

    private static boolean isBlank(MemorySegment all, long from) {
        for (long at = from; at < from + GUARD_BYTES; at++) {
            if (all.get(ValueLayout.JAVA_BYTE, at) != BLANK) {
                return false;
            }
        }
        return true;
    }
}
