// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.barrier.Gossip;
import io.muster.barrier.Network;
import io.muster.barrier.Network.SeatAnswer;
import io.muster.barrier.Network.WitnessAnswer;
import io.muster.blame.View;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import io.vertx.core.Future;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/** The other processes, as one group reaches them over the channels of its process. */
public final class GroupNetwork implements Network {
    private final ProcessRouting routing;
    private final ProcessPorts ports;
    private final RoutedGroup group;
    /** Filled on the group's context; read on any context when idle channels are closed. */
    private final Set<ProcessId> ahead = ConcurrentHashMap.newKeySet();

    public GroupNetwork(ProcessRouting routing, RoutedGroup group) {
        this.routing = routing;
        this.ports = routing.ports();
        this.group = group;
    }

    @Override
    public Future<SeatAnswer> askIncumbent(RankEntry incumbent) {
        return routing.claims().askIncumbent(incumbent).onSuccess(asked -> {
            if (asked.answer() == Answer.SILENT) {
                routing.takeovers().silent(incumbent);
            }
        });
    }

    @Override
    public Future<WitnessAnswer> askWitnesses(RankEntry incumbent, List<RankEntry> others) {
        return routing.claims().askWitnesses(incumbent, others);
    }

    @Override
    public Future<Collection<View>> askObservers(View own, Collection<ProcessId> others, long withinMs) {
        return routing.poll().ask(group.name(), own, others, withinMs);
    }

    /** The parts of the status that these processes answer in time. Never fails. */
    public Future<StatusQuestions.Answers> askStatus(Collection<ProcessId> others, long withinMs) {
        return routing.statusQuestions().ask(group.name(), others, withinMs);
    }

    @Override
    public LinkEvent.Reach reach(RankEntry entry) {
        return ports.reach(entry);
    }

    @Override
    public boolean reaches(ProcessId process) {
        return routing.channels().to(process) != null;
    }

    @Override
    public void dialAhead(RankEntry entry) {
        if (ports.reach(entry) instanceof LinkEvent.Reach.Dialable) {
            SegmentHandle handle = entry.handle();
            ahead.add(handle.process());
            routing.connect(new ProcessAddress(handle.process(), handle.host(), handle.port()));
        }
    }

    /** Processes that were dialled before a rank of this process took its seat. */
    public Set<ProcessId> ahead() {
        return ahead;
    }

    @Override
    public void broadcast(Gossip gossip, Predicate<ProcessId> to) {
        routing.channels().broadcast(group.sealed(gossip).encode(), to);
    }

    /** This process has published an entry of the group. */
    public void published(RankEntry own) {
        routing.takeovers().published(own);
    }
}
