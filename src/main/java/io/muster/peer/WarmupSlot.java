// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.transfer.RemoteRegion;

/** Eight bytes of registered memory that the other end of a link writes its warmup value into. */
public record WarmupSlot(RemoteRegion region, long offset) {}
