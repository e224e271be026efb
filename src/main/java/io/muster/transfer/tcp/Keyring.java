// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.group.GroupSecret;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/**
 * The secrets of this process's groups. Its connections prove them to peers and require proofs from peers. As long as
 * there is a secret, a process that proves none of them gets no channel. A proof is a signature over the whole hello,
 * the peer's nonce if it is known, and the TLS session if there is one. Event loops and the threads that join groups
 * meet here, guarded by this object's monitor.
 */
public final class Keyring {
    /** No more fit into a hello. */
    public static final int MAX_SECRETS = 32;

    private static final int ID_BYTES = 8;
    private static final int PROOF_BYTES = ID_BYTES + GroupSecret.Seal.BYTES;
    /** The most bytes of proofs in a hello. */
    static final int MAX_PROOFS_BYTES = MAX_SECRETS * PROOF_BYTES;

    private record Held(GroupSecret.Seal seal, int users) {}

    private final Map<GroupSecret.Id, Held> secrets = new HashMap<>();

    /**
     * Adds a user of a secret.
     *
     * @return true if the process had no secret before, so that its channels were opened without proofs
     * @throws IllegalStateException if there are too many secrets
     */
    public synchronized boolean add(GroupSecret secret) {
        boolean first = secrets.isEmpty();
        Held held = secrets.get(secret.id());
        if (held == null && secrets.size() >= MAX_SECRETS) {
            throw new IllegalStateException("this process has " + MAX_SECRETS
                    + " group secrets, and a hello has no space for more: leave a group first");
        }
        secrets.put(
                secret.id(),
                held == null ? new Held(secret.seal("hello"), 1) : new Held(held.seal(), held.users() + 1));
        return first;
    }

    /** Removes a user of a secret. */
    public synchronized void remove(GroupSecret secret) {
        secrets.computeIfPresent(
                secret.id(), (_, held) -> held.users() > 1 ? new Held(held.seal(), held.users() - 1) : null);
    }

    /** Whether peers must prove that they know one of the secrets. */
    public synchronized boolean isRequired() {
        return !secrets.isEmpty();
    }

    /** Proofs of all secrets for a statement; empty if there are no secrets. */
    synchronized byte[] prove(byte[] statement, byte[] context) {
        var out = new ByteArrayOutputStream(secrets.size() * PROOF_BYTES);
        secrets.forEach((id, held) -> {
            out.writeBytes(HexFormat.of().parseHex(id.hex()));
            out.writeBytes(held.seal().sign(statement, context));
        });
        return out.toByteArray();
    }

    /** The secrets of this process for which the bytes hold a valid proof. The bytes are not trusted. */
    synchronized Set<GroupSecret.Id> check(byte[] statement, byte[] context, byte[] proofs) {
        Set<GroupSecret.Id> proved = new HashSet<>();
        for (int at = 0; at + PROOF_BYTES <= Math.min(proofs.length, MAX_PROOFS_BYTES); at += PROOF_BYTES) {
            var id = new GroupSecret.Id(HexFormat.of().formatHex(proofs, at, at + ID_BYTES));
            Held held = secrets.get(id);
            if (held != null
                    && held.seal()
                            .verifies(
                                    Arrays.copyOfRange(proofs, at + ID_BYTES, at + PROOF_BYTES), statement, context)) {
                proved.add(id);
            }
        }
        return proved;
    }

    /** Why the proofs are not sufficient, for a person at either end. Reveals no secret. */
    static String complaint(byte[] proofs) {
        return proofs.length == 0
                ? "it proves no group secret, and the groups here require one"
                : "it proves " + proofs.length / PROOF_BYTES + " group secret(s), but none of the groups here";
    }
}
