// SPDX-License-Identifier: Apache-2.0

package io.muster.cluster;

import io.muster.group.HostPort;
import io.muster.group.MusterException;
import io.muster.options.OwnAddress;
import io.vertx.core.json.JsonObject;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a process can say about its member list before it waits for anybody: which entry is its own, and whether the
 * others could reach it. <b>Blocks</b>, because it resolves names.
 */
public final class MemberList {
    /** Within this host, an answer takes milliseconds. */
    private static final Duration LOCAL = Duration.ofSeconds(1);

    private final OwnAddress own;
    private final int port;
    private final List<ControlAddress> members;

    /** @param port the control port of this process */
    public MemberList(OwnAddress own, int port, List<ControlAddress> members) {
        this.own = own;
        this.port = port;
        this.members = List.copyOf(members);
    }

    /** @param why empty, or how the entry differs from the address on which this process listens */
    public record OwnEntry(ControlAddress entry, String why) {}

    /**
     * The entry of this process: the one with its address, or else one that this host resolves to another address of
     * this host, where nothing listens. Debian's /etc/hosts has such a line: the own name with 127.0.1.1.
     *
     * @throws MusterException of kind CONFIG if the list has another address of this host in place of the own one: the
     *     others would dial an address on which nothing listens
     */
    public Optional<OwnEntry> ownEntry() {
        for (ControlAddress member : members) {
            if (member.port() == port && isOwn(member)) {
                return Optional.of(new OwnEntry(member, ""));
            }
        }
        for (ControlAddress member : members) {
            if (member.port() == port && isElsewhereOnThisHost(member)) {
                String why = OwnAddress.texts(member.host(), member.resolve())
                        + (member.isLiteral() ? " is an address of this host" : " here")
                        + ", but this process listens on " + own.bindText();
                if (member.isLiteral()) {
                    throw MusterException.config("the member list has no entry for this process: " + why
                            + "; use --bind " + member.host() + ", or list the address in --bind");
                }
                return Optional.of(new OwnEntry(member, why));
            }
        }
        return Optional.empty();
    }

    /**
     * A process on the loopback address can't join others on a network. This says so at once, instead of after a minute
     * of attempts.
     *
     * @param bind the setting, which may be a name
     * @throws MusterException of kind CONFIG
     */
    public void requireReachable(String bind) {
        if (!own.bind().isLoopbackAddress()) {
            return;
        }
        for (ControlAddress member : members) {
            List<InetAddress> addresses = member.resolve();
            if (!addresses.isEmpty() && addresses.stream().noneMatch(InetAddress::isLoopbackAddress)) {
                throw MusterException.config("this process would listen on " + own.bindText()
                        + (HostPort.isLiteral(bind) ? "" : " (to which this host resolves " + bind + ")")
                        + ", which the member " + member + " can't reach; use --bind (or endpoint.bind) with an address"
                        + " of this host that the other processes can reach");
            }
        }
    }

    private boolean isOwn(ControlAddress member) {
        return member.host().equals(own.advertised())
                || member.resolve().stream()
                        .anyMatch(address -> address.equals(own.bind())
                                || address.equals(own.dialled())
                                || (own.bind().isAnyLocalAddress() && OwnAddress.isOfThisHost(address)));
    }

    /** Another process of this host may have the same port on another address: then it answers, or is silent. */
    private static boolean isElsewhereOnThisHost(ControlAddress member) {
        return member.resolve().stream().anyMatch(OwnAddress::isOfThisHost)
                && ControlClient.ask(member, new JsonObject().put("ask", ClusterFormation.ASK), LOCAL)
                        instanceof ControlClient.Reply.Refused;
    }
}
