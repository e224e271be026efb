// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.bench.BenchCommand;
import io.muster.bench.BenchWorkerCommand;
import io.muster.chaos.SoakCommand;
import io.muster.cluster.FileLimit;
import io.muster.gpucheck.GpuCheckCommand;
import io.muster.gpucheck.GpuWorkerCommand;
import io.muster.group.MusterException;
import io.muster.launch.ExitCode;
import io.muster.launch.QueuedOutput;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. {@link ExitCode} has the exit codes. A failure is one line on standard error; {@code --debug} or
 * {@code MUSTER_DEBUG=1} adds the stack trace.
 */
@Command(
        name = "muster",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        description =
                "Connects the ranks of a process group, proves every link by a warmup, and informs each rank when all "
                        + "are connected.",
        footer = {
            "",
            "Exit codes: 0 done, 1 failed, 2 wrong arguments, settings or environment, 3 not all connected, 4 no answer.",
            "'muster COMMAND --help' says what they mean for a command."
        },
        subcommands = {
            // all commands are registered here
            DemoCommand.class,
            RunCommand.class,
            StatusCommand.class,
            DumpCommand.class,
            DoctorCommand.class,
            SoakCommand.class,
            BenchCommand.class,
            BenchWorkerCommand.class,
            GpuCheckCommand.class,
            GpuWorkerCommand.class,
            TrainArchiveCommand.class
        })
public final class Main implements Runnable {
    private static final String LOGGING = "logback.configurationFile";
    /** The part of a log line that shows an exception: one line without its stack, unless in debug mode. */
    private static final String LOGGED_EXCEPTION = "muster.log.exception";

    private static final boolean DEBUG = "1".equals(System.getenv("MUSTER_DEBUG"));

    /** Their event loops must never wait for a reader of their output. */
    private static final Set<String> WITH_EVENT_LOOPS = Set.of("run", "bench-worker", "gpu-worker");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Print the stack trace of a failure (also: MUSTER_DEBUG=1).")
    private boolean debug = DEBUG;

    private Main() {}

    public static void main(String[] args) {
        prepareLog();
        Arrays.stream(args)
                .filter(one -> !one.startsWith("-"))
                .findFirst()
                .filter(WITH_EVENT_LOOPS::contains)
                .ifPresent(command -> QueuedOutput.install(
                        !command.equals("run") || List.of(args).contains("--json")));
        try {
            int code = commandLine().execute(args);
            QueuedOutput.drain();
            System.exit(code);
        } catch (Error failure) {
            // out of memory or files: remaining threads would keep the process alive, and closing in order may need
            // more
            // of the same, so the JVM halts
            String message = firstLine(failure.toString());
            System.err.println("muster: " + message + FileLimit.hint(message));
            QueuedOutput.drain();
            Runtime.getRuntime().halt(ExitCode.FAILED);
        }
    }

    /** What goes to standard error beside the messages of the command: one line for an event or a failure. */
    static void prepareLog() {
        // set before the first logger exists; the library has no such file, because an application configures its own
        // log
        if (System.getProperty(LOGGING) == null) {
            System.setProperty(LOGGING, "io/muster/cli/logback.xml");
        }
        System.setProperty(LOGGED_EXCEPTION, DEBUG ? "%n%ex" : "%replace( %ex{0}){'\\s+', ' '}%n%nopex");
        Thread.setDefaultUncaughtExceptionHandler(Main::uncaught);
    }

    /** A thread that fails by a bug is said in one line; the process goes on, as without this handler. */
    private static void uncaught(Thread thread, Throwable failure) {
        System.err.println("muster: thread " + thread.getName() + " failed: " + firstLine(failure.toString())
                + (DEBUG ? "" : " (MUSTER_DEBUG=1 shows where)"));
        if (DEBUG) {
            failure.printStackTrace();
        }
    }

    /** The commands and the handling of failures; tests add a command of their own. */
    static CommandLine commandLine() {
        Main main = new Main();
        return new CommandLine(main)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::wrongArguments)
                .setExecutionExceptionHandler((failure, commandLine, _) -> main.failed(failure, commandLine));
    }

    /** Called if no command is given. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "no command given; " + commandsOf(spec.commandLine()));
    }

    private static int wrongArguments(ParameterException wrong, String[] args) {
        CommandLine commandLine = wrong.getCommandLine();
        String message = switch (wrong) {
            case UnmatchedArgumentException unmatched -> unmatchedSentence(unmatched);
            case ParameterException other -> firstLine(String.valueOf(other.getMessage()));
        };
        commandLine
                .getErr()
                .println("muster: " + message + " ("
                        + commandLine.getCommandSpec().qualifiedName() + " --help)");
        return ExitCode.USAGE;
    }

    private static String unmatchedSentence(UnmatchedArgumentException unmatched) {
        CommandLine commandLine = unmatched.getCommandLine();
        String first = unmatched.getUnmatched().getFirst();
        if (first.startsWith("-")) {
            return "unknown option '" + first + "'"
                    + unmatched.getSuggestions().stream()
                            .findFirst()
                            .map(s -> "; did you mean " + s + "?")
                            .orElse("");
        }
        return commandLine.getSubcommands().isEmpty()
                ? "unexpected argument '" + first + "'"
                : "unknown command '" + first + "'; " + commandsOf(commandLine);
    }

    private static String commandsOf(CommandLine commandLine) {
        return "commands are "
                + String.join(
                        ", ",
                        commandLine.getSubcommands().entrySet().stream()
                                .filter(entry -> !entry.getValue()
                                        .getCommandSpec()
                                        .usageMessage()
                                        .hidden())
                                .map(entry -> entry.getKey())
                                .toList());
    }

    private int failed(Exception failure, CommandLine commandLine) {
        String message = failure instanceof MusterException || failure instanceof ControlQuestion.NoAnswerException
                ? failure.getMessage()
                : firstLine(failure.toString());
        commandLine.getErr().println("muster: " + message);
        if (debug) {
            failure.printStackTrace(commandLine.getErr());
        }
        return switch (failure) {
            case ControlQuestion.NoAnswerException _ -> ExitCode.NO_ANSWER;
            case MusterException known when known.kind() == MusterException.Kind.CONFIG -> ExitCode.USAGE;
            case Exception _ -> ExitCode.FAILED;
        };
    }

    private static String firstLine(String text) {
        return Arrays.stream(text.split("\\R", 2)).findFirst().orElse(text);
    }

    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {
                "muster " + (version == null ? "(not packaged)" : version) + ", Java " + Runtime.version()
            };
        }
    }
}
