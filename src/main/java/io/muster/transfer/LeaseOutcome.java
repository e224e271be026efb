package io.muster.transfer;

/** The answer to a request for a lease. */
sealed interface LeaseOutcome permits Lease, LeaseOutcome.Refused {
  /** No lease, and why; {@code detail} is one clause for a person. */
  record Refused(WriteException.Kind kind, String detail) implements LeaseOutcome {}
}
