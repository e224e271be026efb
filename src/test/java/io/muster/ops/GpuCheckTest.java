package io.muster.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.cuda.CudaFacts;
import io.muster.cuda.ProcessUsage;
import io.muster.cuda.SharingCycles.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

class GpuCheckTest {
  private static final ProcessUsage BEFORE = new ProcessUsage(9_000_000, 700, 30);

  private static Outcome done(long freeAfter, ProcessUsage after) {
    return new Outcome.Done(50L << 30, freeAfter, BEFORE, after, List.of(), 900);
  }

  @Test
  void passesWhereNothingGrows() { // P-14
    assertThat(GpuCheck.leavesNothing(done(50L << 30, BEFORE))).isTrue();
    assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_001_000, 702, 29)))).as("the JVM's own").isTrue();
  }

  @Test
  void failsWhereCyclesLeaveSomethingBehind() { // P-14
    assertThat(GpuCheck.leavesNothing(done((50L << 30) - 1000 * (2L << 20), BEFORE))).as("device memory").isFalse();
    assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_000_000 + 1000 * 2048, 700, 30)))).as("address space").isFalse();
    assertThat(GpuCheck.leavesNothing(done(50L << 30, new ProcessUsage(9_000_000, 700, 31)))).as("a descriptor").isFalse();
    assertThat(GpuCheck.leavesNothing(new Outcome.Failed("why"))).isFalse();
  }

  @Test
  void skipsWithoutAGpu() { // W-8
    assertThat(GpuCheck.run(new CudaFacts.NoDriver("no libcuda"), 1, 1000).getString("reason")).contains("no libcuda");
  }
}
