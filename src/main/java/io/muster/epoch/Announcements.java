// SPDX-License-Identifier: Apache-2.0

package io.muster.epoch;

import io.muster.epoch.BarrierEffect.Timer;
import io.muster.epoch.BarrierState.Announced;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import java.util.List;

/**
 * What is told of the epochs, here and to the cluster, each thing once: the working copy of {@link Announced} in one
 * {@link EpochTransition}.
 */
final class Announcements {
    private final BarrierSetup setup;
    private final List<BarrierEffect> effects;
    private Announced told;

    Announcements(BarrierSetup setup, Announced told, List<BarrierEffect> effects) {
        this.setup = setup;
        this.told = told;
        this.effects = effects;
    }

    Announced told() {
        return told;
    }

    boolean hasToldDegraded(long epoch) {
        return told.degraded() >= epoch;
    }

    /**
     * A record is the greatest seen now.
     *
     * @param mine this process wrote it: whoever writes an outcome publishes it first, the others only if nobody is
     *     heard
     */
    void recordChanged(EpochRecord value, boolean mine, boolean believed) {
        long stood = told.allConnected();
        if (stood > told.degraded()
                && (value.number() > stood || value.number() == stood && value.state() == EpochRecord.State.DEGRADED)) {
            degradedHere(
                    stood,
                    value.lastComplete() == stood
                            ? value.lost()
                            : List.of()); // a merged record need not know that it was COMPLETE
        }
        if (value.state() == EpochRecord.State.COMPLETE) {
            completed(value, mine, believed);
        } else if (value.lastComplete() > 0
                && (value.number() > value.lastComplete() || value.state() == EpochRecord.State.DEGRADED)) {
            ended(value, mine);
        }
    }

    private void completed(EpochRecord value, boolean mine, boolean believed) {
        if (mine) {
            publishAllConnected(value);
        } else if (told.busAllConnected() < value.number()) {
            effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
        }
        if (told.allConnected() < value.number() && believed) {
            told = new Announced(value.number(), told.degraded(), told.busAllConnected(), told.busDegraded());
            effects.add(new BarrierEffect.CompleteWaiters(value));
        }
    }

    private void ended(EpochRecord value, boolean mine) {
        long epoch = value.lastComplete();
        if (told.degraded() < epoch) {
            degradedHere(epoch, value.lost());
        }
        if (mine) {
            publishDegraded(value);
        } else if (told.busDegraded() < epoch) {
            effects.add(new BarrierEffect.StartTimer(Timer.REPUBLISH, setup.republishHedgeMs()));
        }
    }

    void publishAllConnected(EpochRecord value) {
        if (told.busAllConnected() < value.number()) {
            told = new Announced(told.allConnected(), told.degraded(), value.number(), told.busDegraded());
            effects.add(new BarrierEffect.PublishAllConnected(value));
        }
    }

    /** The end of an epoch is never published before its beginning. */
    private void publishDegraded(EpochRecord value) {
        long epoch = value.lastComplete();
        if (told.busDegraded() >= epoch) {
            return;
        }
        if (value.number() == epoch) {
            publishAllConnected(value.complete(value.proofs()));
        }
        told = new Announced(told.allConnected(), told.degraded(), told.busAllConnected(), epoch);
        effects.add(new BarrierEffect.PublishDegraded(epoch, value.lost()));
    }

    /** On the own node, at once. */
    void degradedHere(long epoch, List<LostMember> lost) {
        told = new Announced(
                told.allConnected(), Math.max(told.degraded(), epoch), told.busAllConnected(), told.busDegraded());
        effects.add(new BarrierEffect.TellDegraded(epoch, lost));
    }

    void heardAllConnected(long epoch) {
        told = new Announced(
                told.allConnected(), told.degraded(), Math.max(told.busAllConnected(), epoch), told.busDegraded());
    }

    void heardDegraded(long epoch) {
        told = new Announced(
                told.allConnected(), told.degraded(), told.busAllConnected(), Math.max(told.busDegraded(), epoch));
    }

    /** Nobody was heard to publish what the record says: do it. */
    void republish(EpochRecord value) {
        if (value.state() == EpochRecord.State.COMPLETE) {
            publishAllConnected(value);
        } else if (value.lastComplete() > 0) {
            publishDegraded(value);
        }
    }
}
