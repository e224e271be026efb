// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Gossip;
import io.muster.group.GroupName;
import io.muster.group.LogEvents;
import io.muster.group.ProcessAddress;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.store.StoreKeys;
import io.muster.transfer.Channel;
import io.muster.transfer.ConnectException;
import io.muster.transfer.ControlKind;
import io.vertx.core.Future;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Informs a silent life that has been taken over: once its process answers again, it receives the entry of the newer
 * life and ends. Without this notice it might not find out: it may have resumed in the smaller part of a split, where
 * the store does not show the newer entry, and it may only wait for peers to open links. May be called from any
 * context.
 */
public final class TakeoverNotice {
    private static final Logger LOG = LoggerFactory.getLogger(TakeoverNotice.class);

    private final ProcessPorts ports;
    private final Function<ProcessAddress, Future<Channel>> connect;
    private final long pauseMs;
    private final Map<RankKey, RankEntry> silent = new ConcurrentHashMap<>();

    private record RankKey(GroupName group, int rank) {
        static RankKey of(RankEntry entry) {
            return new RankKey(entry.group(), entry.member().rank());
        }
    }

    /** @param pauseMs pause between two attempts */
    TakeoverNotice(ProcessPorts ports, Function<ProcessAddress, Future<Channel>> connect, long pauseMs) {
        this.ports = ports;
        this.connect = connect;
        this.pauseMs = pauseMs;
    }

    /** The process of this entry was asked and has not answered. */
    public void silent(RankEntry incumbent) {
        silent.put(RankKey.of(incumbent), incumbent);
    }

    /** This process has published an entry: if it took over a silent life, that life is informed. */
    public void published(RankEntry entry) {
        RankEntry incumbent = silent.remove(RankKey.of(entry));
        if (incumbent != null && entry.member().isNewerThan(incumbent.member())) {
            inform(incumbent, entry);
        }
    }

    private void inform(RankEntry incumbent, RankEntry entry) {
        var handle = incumbent.handle();
        connect.apply(new ProcessAddress(handle.process(), handle.host(), handle.port()))
                .onComplete(
                        channel -> {
                            channel.send(
                                    ControlKind.GOSSIP,
                                    sealed(new Gossip(
                                                    entry.group(),
                                                    new StoreKeys(entry.group())
                                                            .rank(entry.member().rank()),
                                                    Schema.encode(entry)))
                                            .encode());
                            LOG.info(
                                    LogEvents.TAKEOVER_ANNOUNCED + " group={} rank={} pid={} address={}:{}",
                                    entry.group(),
                                    entry.member().rank(),
                                    handle.pid(),
                                    handle.host(),
                                    handle.port());
                        },
                        failure -> {
                            if (holds(entry) && mayComeBack(failure)) {
                                ports.after(pauseMs, () -> inform(incumbent, entry));
                            }
                        });
    }

    private Gossip sealed(Gossip gossip) {
        RoutedGroup group = ports.group(gossip.group());
        return group == null ? gossip : group.sealed(gossip);
    }

    /** Whether this process still holds the life that took over, or is claiming it. */
    private boolean holds(RankEntry entry) {
        RoutedGroup group = ports.group(entry.group());
        return group != null && group.barrier().claims(entry.member());
    }

    private static boolean mayComeBack(Throwable failure) {
        return failure instanceof ConnectException failed
                && switch (failed.kind()) {
                    case REFUSED, OTHER_PROCESS -> false;
                    case SILENT, UNREACHABLE, PROTOCOL, UNPROVED, CUT, LOCAL -> true;
                };
    }
}
