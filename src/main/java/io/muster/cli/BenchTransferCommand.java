package io.muster.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "transfer", mixinStandardHelpOptions = true)
final class BenchTransferCommand implements Callable<Integer> {
  @Override
  public Integer call() {
    return Main.OK;
  }
}
