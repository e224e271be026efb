// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Member;

/** Names one agreed attempt: what both ends must hold alike for either to stay CONNECTED. */
public record PairId(Member writer, Member waiter, int attempt, long writerNonce, long waiterNonce) {}
