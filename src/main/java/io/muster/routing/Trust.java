// SPDX-License-Identifier: Apache-2.0

package io.muster.routing;

import io.muster.group.GroupName;
import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import org.jspecify.annotations.Nullable;

/** The signatures of the groups of a process: signing and verifying. May be called from any context. */
public interface Trust {
    /** Whether a group has a secret: then only messages signed with it are accepted. */
    boolean isSecured(GroupName group);

    /** A channel as a group uses it: messages sent over it are signed if the group has a secret. */
    Channel over(Channel channel, GroupName group);

    /** The part of a liveness answer that is about a group, signed if the group has a secret. */
    Beat.GroupBeat signed(Channel channel, GroupName group, Beat.GroupBeat beat);

    /** Whether that part was signed by the group's secret, or needs no signature. */
    boolean isAuthentic(Channel channel, GroupName group, Beat.GroupBeat beat);

    /** The contents of a signed message, null if the signature is wrong; the failure has then been counted. */
    @Nullable
    Decoded<Verified> verified(Channel channel, ControlKind kind, Buffer payload);

    /** Counts and logs a rejected message; {@code what} follows the words "has sent". */
    void distrust(Channel channel, GroupName group, String what);

    /** The payload of a signed message, and the group whose secret signed it. */
    record Verified(GroupName group, Buffer payload) {}
}
