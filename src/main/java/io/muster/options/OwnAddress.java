// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

import io.muster.group.HostPort;
import io.muster.group.MusterException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The addresses of this process: {@code endpoint.bind} and {@code endpoint.advertise} as this host resolves them now.
 *
 * @param bind where to listen; a wildcard address for every interface
 * @param bindText the same as text: an address, never a name
 * @param advertised what others dial: the text of {@code endpoint.advertise}, or {@code bindText} without one
 * @param dialled the address of {@code advertised}; others may resolve its name to another one
 */
public record OwnAddress(InetAddress bind, String bindText, String advertised, InetAddress dialled) {

    /** @throws MusterException of kind CONFIG, as {@link #of(String, String)} */
    public static OwnAddress of(EndpointOptions endpoint) {
        return of(endpoint.bind(), endpoint.advertise());
    }

    /**
     * Resolves both texts and tries to listen at the first. <b>Blocks</b> where they are names.
     *
     * @param bind an address or a name of this host, or a wildcard
     * @param advertise empty: the address of {@code bind}
     * @throws MusterException of kind CONFIG if a name has no address, if {@code bind} is not of this host, or if other
     *     hosts could not reach what is advertised
     */
    public static OwnAddress of(String bind, String advertise) {
        String plain = plain(bind);
        List<InetAddress> all = resolve("endpoint.bind", plain);
        InetAddress own = all.stream()
                .filter(OwnAddress::isOfThisHost)
                .findFirst()
                .orElseThrow(() -> MusterException.config("no interface of this host has the address "
                        + texts(plain, all)
                        + "; use one that it has in --bind (endpoint.bind): 'muster doctor' lists them"));
        String text = HostPort.isLiteral(plain) ? plain : own.getHostAddress();
        if (advertise.isEmpty()) {
            return new OwnAddress(own, text, text, own);
        }
        String others = plain(advertise);
        List<InetAddress> reached = resolve("endpoint.advertise", others);
        if (!HostPort.isLiteral(others)
                && !own.isLoopbackAddress()
                && reached.stream().allMatch(InetAddress::isLoopbackAddress)) {
            throw MusterException.config("endpoint.advertise: " + texts(others, reached)
                    + " here, which no other host reaches; set the address, or mend /etc/hosts");
        }
        InetAddress dialled = reached.stream()
                .filter(Predicate.not(InetAddress::isLoopbackAddress))
                .findFirst()
                .orElse(reached.getFirst());
        return new OwnAddress(own, text, others, dialled);
    }

    /** Whether a socket of this host can listen at this address. Asks the operating system, with any free port. */
    public static boolean isOfThisHost(InetAddress address) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(address, 0));
            return true;
        } catch (BindException _) {
            return false;
        } catch (IOException _) {
            return true; // too few files, for example: that is not about the address
        }
    }

    /** {@code node1 resolves to 127.0.1.1}, or the address alone if it is no name. */
    public static String texts(String host, List<InetAddress> addresses) {
        return HostPort.isLiteral(host)
                ? host
                : host + " resolves to "
                        + addresses.stream().map(InetAddress::getHostAddress).collect(Collectors.joining(", "));
    }

    private static String plain(String host) {
        if (host.equals("*")) {
            return "0.0.0.0";
        }
        return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    }

    private static List<InetAddress> resolve(String setting, String host) {
        try {
            return Arrays.asList(InetAddress.getAllByName(host));
        } catch (UnknownHostException _) {
            throw MusterException.config(setting + ": the name " + host
                    + " can't be resolved; use an address of this host, or add the name to /etc/hosts or the DNS");
        }
    }
}
