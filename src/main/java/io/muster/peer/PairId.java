// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Member;

/** Names one agreed attempt. An end stays CONNECTED only while the other end holds the same pair. */
public record PairId(Member writer, Member waiter, int attempt, long writerNonce, long waiterNonce) {}
