// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.GroupName;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** What the groups of a process sign, and what they accept. May be called from any context. */
public interface Trust {
    /** Whether a group has a secret: then only what is signed with it is accepted. */
    boolean isSecured(GroupName group);

    /** A channel as a group uses it: what is sent over it is signed, if the group has a secret. */
    Channel over(Channel channel, GroupName group);

    /** The part of a liveness answer that is about a group, signed if the group has a secret. */
    Beat.GroupBeat signed(Channel channel, GroupName group, Beat.GroupBeat beat);

    /** Whether that part was signed by the group's secret, or needs no signature. */
    boolean isAuthentic(Channel channel, GroupName group, Beat.GroupBeat beat);

    /** The contents of a signed message, null if the group's secret did not sign it; then that has been noted. */
    @Nullable
    Decoded<Verified> verified(Channel channel, ControlKind kind, Buffer payload);

    /** Notes that something was refused; {@code what} follows the words "has sent". */
    void distrust(Channel channel, GroupName group, String what);

    /** What a message held under its signature, and the group that has signed it. */
    record Verified(GroupName group, Buffer payload) {}
}
