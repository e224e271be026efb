// SPDX-License-Identifier: Apache-2.0

package io.muster.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.ProcessId;
import io.vertx.core.Context;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class InMemorySegmentStoreTest extends SegmentStoreContractTest {
    private final InMemorySegmentStore.Shared shared = new InMemorySegmentStore.Shared();
    private final Random random = new Random(1);

    @Override
    SegmentStore join(Context context) {
        return shared.store(context, ProcessId.random(random));
    }

    @Override
    void crash(SegmentStore store) {
        shared.crash((InMemorySegmentStore) store);
    }

    @Override
    void shutDown(SegmentStore store) {
        shared.shutDown((InMemorySegmentStore) store);
    }

    @Override
    void loseEverything() {
        shared.lose(Set.of("vanished"));
    }

    @Test
    void givesAMergedProcessANewIdentity() throws Exception {
        InMemorySegmentStore store = shared.store(context, ProcessId.random(random));
        Recorder recorder = new Recorder("merge");
        await(store.listen(recorder));
        String before = store.localMemberUuid();
        shared.merge(store);
        assertThat(recorder.outdated.poll(PATIENCE_MS, TimeUnit.MILLISECONDS)).isEqualTo(true);
        assertThat(here.presentMembers().memberUuids())
                .contains(store.localMemberUuid())
                .doesNotContain(before);
        shared.crash(store);
    }
}
