// SPDX-License-Identifier: Apache-2.0

package io.muster.peer;

import io.muster.group.Proof;
import io.muster.transfer.ChannelGeneration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The states of a peer connection. A field exists only where it means something. */
public sealed interface LinkState {
    History history();

    /** The state's name, as it is published. */
    Name name();

    /** The attempt on which both ends agreed with the accept, if the state has one. */
    default Optional<Session> agreed() {
        return switch (this) {
            case WaitingWarmupTransfer(History _, Session session) -> Optional.of(session);
            case WaitingPeerWarmup(History _, Session session, var _) -> Optional.of(session);
            case Connected connected -> Optional.ofNullable(connected.session());
            case WaitingStore _, OpeningSegment _, BackingOff _, Refused _, Expiring _, Expired _ -> Optional.empty();
        };
    }

    default boolean holds(PairId pair) {
        return agreed().map(Session::pairId).filter(pair::equals).isPresent();
    }

    /** The channel that the state depends on, if any. */
    default Optional<ChannelGeneration> generation() {
        if (this instanceof OpeningSegment(History _, Stage stage)) {
            return switch (stage) {
                case Stage.AskingPolicy(ChannelGeneration generation, long _) -> Optional.of(generation);
                case Stage.AwaitingAccept(ChannelGeneration generation, long _, WarmupAnswer _, long _) ->
                    Optional.of(generation);
                case Stage.AskingPolicyFor(LinkMessage.Open _, ChannelGeneration generation, long _) ->
                    Optional.of(generation);
                case Stage.Dialling _, Stage.OpeningLocal _, Stage.AwaitingOpen _ -> Optional.empty();
            };
        }
        return agreed().map(Session::generation);
    }

    /** The same state with another memory. */
    default LinkState withHistory(History history) {
        return switch (this) {
            case WaitingStore _ -> new WaitingStore(history);
            case OpeningSegment(History _, Stage stage) -> new OpeningSegment(history, stage);
            case WaitingWarmupTransfer(History _, Session session) -> new WaitingWarmupTransfer(history, session);
            case WaitingPeerWarmup(History _, Session session, var progress) ->
                new WaitingPeerWarmup(history, session, progress);
            case Connected connected ->
                new Connected(history, connected.session(), connected.proof(), connected.reason());
            case BackingOff _ -> new BackingOff(history);
            case Refused _ -> new Refused(history);
            case Expiring _ -> new Expiring(history);
            case Expired _ -> new Expired(history);
        };
    }

    /** The names of the states. */
    enum Name {
        WAITING_STORE,
        OPENING_SEGMENT,
        WAITING_WARMUP_TRANSFER,
        WAITING_PEER_WARMUP,
        CONNECTED,
        BACKING_OFF,
        REFUSED,
        EXPIRING,
        EXPIRED
    }

    /** No usable handle of the peer is known. */
    record WaitingStore(History history) implements LinkState {
        @Override
        public Name name() {
            return Name.WAITING_STORE;
        }
    }

    /** A handle is known; the link is being opened. */
    record OpeningSegment(History history, Stage stage) implements LinkState {
        @Override
        public Name name() {
            return Name.OPENING_SEGMENT;
        }
    }

    /** How far opening has come. */
    sealed interface Stage {
        /** Writer: the process pair is being connected. */
        record Dialling() implements Stage {}

        /** Both ends are in this process: the peer's seat is being looked up. */
        record OpeningLocal() implements Stage {}

        /** Writer: the policy has been asked. */
        record AskingPolicy(ChannelGeneration generation, long nonce) implements Stage {}

        /**
         * Writer: the link-open has been sent.
         *
         * @param seen the last value that has arrived in the own slot since then, 0 if there is none; the waiter's
         *     write may arrive before its accept
         */
        record AwaitingAccept(ChannelGeneration generation, long nonce, WarmupAnswer answer, long seen)
                implements Stage {}

        /** Waiter: the peer's link-open has not come yet. */
        record AwaitingOpen() implements Stage {}

        /** Waiter: a link-open has come, the policy has been asked. */
        record AskingPolicyFor(LinkMessage.Open open, ChannelGeneration generation, long nonce) implements Stage {}
    }

    /** Waiter: the own warmup write is under way, or the write-back of the peer is awaited. */
    record WaitingWarmupTransfer(History history, Session session) implements LinkState {
        @Override
        public Name name() {
            return Name.WAITING_WARMUP_TRANSFER;
        }
    }

    /** Writer: the peer writes first, then this end writes back. */
    record WaitingPeerWarmup(History history, Session session, Progress progress) implements LinkState {
        /** Progress of the warmup. */
        public enum Progress {
            AWAITING_WRITE,
            WRITING_BACK
        }

        @Override
        public Name name() {
            return Name.WAITING_PEER_WARMUP;
        }
    }

    /**
     * Both directions are proven on the path in use, or the link is short-circuited.
     *
     * @param session the agreed attempt, null for a link within this process
     */
    record Connected(History history, @Nullable Session session, Proof proof, String reason) implements LinkState {
        @Override
        public Name name() {
            return Name.CONNECTED;
        }
    }

    /** Writer: waiting before the next attempt. */
    record BackingOff(History history) implements LinkState {
        @Override
        public Name name() {
            return Name.BACKING_OFF;
        }
    }

    /** Another attempt cannot help until something changes. */
    record Refused(History history) implements LinkState {
        @Override
        public Name name() {
            return Name.REFUSED;
        }
    }

    /** Closing; transfers may be under way. */
    record Expiring(History history) implements LinkState {
        @Override
        public Name name() {
            return Name.EXPIRING;
        }
    }

    /** Closed permanently. */
    record Expired(History history) implements LinkState {
        @Override
        public Name name() {
            return Name.EXPIRED;
        }
    }
}
