package io.muster.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "memory", mixinStandardHelpOptions = true)
final class BenchMemoryCommand implements Callable<Integer> {
  @Override
  public Integer call() {
    return Main.OK;
  }
}
