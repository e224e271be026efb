// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.memory;

import io.muster.group.WriteException;

/** The result of a request for a lease. */
public sealed interface LeaseOutcome permits Lease, LeaseOutcome.Refused {
    /** The request was refused. {@code detail} is one clause for a person. */
    record Refused(WriteException.Reason reason, String detail) implements LeaseOutcome {}
}
