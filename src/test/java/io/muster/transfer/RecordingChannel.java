// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.GroupName;
import io.muster.group.ProcessAddress;
import io.muster.group.ProcessId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/**
 * A channel without a peer: it records what goes out over it, and a test decides how the peer reacts. It keeps the
 * contract of {@link Channel}: a channel that is closed or has ended is not alive and drops messages. Callbacks run on
 * the thread of the sender. May be used by any thread.
 */
public final class RecordingChannel implements Channel {
    /** A message that was sent to the peer. */
    public record Message(ControlKind kind, Buffer payload) {}

    /** What the peer does with a write. */
    @FunctionalInterface
    public interface Writes {
        Future<Void> write(RemoteRegion region, long offset, MemorySegment source);
    }

    private final ProcessId peer;
    private final ChannelGeneration generation;
    private final byte[] binding;
    private final List<Message> sent = new CopyOnWriteArrayList<>();
    private final Set<GroupName> granted = ConcurrentHashMap.newKeySet();
    private volatile BiConsumer<ControlKind, Buffer> onSend = (_, _) -> {};
    private volatile Writes onWrite = (_, _, _) -> Future.succeededFuture();
    private volatile boolean alive = true;

    public RecordingChannel(ProcessId peer) {
        this(peer, new ChannelGeneration(peer.high(), peer.low()));
    }

    public RecordingChannel(ProcessId peer, ChannelGeneration generation) {
        this(peer, generation, new byte[0]);
    }

    /** A channel whose generation and binding follow from a name: the same at both of its ends. */
    public RecordingChannel(ProcessId peer, String name) {
        this(peer, new ChannelGeneration(name.hashCode(), peer.low()), name.getBytes(StandardCharsets.UTF_8));
    }

    private RecordingChannel(ProcessId peer, ChannelGeneration generation, byte[] binding) {
        this.peer = peer;
        this.generation = generation;
        this.binding = binding;
    }

    /** Passes each message on, after it has been recorded. */
    public RecordingChannel onSend(BiConsumer<ControlKind, Buffer> peerReceives) {
        onSend = peerReceives;
        return this;
    }

    /** Answers each write; without this, each write succeeds at once. */
    public RecordingChannel onWrite(Writes peerWrites) {
        onWrite = peerWrites;
        return this;
    }

    /** The channel ends, and no listener knows yet. */
    public void end() {
        alive = false;
    }

    /** All messages that were sent, in order; a view that grows. */
    public List<Message> sent() {
        return sent;
    }

    public Set<GroupName> granted() {
        return granted;
    }

    @Override
    public ProcessId peer() {
        return peer;
    }

    @Override
    public ProcessAddress address() {
        return new ProcessAddress(peer, "127.0.0.1", 1);
    }

    @Override
    public ChannelGeneration generation() {
        return generation;
    }

    @Override
    public boolean isAlive() {
        return alive;
    }

    @Override
    public void send(ControlKind kind, Buffer payload) {
        if (alive) {
            sent.add(new Message(kind, payload));
            onSend.accept(kind, payload);
        }
    }

    @Override
    public Future<Void> write(RemoteRegion region, long offset, MemorySegment source) {
        return onWrite.write(region, offset, source);
    }

    @Override
    public Future<Void> prove() {
        return Future.succeededFuture();
    }

    @Override
    public byte[] binding() {
        return binding.clone();
    }

    @Override
    public void grant(GroupName group) {
        granted.add(group);
    }

    @Override
    public boolean isGranted(GroupName group) {
        return granted.contains(group);
    }

    @Override
    public void close(LossEvidence reason) {
        end();
    }
}
