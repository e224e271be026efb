// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import io.muster.group.GroupSecret;
import io.muster.segment.Schema;
import io.muster.segment.SignatureField;
import io.muster.wire.StoredBytes;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The store as a group with a secret sees it. A written value is signed over its key and all its bytes; {@link Schema}
 * reserves space for the signature. A read value is verified, and returned without its signature. A value that the
 * group has not signed is returned as one that decodes to nothing, with the reason. Its bytes can still be used for a
 * compare-and-set, so that the owner of the key can repair it.
 *
 * <p>Every process with the secret may sign any value: a rank's own process its entry and marks, any process a GONE or
 * the epoch.
 */
public final class SealedSegmentStore implements WrappedStore {

    private final SegmentStore store;
    private final GroupSecret.Seal seal;
    private final BiConsumer<String, String> distrusted;

    /**
     * @param distrusted called with the key and the reason for each value that the group has not signed; on any thread
     */
    public SealedSegmentStore(SegmentStore store, GroupSecret secret, BiConsumer<String, String> distrusted) {
        this.store = store;
        this.seal = secret.seal("store");
        this.distrusted = distrusted;
    }

    @Override
    public Future<@Nullable StoredBytes> get(String key) {
        return store.get(key).map(value -> open(key, value));
    }

    @Override
    public Future<Map<String, StoredBytes>> getAll(Set<String> keys) {
        return store.getAll(keys).map(values -> {
            Map<String, StoredBytes> opened = HashMap.newHashMap(values.size());
            values.forEach((key, value) -> opened.put(key, opened(key, value)));
            return opened;
        });
    }

    @Override
    public Future<Boolean> compareAndSet(String key, @Nullable StoredBytes expected, @Nullable StoredBytes next) {
        return store.compareAndSet(key, close(key, expected), close(key, next));
    }

    @Override
    public Future<Boolean> expire(String key, StoredBytes expected, Duration after) {
        return store.expire(key, Objects.requireNonNull(close(key, expected)), after);
    }

    @Override
    public Future<Void> listen(Listener listener) {
        return store.listen(new WrappedListener() {
            @Override
            public Listener listener() {
                return listener;
            }

            @Override
            public void changed(String key, @Nullable StoredBytes value) {
                listener.changed(key, open(key, value));
            }
        });
    }

    @Override
    public SegmentStore store() {
        return store;
    }

    /** Turns the stored value of a key into the value that the group sees. */
    public @Nullable StoredBytes open(String key, @Nullable StoredBytes stored) {
        return stored == null ? null : opened(key, stored);
    }

    /** Turns the value that the group sees into the stored value of a key. */
    public @Nullable StoredBytes close(String key, @Nullable StoredBytes seen) {
        if (seen == null || seen.distrust() != null) {
            return seen == null ? null : seen.plain();
        }
        byte[] bytes = seen.toByteArray();
        int body = bytes.length - SignatureField.LENGTH_BYTES;
        if (body < 0 || bytes[body] != 0 || bytes[body + 1] != 0) {
            throw new IllegalArgumentException("a value without room for a signature: key=" + key + " " + seen);
        }
        byte[] signed = Arrays.copyOf(bytes, body + SignatureField.BYTES);
        signed[body + 1] = GroupSecret.Seal.BYTES;
        System.arraycopy(
                seal.sign(name(key), Arrays.copyOf(bytes, body)),
                0,
                signed,
                body + SignatureField.LENGTH_BYTES,
                GroupSecret.Seal.BYTES);
        return StoredBytes.copyOf(signed);
    }

    private StoredBytes opened(String key, StoredBytes stored) {
        if (stored.isForeign()) {
            distrusted.accept(key, Objects.requireNonNull(stored.distrust()));
            return stored;
        }
        byte[] bytes = stored.toByteArray();
        int body = bytes.length - SignatureField.BYTES;
        boolean hasSignature = SignatureField.isFilledIn(bytes);
        if (hasSignature
                && seal.verifies(
                        Arrays.copyOfRange(bytes, body + SignatureField.LENGTH_BYTES, bytes.length),
                        name(key),
                        Arrays.copyOf(bytes, body))) {
            return StoredBytes.copyOf(SignatureField.emptied(bytes));
        }
        String why = "signature: expected one by the group's secret, got "
                + (hasSignature ? "one by another secret, or for other fields" : "none")
                + "; if the writer is one of your processes, start it with the secret of the others"
                + " (security.secretFile), otherwise find out who writes to this store";
        distrusted.accept(key, why);
        return stored.distrusted(why);
    }

    private static byte[] name(String key) {
        return key.getBytes(StandardCharsets.UTF_8);
    }
}
