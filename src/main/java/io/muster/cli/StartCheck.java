// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import io.muster.cluster.ControlAddress;
import io.muster.cluster.ControlClient;
import io.muster.cluster.MemberList;
import io.muster.group.HostPort;
import io.muster.group.MusterException;
import io.muster.launch.LaunchedProcess;
import io.muster.ops.Finding;
import io.muster.ops.Finding.Level;
import io.muster.options.MusterOptions;
import io.muster.options.OwnAddress;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What {@code run} would meet with this address and this member list, found by doing it: a process starts alone, on
 * free ports, and each member is asked.
 */
final class StartCheck {
    /** A member that runs answers in milliseconds. The check is to end within seconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final String bind;
    private final String advertise;
    private final List<Finding> findings = new ArrayList<>();

    private StartCheck(String bind, String advertise) {
        this.bind = bind;
        this.advertise = advertise;
    }

    /**
     * @param controlPort the control port that the process would have
     * @param members empty: the process would be alone
     */
    static List<Finding> of(String bind, String advertise, int controlPort, List<ControlAddress> members) {
        var check = new StartCheck(bind, advertise);
        if (check.starts() && !members.isEmpty()) {
            check.askMembers(controlPort, members);
        }
        return check.findings;
    }

    private boolean starts() {
        long startNanos = System.nanoTime();
        try {
            MusterOptions options = MusterOptions.fromJson(new JsonObject()
                    .put(
                            "endpoint",
                            new JsonObject()
                                    .put("bind", bind)
                                    .put("advertise", advertise)
                                    .put("port", 0)
                                    .put("controlPort", 0))
                    .put("hazelcast", new JsonObject().put("port", 0))
                    .put("prime", new JsonObject().put("rounds", 0)));
            OwnAddress own = OwnAddress.of(options.endpoint());
            try (LaunchedProcess process = LaunchedProcess.open(options)) {
                process.start(options, List.of());
            }
            findings.add(Finding.ok(
                    "start",
                    "a process starts here within "
                            + Duration.ofNanos(System.nanoTime() - startNanos).toMillis() + " ms: it listens on "
                            + own.bindText() + ", and others dial " + own.advertised()));
            return true;
        } catch (MusterException e) {
            findings.add(new Finding("start", Level.FAIL, String.valueOf(e.getMessage()), ""));
            return false;
        }
    }

    private void askMembers(int controlPort, List<ControlAddress> members) {
        try {
            OwnAddress own = OwnAddress.of(bind, advertise);
            var list = new MemberList(own, controlPort, members);
            list.requireReachable(bind);
            Optional<MemberList.OwnEntry> entry = list.ownEntry();
            findings.add(own(entry, HostPort.text(own.advertised(), controlPort)));
            members.stream()
                    .filter(member -> entry.map(MemberList.OwnEntry::entry)
                            .filter(member::equals)
                            .isEmpty())
                    .forEach(member -> findings.add(ask(member)));
        } catch (MusterException e) {
            findings.add(new Finding("members", Level.FAIL, String.valueOf(e.getMessage()), ""));
        }
    }

    private static Finding own(Optional<MemberList.OwnEntry> entry, String address) {
        if (entry.isEmpty()) {
            return new Finding(
                    "members",
                    Level.WARN,
                    "no entry of the list is this process (" + address + "): it joins, and never founds",
                    "list it, unless other processes found the cluster");
        }
        MemberList.OwnEntry own = entry.get();
        return own.why().isEmpty()
                ? Finding.ok("members", own.entry() + " is this process")
                : new Finding(
                        "members",
                        Level.WARN,
                        own.why(),
                        "mend /etc/hosts here, and see that the other hosts resolve the name to an address that reaches"
                                + " this process");
    }

    private static Finding ask(ControlAddress member) {
        return switch (ControlClient.ask(member, new JsonObject().put("ask", "cluster"), PATIENCE)) {
            case ControlClient.Reply.Answered _ -> Finding.ok("members", member + " answers");
            case ControlClient.Reply.Refused(String why) ->
                Finding.info("members", "nothing listens on " + member + " yet (" + why + ")");
            case ControlClient.Reply.Silent(String why) ->
                new Finding(
                        "members",
                        Level.WARN,
                        "no answer from " + member + " (" + why + ")",
                        "check the name, the route and the firewall");
        };
    }
}
