// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.HostPort;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.net.ConnectOptions;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetSocket;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Connects to a host that may be a name. The name is resolved anew for each connection, as the JDK does it, and all its
 * addresses are tried in turn within one time limit.
 */
final class EveryAddress {
    private EveryAddress() {}

    /** No address of a name accepted the connection; the message has each address with its failure. */
    static final class FailedException extends IOException {
        private static final long serialVersionUID = 1L;

        FailedException(String message) {
            super(message);
        }
    }

    /**
     * @param context of the connection
     * @param limitMs for all addresses together
     * @return completes on the context; fails with the failure of the address, or with a {@link FailedException} if the
     *     host is a name with several
     */
    static Future<NetSocket> connect(NetClient client, Context context, String host, int port, long limitMs) {
        if (HostPort.isLiteral(host)) {
            return client.connect(port, host);
        }
        Promise<NetSocket> connected = Promise.promise();
        Thread.ofVirtual().name("muster-resolve").start(() -> {
            try {
                List<InetAddress> addresses = Arrays.asList(InetAddress.getAllByName(host));
                context.runOnContext(_ -> next(client, port, addresses, limitMs, new ArrayList<>())
                        .onComplete(connected));
            } catch (UnknownHostException e) {
                context.runOnContext(_ -> connected.fail(e));
            }
        });
        return connected.future();
    }

    private static Future<NetSocket> next(
            NetClient client, int port, List<InetAddress> addresses, long limitMs, List<String> failures) {
        InetAddress address = addresses.get(failures.size());
        var options = new ConnectOptions()
                .setHost(address.getHostAddress())
                .setPort(port)
                .setTimeout(Math.toIntExact(Math.max(1, limitMs / addresses.size())));
        return client.connect(options).recover(failure -> {
            failures.add(address.getHostAddress() + ": " + failure.getMessage());
            if (failures.size() < addresses.size()) {
                return next(client, port, addresses, limitMs, failures);
            }
            return Future.failedFuture(
                    addresses.size() == 1 ? failure : new FailedException(String.join("; ", failures)));
        });
    }
}
