// SPDX-License-Identifier: Apache-2.0

package examples;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.json.JsonObject;

/** On any node of the Vert.x cluster, also one that hosts no rank and has no class of Muster. */
// spotless:off: the documents show it as it stands here
// [watcher]
public final class AllConnectedWatcher extends VerticleBase {
    @Override
    public Future<?> start() {
        return vertx.eventBus().<JsonObject>consumer("muster.ep.all-connected", message ->
                System.out.println("all-connected " + message.body().encode())).completion();
    }
}
// [/watcher]
// spotless:on
