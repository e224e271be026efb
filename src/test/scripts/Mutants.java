import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.platform.engine.CancellationToken;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherExecutionRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * Puts one mistake after the other into the code, and says which of them no test notices. Run by the script {@code mutants}.
 *
 * <p>A line of a list: {@code name | file under src/main/java/io/muster | s/regular expression/replacement/ | tests, space between them}.
 * Lines that are empty or begin with # are skipped; a bar is written as \x7c, a slash as \x2f. Nothing in src or target/classes changes: what
 * is compiled anew lies in a folder of its own, before the rest on the class path, together with the tests, which hold constants.
 */
final class Mutants {
  private static final Path SOURCES = Path.of("src/main/java/io/muster");
  private static final Path TESTS = Path.of("src/test/java");
  private static final long LIMIT_S = 120;
  private static final boolean DRY = Boolean.getBoolean("mutants.dry");
  private static final Pattern CHANGE = Pattern.compile("s/(.*)/(.*)/", Pattern.DOTALL);

  private enum Fate { NOTICED, SURVIVED, BROKEN, MADE }

  private record Outcome(Fate fate, String why) {}

  private record Mutant(String name, Path file, String change, List<String> tests) {
    static Mutant of(String line) {
      String[] parts = line.split("\\|");
      if (parts.length != 4) {
        throw new IllegalArgumentException("expected name | file | change | tests, got: " + line);
      }
      return new Mutant(parts[0].strip(), SOURCES.resolve(parts[1].strip()), parts[2].strip(), List.of(parts[3].strip().split("\\s+")));
    }
  }

  public static void main(String[] args) throws Exception {
    Set<String> wanted = Set.copyOf(Arrays.asList(args).subList(1, args.length));
    List<Mutant> mutants = Files.readAllLines(Path.of(args[0])).stream().filter(line -> !line.isBlank() && !line.startsWith("#"))
        .map(Mutant::of).filter(mutant -> wanted.isEmpty() || wanted.contains(mutant.name())).toList();
    List<String> survivors = new ArrayList<>();
    int broken = 0;
    PrintStream out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream())); // what the tests log
    for (Mutant mutant : mutants) {
      Outcome outcome = tried(mutant);
      out.println(outcome.fate() + " " + mutant.name() + ": " + outcome.why());
      if (outcome.fate() == Fate.SURVIVED) {
        survivors.add(mutant.name());
      }
      broken += outcome.fate() == Fate.BROKEN ? 1 : 0;
    }
    out.println(mutants.size() + " mutants, " + survivors.size() + " survived " + survivors + ", " + broken + " broken");
    System.exit(survivors.isEmpty() && broken == 0 ? 0 : 1);
  }

  private static Outcome tried(Mutant mutant) throws Exception {
    Path work = Files.createTempDirectory("mutant");
    try {
      if (Files.notExists(mutant.file())) {
        return new Outcome(Fate.BROKEN, "no file " + mutant.file());
      }
      String before = Files.readString(mutant.file());
      Matcher change = CHANGE.matcher(mutant.change());
      if (!change.matches()) {
        return new Outcome(Fate.BROKEN, "no substitution: " + mutant.change());
      }
      String after = Pattern.compile(change.group(1)).matcher(before).replaceFirst(Matcher.quoteReplacement(
          change.group(2).replace("\\n", "\n").replace("\\x7c", "|").replace("\\x2f", "/")));
      if (after.equals(before)) {
        return new Outcome(Fate.BROKEN, "the substitution changes nothing");
      }
      if (DRY) {
        return new Outcome(Fate.MADE, mutant.change());
      }
      Path source = Files.writeString(work.resolve(mutant.file().getFileName()), after);
      Path classes = Files.createDirectory(work.resolve("classes"));
      String problem = compiled(classes, List.of(source));
      if (problem != null) {
        return new Outcome(Fate.BROKEN, problem);
      }
      problem = compiled(classes, mutant.tests().stream().map(test -> TESTS.resolve(test.replaceAll("#.*", "").replace('.', '/') + ".java")).distinct().toList());
      return problem != null ? new Outcome(Fate.NOTICED, "by the compiler: " + problem) : run(classes, mutant.tests());
    } finally {
      delete(work);
    }
  }

  private static String compiled(Path to, List<Path> sources) throws IOException {
    var compiler = ToolProvider.getSystemJavaCompiler();
    var said = new StringWriter();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      boolean done = compiler.getTask(said, files, null, List.of("-nowarn", "-parameters", "-proc:none", "-d", to.toString(), "-cp",
          String.join(File.pathSeparator, to.toString(), "target/test-classes", "target/classes", System.getProperty("java.class.path"))), null,
          files.getJavaFileObjectsFromPaths(sources)).call();
      return done ? null : said.toString().lines().findFirst().orElse("not compiled");
    }
  }

  private static Outcome run(Path classes, List<String> tests) throws Exception {
    URL[] first = {classes.toUri().toURL(), Path.of("target/test-classes").toUri().toURL(), Path.of("target/classes").toUri().toURL()};
    try (var loader = new URLClassLoader(first, Mutants.class.getClassLoader())) {
      Callable<Outcome> task = () -> {
        var request = LauncherDiscoveryRequestBuilder.request();
        for (String test : tests) {
          String[] parts = test.split("#");
          Class<?> type = loader.loadClass(parts[0]);
          request.selectors(parts.length == 1 ? selectClass(type) : selectMethod(type, parts[1]));
        }
        var firstFailure = CancellationToken.create();
        var listener = new SummaryGeneratingListener() {
          @Override
          public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            super.executionFinished(test, result);
            if (result.getStatus() == TestExecutionResult.Status.FAILED) {
              firstFailure.cancel();
            }
          }
        };
        LauncherFactory.create().execute(LauncherExecutionRequestBuilder.request(request.build()).listeners(listener)
            .cancellationToken(firstFailure).build());
        var summary = listener.getSummary();
        return summary.getTotalFailureCount() > 0
            ? new Outcome(Fate.NOTICED, failed(summary.getFailures().getFirst()))
            : new Outcome(summary.getTestsSucceededCount() > 0 ? Fate.SURVIVED : Fate.BROKEN, summary.getTestsSucceededCount() + " tests passed");
      };
      var run = new FutureTask<>(task);
      var thread = new Thread(run, "tests");
      thread.setDaemon(true);
      thread.setContextClassLoader(loader);
      thread.start();
      try {
        return run.get(LIMIT_S, TimeUnit.SECONDS);
      } catch (TimeoutException _) {
        return new Outcome(Fate.SURVIVED, "the tests did not end within " + LIMIT_S + " s: a test needs a bound, and a message");
      }
    }
  }

  /** The test and the first line of its failure, by which a person sees whether it noticed this mistake or failed for another reason. */
  private static String failed(TestExecutionSummary.Failure failure) {
    String said = String.valueOf(failure.getException()).lines().filter(line -> !line.isBlank()).limit(4).collect(Collectors.joining(" "));
    return failure.getTestIdentifier().getLegacyReportingName() + " " + said.substring(0, Math.min(said.length(), 200));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
