// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.ProcessAddress;
import io.muster.transfer.ConnectException;
import io.muster.transfer.LossEvidence;
import io.netty.channel.ConnectTimeoutException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/** Builds the errors of failed dials: what happened, at which address, and what to do. */
final class ConnectFailures {
    private ConnectFailures() {}

    static ConnectException of(ProcessAddress target, Throwable failure, int timeoutMs) {
        String message = String.valueOf(failure.getMessage());
        String lower = message.toLowerCase(Locale.ROOT);
        if (failure instanceof EveryAddress.FailedException) {
            return failed(
                    ConnectException.Kind.UNREACHABLE,
                    target,
                    "no address of the name accepts the connection (" + message + ")",
                    "check that the process runs, the published name and its addresses");
        }
        if (failure instanceof ConnectTimeoutException || lower.contains("timed out")) {
            return silent(target, timeoutMs, "no answer to the connection request");
        }
        if (lower.contains("refused")) {
            return failed(
                    ConnectException.Kind.REFUSED,
                    target,
                    "connection refused: no process listens there",
                    "check that the process runs and has published this port");
        }
        if (lower.contains("cannot assign requested address")) {
            return failed(
                    ConnectException.Kind.LOCAL,
                    target,
                    "this host has no local port left for another connection (" + message + ")",
                    "end programs of this host that hold many connections, or widen net.ipv4.ip_local_port_range;"
                            + " the other host is not the cause");
        }
        if (failure instanceof NoRouteToHostException
                || failure instanceof UnknownHostException
                || lower.contains("unreachable")
                || lower.contains("no route")) {
            return failed(
                    ConnectException.Kind.UNREACHABLE,
                    target,
                    message,
                    "check the published address and the route to it");
        }
        if (failure instanceof SSLException || lower.contains("ssl")) {
            return tls(target, deepest(failure));
        }
        if (lower.contains("too many open files") || !(failure instanceof SocketException)) {
            return failed(
                    ConnectException.Kind.LOCAL,
                    target,
                    message,
                    "check the limits of this process: open files (ulimit -n), memory");
        }
        return failed(
                ConnectException.Kind.UNREACHABLE, target, message, "check the published address and the route to it");
    }

    /** The message of the failure and of its deepest cause: TLS wraps the cause several times. */
    @SuppressWarnings("ReferenceEquality") // a failure may name itself as its cause
    private static String deepest(Throwable failure) {
        Throwable at = failure;
        while (at.getCause() != null && at.getCause() != at && at.getCause().getMessage() != null) {
            at = at.getCause();
        }
        return at == failure ? String.valueOf(failure.getMessage()) : failure.getMessage() + ": " + at.getMessage();
    }

    static ConnectException silent(ProcessAddress target, int timeoutMs, String what) {
        return failed(
                ConnectException.Kind.SILENT,
                target,
                what + " within " + timeoutMs + " ms",
                "check that the host accepts connections to this port, or raise transport.helloTimeoutMs");
    }

    static ConnectException protocol(ProcessAddress target, String what) {
        return failed(ConnectException.Kind.PROTOCOL, target, what, "check that the same version of Muster runs there");
    }

    static ConnectException local(ProcessAddress target, String what) {
        return failed(ConnectException.Kind.LOCAL, target, what, "connect from a transport that is open");
    }

    static ConnectException outOfMemory(ProcessAddress target, String what) {
        return failed(ConnectException.Kind.LOCAL, target, what, "start it with a greater -XX:MaxDirectMemorySize");
    }

    /** The channel ended before it was open. */
    static ConnectException of(ProcessAddress target, LossEvidence evidence, int timeoutMs) {
        return switch (evidence.kind()) {
            case SILENCE -> silent(target, timeoutMs, evidence.detail());
            case STALLED ->
                failed(
                        ConnectException.Kind.SILENT,
                        target,
                        evidence.detail(),
                        "check the MTU of the path between the two hosts, or raise transport.helloTimeoutMs if it is"
                                + " slow");
            case CLOSED_HERE -> local(target, evidence.detail());
            case OUT_OF_MEMORY -> outOfMemory(target, "this process has " + evidence.detail());
            case PEER_OUT_OF_MEMORY -> outOfMemory(target, "the peer has " + evidence.detail());
            case SOCKET_CLOSED, REPLACED, UNHEARD ->
                failed(ConnectException.Kind.CUT, target, evidence.detail(), "check that its process runs");
            case PROTOCOL_ERROR -> protocol(target, evidence.detail());
        };
    }

    static ConnectException refused(ProcessAddress target, Refusal refusal) {
        return switch (refusal.code()) {
            case OTHER_PROCESS -> otherProcess(target, refusal.by().toString());
            case VERSION ->
                protocol(
                        target, "it has protocol version " + refusal.version() + ", this process has " + Hello.VERSION);
            case UNPROVED -> unproved(target, "it refused: " + refusal.detail());
            case LIMITS, MALFORMED, STALE_DIAL, UNKNOWN_GENERATION, USE_MINE ->
                protocol(
                        target,
                        "it refused: " + refusal.code() + (refusal.detail().isEmpty() ? "" : ", " + refusal.detail()));
        };
    }

    static ConnectException tls(ProcessAddress target, String what) {
        return failed(
                ConnectException.Kind.UNPROVED,
                target,
                "TLS: " + what,
                "give both processes certificates of one authority"
                        + " (security.tls), and either both TLS or neither");
    }

    static ConnectException unproved(ProcessAddress target, String what) {
        return failed(
                ConnectException.Kind.UNPROVED,
                target,
                what,
                "give both processes the same secret (security.secretFile), or find out which process listens there");
    }

    static ConnectException otherProcess(ProcessAddress target, String actual) {
        return failed(
                ConnectException.Kind.OTHER_PROCESS,
                target,
                "process " + actual + " answers there",
                "if the expected process has ended, start its rank again; if it runs, two hosts have this address: give"
                        + " each host its own");
    }

    private static ConnectException failed(
            ConnectException.Kind kind, ProcessAddress target, String what, String advice) {
        return new ConnectException(
                kind,
                "not connected (" + kind + "): " + what + ": transport=tcp remote=" + target + " process="
                        + target.process() + "; " + advice);
    }
}
