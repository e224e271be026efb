// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer;

import io.muster.group.ProcessAddress;
import io.vertx.core.buffer.Buffer;

/** The listener of a transport that serves no group: ignores every event and answers with empty liveness payloads. */
public class SilentListener implements Transport.Listener {
    @Override
    public void opened(Channel channel) {}

    @Override
    public void lost(Channel channel, LossEvidence evidence) {}

    @Override
    public void notOpened(ProcessAddress peer, LossEvidence evidence) {}

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {}

    @Override
    public Buffer livenessPayload(Channel channel) {
        return Buffer.buffer();
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {}
}
