// SPDX-License-Identifier: Apache-2.0

package io.muster.descriptor;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;

/**
 * The calls of the C library for sockets that pass descriptors, which Java does not offer. Structs and numbers are
 * those of 64-bit Linux ({@code man 2 recvmsg}, {@code man 3 cmsg}, {@code man 7 unix}); all of them block.
 */
final class SystemCalls {
    private static final int INTERRUPTED = 4; // EINTR
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
    private static final int CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int BACKLOG = 64;
    private static final int SHUT_RDWR = 2;
    private static final int SUN_PATH = 108;
    /** {@code struct msghdr}. */
    private static final int MSGHDR_BYTES = 56;
    /** {@code CMSG_SPACE(sizeof(int))} and {@code CMSG_LEN(sizeof(int))}. */
    private static final int CMSG_SPACE = 24;

    private static final int CMSG_LEN = 20;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle SOCKET = link("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND = link("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle LISTEN = link("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACCEPT = link("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle CONNECT = link("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SEND = link("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECEIVE = link("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle GET_OPTION =
            link("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle SET_OPTION =
            link("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = link("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = link("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle USER = link("geteuid", JAVA_INT);

    private SystemCalls() {}

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, MemoryLayout result, MemoryLayout... arguments) {
        return LINKER.downcallHandle(
                LINKER.defaultLookup().find(name).orElseThrow(),
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"));
    }

    private interface Call {
        long run(MemorySegment state) throws Throwable;
    }

    /** A call that failed with this {@code errno}. */
    static final class FailedCallException extends IOException {
        private static final long serialVersionUID = 1L;

        FailedCallException(String call, int errno) {
            super(call + " failed with errno " + errno);
        }
    }

    private static long check(String name, Call call) throws FailedCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            while (true) {
                long result = call.run(state);
                int errno = (int) ERRNO.get(state, 0L);
                if (result >= 0) {
                    return result;
                }
                if (errno != INTERRUPTED || name.equals("close")) {
                    throw new FailedCallException(name, errno);
                }
            }
        } catch (FailedCallException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    static int socket() throws FailedCallException {
        return (int) check("socket", state -> (int) SOCKET.invokeExact(state, AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
    }

    /**
     * Binds to a name of the abstract namespace, which leaves no file behind and is visible in this network namespace
     * only.
     */
    static void listen(int socket, String name) throws FailedCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, name);
            int length = length(name);
            check("bind", state -> (int) BIND.invokeExact(state, socket, address, length));
            check("listen", state -> (int) LISTEN.invokeExact(state, socket, BACKLOG));
        }
    }

    static int accept(int socket) throws FailedCallException {
        return (int) check("accept4", state ->
                (int) ACCEPT.invokeExact(state, socket, MemorySegment.NULL, MemorySegment.NULL, CLOEXEC));
    }

    static void connect(int socket, String name) throws FailedCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, name);
            int length = length(name);
            check("connect", state -> (int) CONNECT.invokeExact(state, socket, address, length));
        }
    }

    private static MemorySegment address(Arena arena, String name) {
        MemorySegment address = arena.allocate(2 + SUN_PATH, 2);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        if (length(name) > 2 + SUN_PATH) {
            throw new IllegalArgumentException("socket name is too long: " + name);
        }
        MemorySegment.copy(
                MemorySegment.ofArray(name.getBytes(StandardCharsets.US_ASCII)), 0, address, 3, name.length());
        return address;
    }

    private static int length(String name) {
        return 2 + 1 + name.length();
    }

    /** Sets the time after which each later send and receive of this socket fails. */
    static void deadline(int socket, int ms) throws FailedCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timeval = arena.allocate(16, 8);
            timeval.set(JAVA_LONG, 0, ms / 1000);
            timeval.set(JAVA_LONG, 8, ms % 1000 * 1000L);
            check("setsockopt", state ->
                    (int) SET_OPTION.invokeExact(state, socket, SOL_SOCKET, SO_RCVTIMEO, timeval, 16));
            check("setsockopt", state ->
                    (int) SET_OPTION.invokeExact(state, socket, SOL_SOCKET, SO_SNDTIMEO, timeval, 16));
        }
    }

    /** The user id of the process at the other end, from when it connected or listened. */
    static int peerUser(int socket) throws FailedCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(12, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 12);
            check("getsockopt", state ->
                    (int) GET_OPTION.invokeExact(state, socket, SOL_SOCKET, SO_PEERCRED, credentials, length));
            return credentials.get(JAVA_INT, 4);
        }
    }

    static int user() {
        try {
            return (int) check("geteuid", state -> (int) USER.invokeExact(state));
        } catch (FailedCallException e) {
            throw new IllegalStateException("geteuid never fails", e);
        }
    }

    /** Sends bytes, and with them a descriptor unless it is negative. */
    static void send(int socket, byte[] bytes, int descriptor) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = message(arena, bytes.length, descriptor >= 0);
            MemorySegment.copy(bytes, 0, data(message, bytes.length), JAVA_BYTE, 0, bytes.length);
            if (descriptor >= 0) {
                MemorySegment control = control(message);
                control.set(JAVA_LONG, 0, CMSG_LEN);
                control.set(JAVA_INT, 8, SOL_SOCKET);
                control.set(JAVA_INT, 12, SCM_RIGHTS);
                control.set(JAVA_INT, 16, descriptor);
            }
            long sent = check("sendmsg", state -> (long) SEND.invokeExact(state, socket, message, MSG_NOSIGNAL));
            if (sent != bytes.length) {
                throw new IOException("sent " + sent + " of " + bytes.length + " bytes");
            }
        }
    }

    /** The content of one message. Fewer bytes than requested mean that the other end has closed. */
    record Received(byte[] bytes, int descriptor) {}

    /** Receives bytes only; the kernel closes descriptors sent with them. */
    static byte[] receive(int socket, int bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = message(arena, bytes, false);
            long got = check("recvmsg", state -> (long) RECEIVE.invokeExact(state, socket, message, MSG_CMSG_CLOEXEC));
            return data(message, bytes).asSlice(0, got).toArray(JAVA_BYTE);
        }
    }

    /** Receives bytes and one descriptor; the kernel closes any further descriptors. */
    static Received receiveDescriptor(int socket, int bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = message(arena, bytes, true);
            message.set(JAVA_LONG, 40, CMSG_LEN);
            long got = check("recvmsg", state -> (long) RECEIVE.invokeExact(state, socket, message, MSG_CMSG_CLOEXEC));
            MemorySegment control = control(message);
            boolean carries = message.get(JAVA_LONG, 40) >= CMSG_LEN
                    && control.get(JAVA_INT, 8) == SOL_SOCKET
                    && control.get(JAVA_INT, 12) == SCM_RIGHTS;
            byte[] all = data(message, bytes).asSlice(0, got).toArray(JAVA_BYTE);
            return new Received(all, carries ? control.get(JAVA_INT, 16) : -1);
        }
    }

    private static MemorySegment message(Arena arena, int bytes, boolean withControl) {
        MemorySegment data = arena.allocate(Math.max(1, bytes));
        MemorySegment vector = arena.allocate(16, 8);
        vector.set(ADDRESS, 0, data);
        vector.set(JAVA_LONG, 8, bytes);
        MemorySegment message = arena.allocate(MSGHDR_BYTES, 8);
        message.set(ADDRESS, 16, vector);
        message.set(JAVA_LONG, 24, 1);
        if (withControl) {
            message.set(ADDRESS, 32, arena.allocate(CMSG_SPACE, 8));
            message.set(JAVA_LONG, 40, CMSG_SPACE);
        }
        return message;
    }

    @SuppressWarnings("restricted")
    private static MemorySegment data(MemorySegment message, int bytes) {
        return message.get(ADDRESS, 16).reinterpret(16).get(ADDRESS, 0).reinterpret(bytes);
    }

    @SuppressWarnings("restricted")
    private static MemorySegment control(MemorySegment message) {
        return message.get(ADDRESS, 32).reinterpret(CMSG_SPACE);
    }

    /** Ends a wait in {@link #accept}. */
    static void shutdown(int socket) throws FailedCallException {
        check("shutdown", state -> (int) SHUTDOWN.invokeExact(state, socket, SHUT_RDWR));
    }

    static void close(int descriptor) throws FailedCallException {
        check("close", state -> (int) CLOSE.invokeExact(state, descriptor));
    }
}
