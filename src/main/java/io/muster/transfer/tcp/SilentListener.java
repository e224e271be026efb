// SPDX-License-Identifier: Apache-2.0

package io.muster.transfer.tcp;

import io.muster.transfer.Channel;
import io.muster.transfer.ControlKind;
import io.muster.transfer.LossEvidence;
import io.muster.transfer.Transport;
import io.vertx.core.buffer.Buffer;

/** For a transport that serves no group: hears everything and says nothing. */
public class SilentListener implements Transport.Listener {
    @Override
    public void opened(Channel channel) {}

    @Override
    public void lost(Channel channel, LossEvidence evidence) {}

    @Override
    public void received(Channel channel, ControlKind kind, Buffer payload) {}

    @Override
    public Buffer livenessPayload(Channel channel) {
        return Buffer.buffer();
    }

    @Override
    public void livenessReceived(Channel channel, Buffer payload) {}
}
