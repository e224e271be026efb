// SPDX-License-Identifier: Apache-2.0

package io.muster.warmup;

import io.muster.group.Proof;
import java.util.List;

/** What {@link WarmupPlan#decide} comes to: the same at both ends, apart from who is called local in the reasons. */
public sealed interface Decision {

    /** Why, in the order in which it was found; never empty. */
    List<String> reasons();

    /** The link is CONNECTED with this proof. */
    record Connected(Proof proof, List<String> reasons) implements Decision {
        public Connected {
            reasons = List.copyOf(reasons);
        }
    }

    /** The link needs the exchange over {@code plan.transport()}. */
    record Exchange(Plan.Exchange plan, List<String> reasons) implements Decision {
        public Exchange {
            reasons = List.copyOf(reasons);
        }
    }

    /** There is nothing left to try. */
    record Refused(List<String> reasons) implements Decision {
        public Refused {
            reasons = List.copyOf(reasons);
        }
    }
}
