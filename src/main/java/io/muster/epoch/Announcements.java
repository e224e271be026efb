// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Announced;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import java.util.List;

/**
 * Announces each outcome of an epoch once, on this node and on the cluster's bus. It is the working copy of
 * {@link Announced} in one {@link EpochTransition}.
 */
final class Announcements {
    private final BarrierSetup setup;
    private final List<BarrierEffect> effects;
    private Announced announced;

    Announcements(BarrierSetup setup, Announced announced, List<BarrierEffect> effects) {
        this.setup = setup;
        this.announced = announced;
        this.effects = effects;
    }

    Announced announced() {
        return announced;
    }

    boolean hasAnnouncedDegraded(long epoch) {
        return announced.degraded() >= epoch;
    }

    /**
     * A record has become the greatest one seen.
     *
     * @param mine this process wrote it. The writer of an outcome publishes it at once; other processes publish it only
     *     if the writer's event does not arrive in time
     * @param believed the seats of this process have marked exactly this epoch and have lost no link since
     * @param isConcerned a seat of this process is a member of this epoch. A process that joins later does not announce
     *     what it reads about the epochs before its time
     */
    void recordChanged(EpochRecord value, boolean mine, boolean believed, boolean isConcerned) {
        long stood = announced.allConnected();
        if (stood > announced.degraded()
                && (value.number() > stood
                        || (value.number() == stood && value.state() == EpochRecord.State.DEGRADED))) {
            degradedHere(
                    stood,
                    value.lastComplete() == stood
                            ? value.lost()
                            : List.of()); // a record that a merge chose may not know that the epoch was COMPLETE
        }
        if (value.state() == EpochRecord.State.COMPLETE) {
            completed(value, mine, believed, isConcerned);
        } else if (value.lastComplete() > 0
                && (value.number() > value.lastComplete() || value.state() == EpochRecord.State.DEGRADED)) {
            ended(value, mine, isConcerned);
        }
    }

    private void completed(EpochRecord value, boolean mine, boolean believed, boolean isConcerned) {
        if (mine) {
            publishAllConnected(value);
        } else if (isConcerned && announced.busAllConnected() < value.number()) {
            effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
        }
        if (announced.allConnected() < value.number() && believed) {
            announced = new Announced(
                    value.number(), announced.degraded(), announced.busAllConnected(), announced.busDegraded());
            effects.add(new BarrierEffect.CompleteWaiters(value));
        }
    }

    private void ended(EpochRecord value, boolean mine, boolean isConcerned) {
        long epoch = value.lastComplete();
        boolean isKnown = (isConcerned && value.number() == epoch)
                || announced.allConnected() >= epoch
                || announced.busAllConnected() >= epoch;
        if (isKnown && announced.degraded() < epoch) {
            degradedHere(epoch, value.lost());
        }
        if (mine) {
            publishDegraded(value);
        } else if (isKnown && announced.busDegraded() < epoch) {
            effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
        }
    }

    void publishAllConnected(EpochRecord value) {
        if (announced.busAllConnected() < value.number()) {
            announced = new Announced(
                    announced.allConnected(), announced.degraded(), value.number(), announced.busDegraded());
            effects.add(new BarrierEffect.PublishAllConnected(value));
        }
    }

    /** An epoch's all-connected is always published before its degraded. */
    private void publishDegraded(EpochRecord value) {
        long epoch = value.lastComplete();
        if (announced.busDegraded() >= epoch) {
            return;
        }
        if (value.number() == epoch) {
            publishAllConnected(value.complete(value.proofs()));
        }
        announced = new Announced(announced.allConnected(), announced.degraded(), announced.busAllConnected(), epoch);
        effects.add(new BarrierEffect.PublishDegraded(epoch, value.lost()));
    }

    /** Announces the end of an epoch on this node only, at once. */
    void degradedHere(long epoch, List<LostMember> lost) {
        announced = new Announced(
                announced.allConnected(),
                Math.max(announced.degraded(), epoch),
                announced.busAllConnected(),
                announced.busDegraded());
        effects.add(new BarrierEffect.AnnounceDegraded(epoch, lost));
    }

    void allConnectedReceived(long epoch) {
        announced = new Announced(
                announced.allConnected(),
                announced.degraded(),
                Math.max(announced.busAllConnected(), epoch),
                announced.busDegraded());
    }

    void degradedReceived(long epoch) {
        announced = new Announced(
                announced.allConnected(),
                announced.degraded(),
                announced.busAllConnected(),
                Math.max(announced.busDegraded(), epoch));
    }

    /** Publishes the outcome that the record holds: no process's event for it has arrived in time. */
    void republish(EpochRecord value) {
        if (value.state() == EpochRecord.State.COMPLETE) {
            publishAllConnected(value);
        } else if (value.lastComplete() > 0) {
            publishDegraded(value);
        }
    }
}
