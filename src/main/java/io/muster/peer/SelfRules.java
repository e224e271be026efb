// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.peer.LinkEffect.Timer;
import java.util.List;

/**
 * The link of a rank to itself. It starts with the seat, is opened within the process, and is opened again if that
 * fails.
 */
final class SelfRules {
    private SelfRules() {}

    static Step transition(LinkSetup setup, LinkState state, LinkEvent event) {
        return switch (event) {
            case LinkEvent.Started _
            when state instanceof LinkState.WaitingStore ->
                LinkRules.openLocal(setup, state.history(), List.of(), "started");
            case LinkEvent.DialFailed(int attempt, String reason)
            when isOpening(state, attempt) -> LinkRules.lose(setup, state, reason);
            case LinkEvent.TimerFired(Timer timer, int attempt)
            when timer == Timer.OPEN && isOpening(state, attempt) ->
                LinkRules.lose(
                        setup, state, "not opened after " + setup.timing().openTimeoutMs() + " ms");
            case LinkEvent.TimerFired(Timer timer, int attempt)
            when timer == Timer.BACKOFF
                    && state instanceof LinkState.BackingOff
                    && state.history().attempt() == attempt ->
                LinkRules.openLocal(setup, state.history(), List.of(), "trying again");
            case LinkEvent other -> LinkRules.stay(state);
        };
    }

    private static boolean isOpening(LinkState state, int attempt) {
        return state instanceof LinkState.OpeningSegment && state.history().attempt() == attempt;
    }
}
