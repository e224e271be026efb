// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import io.muster.group.GroupName;
import io.muster.group.GroupSecret;
import io.muster.group.LogEvents;
import io.muster.group.MusterException;
import io.muster.group.ProcessId;
import io.muster.ops.Refusals;
import io.muster.routing.Beat;
import io.muster.routing.Trust;
import io.muster.transfer.Channel;
import io.muster.transfer.Complaints;
import io.muster.transfer.ControlKind;
import io.muster.transfer.tcp.Keyring;
import io.muster.transfer.tcp.Tls;
import io.muster.wire.Decoded;
import io.vertx.core.buffer.Buffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The secret of each group of this process, and the rejections for want of a valid signature. Either every group has a
 * secret or none has: a process that asks every other for a proof can't be linked to those that have none. May be used
 * from any context; joining and leaving change the state under its monitor.
 */
public final class ProcessTrust implements Trust {
    private final ProcessId self;
    private final @Nullable GroupSecret usual;
    private final @Nullable Tls tls;
    private final Keyring keyring = new Keyring();
    private final Complaints complaints =
            new Complaints(LoggerFactory.getLogger(ProcessTrust.class), LogEvents.SIGNATURE_REJECTED);
    private final Map<GroupName, GroupSeals> secured = new HashMap<>();
    private final Map<GroupName, Refusals> refusals = new HashMap<>();
    private int unsecured;

    /**
     * @param usual the secret of every group that has none of its own, null: they have none
     * @param tls null: connections are not encrypted
     */
    public ProcessTrust(ProcessId self, @Nullable GroupSecret usual, @Nullable Tls tls) {
        this.tls = tls;
        this.self = self;
        this.usual = usual;
        if (usual != null) {
            keyring.add(usual);
        }
    }

    @Nullable
    public Tls tls() {
        return tls;
    }

    public Keyring keyring() {
        return keyring;
    }

    /**
     * The result of {@link #begin}: the group's seals if it has a secret, and whether this is the first group with that
     * secret.
     */
    record Begun(@Nullable GroupSeals seals, boolean isFirstSecret) {}

    /**
     * A group begins in this process; {@link #ended} must follow.
     *
     * @param own the group's own secret, null: the usual one
     * @throws MusterException of kind CONFIG if one group of this process has a secret and another has none
     */
    synchronized Begun begin(GroupName group, @Nullable GroupSecret own) {
        GroupSecret secret = own == null ? usual : own;
        if (secret == null ? !secured.isEmpty() : unsecured > 0) {
            throw MusterException.config("group " + group + " has " + (secret == null ? "no" : "a")
                    + " secret, and other groups of this process have " + (secret == null ? "one" : "none")
                    + ": give all groups of a process a secret (it may be the same), or use two processes");
        }
        if (secret == null) {
            unsecured++;
            refusals.put(group, new Refusals());
            return new Begun(null, false);
        }
        var seals = new GroupSeals(group, secret, self);
        try {
            boolean first = keyring.add(secret);
            secured.put(group, seals);
            refusals.put(group, new Refusals());
            return new Begun(seals, first);
        } catch (IllegalStateException tooMany) {
            throw MusterException.config(String.valueOf(tooMany.getMessage()));
        }
    }

    synchronized void ended(GroupName group, @Nullable GroupSeals seals) {
        refusals.remove(group);
        if (seals == null) {
            unsecured--;
        } else {
            secured.remove(seals.group(), seals);
            keyring.remove(seals.secret());
        }
    }

    /** The seals of a group, also of one that has no rank here if there is a usual secret; null if it has no secret. */
    synchronized @Nullable GroupSeals seals(GroupName group) {
        GroupSeals known = secured.get(group);
        return known != null || usual == null ? known : new GroupSeals(group, usual, self);
    }

    /** @throws MusterException of kind CONFIG if a rank of a group that is here wants another secret for it */
    void agree(GroupName group, @Nullable GroupSeals here, @Nullable GroupSecret wanted) {
        if (wanted != null && (here == null || !Objects.equals(here.secret(), wanted))) {
            throw MusterException.config("group " + group + " has " + (here == null ? "no" : "another")
                    + " secret in this process: give all its ranks" + " the same");
        }
    }

    @Override
    public boolean isSecured(GroupName group) {
        return seals(group) != null;
    }

    @Override
    public Channel over(Channel channel, GroupName group) {
        GroupSeals seals = seals(group);
        return seals == null || channel instanceof SealedChannel ? channel : new SealedChannel(channel, seals);
    }

    @Override
    public Beat.GroupBeat signed(Channel channel, GroupName group, Beat.GroupBeat beat) {
        GroupSeals seals = seals(group);
        return seals == null ? beat : beat.signed(seals.signBeat(channel, beat.statement()));
    }

    @Override
    public boolean isAuthentic(Channel channel, GroupName group, Beat.GroupBeat beat) {
        GroupSeals seals = seals(group);
        return seals == null || seals.isAuthenticBeat(channel, beat.statement(), beat.signature());
    }

    @Override
    public @Nullable Decoded<Verified> verified(Channel channel, ControlKind kind, Buffer payload) {
        return switch (SealedMessage.decode(kind, payload)) {
            case Decoded.Valid<SealedMessage>(SealedMessage message) -> {
                GroupSeals seals = seals(message.group());
                if (seals == null || !seals.isAuthentic(channel, message)) {
                    distrust(
                            channel,
                            message.group(),
                            seals == null
                                    ? "a signed message, and no secret is set here"
                                    : "a message that its secret did not sign");
                    yield null;
                }
                yield new Decoded.Valid<>(new Verified(message.group(), Buffer.buffer(message.payload())));
            }
            case Decoded.Malformed<SealedMessage>(String reason) -> new Decoded.Malformed<>(reason);
        };
    }

    @Override
    public void distrust(Channel channel, GroupName group, String what) {
        distrust(
                group,
                channel.address().host(),
                "sent " + what + ": group=" + group + " process=" + channel.peer()
                        + "; if that is a process of yours, give it the secret of the others (security.secretFile)");
    }

    /**
     * Counts and logs a rejection.
     *
     * @param group the addressed one; if it is not here, the rejection is counted but appears in no picture
     * @param who an address, or the key of a value in the store
     * @param what a clause that follows "it"
     */
    void distrust(GroupName group, String who, String what) {
        complaints.note(who, what);
        refusals(group).note(who, what);
    }

    /** The rejections of a group of this process. */
    synchronized Refusals refusals(GroupName group) {
        Refusals known = refusals.get(group);
        return known == null ? new Refusals() : known;
    }

    public long distrusted() {
        return complaints.count();
    }
}
