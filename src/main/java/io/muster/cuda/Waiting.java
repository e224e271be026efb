// SPDX-License-Identifier: Apache-2.0

package io.muster.cuda;

/** What a GPU's thread does when it has nothing to do ({@link WaitRule}). */
sealed interface Waiting {
    /** Asks again at once: costs a core, and is exact. */
    record Look() implements Waiting {}

    /** Costs nothing and ends late, by the {@link SleepMargin}. */
    record Sleep(long nanos) implements Waiting {}

    /** A sleep of {@link WaitRule#NAP_NANOS}, after which it asks again. */
    record Nap() implements Waiting {}

    /** By the driver, some 30 µs late, or by whoever hands something over. */
    record ToBeWoken() implements Waiting {}

    Look LOOK = new Look();
    Nap NAP = new Nap();
    ToBeWoken TO_BE_WOKEN = new ToBeWoken();
}
