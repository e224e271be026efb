// SPDX-License-Identifier: Apache-2.0

package io.muster.ops;

import io.muster.peer.LinkChange;
import io.muster.transfer.Channel;
import io.muster.transfer.LossEvidence;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * Events of the JDK's Flight Recorder. Their classes are loaded only when the first recording runs, because they cannot
 * be in the archive from which a start reads its classes.
 */
@SuppressWarnings("UnusedVariable") // the recorder reads the fields of events
final class JfrEvents {
    /** False in a runtime that was linked without the module of the JDK's Flight Recorder. */
    private static final boolean PRESENT =
            ModuleLayer.boot().findModule("jdk.jfr").isPresent();

    private JfrEvents() {}

    /** Whether a recording runs or has run in this JVM. */
    static boolean wanted() {
        return PRESENT && FlightRecorder.isInitialized();
    }

    static void link(LinkChange change) {
        var event = new LinkTransition();
        if (event.isEnabled()) {
            event.group = change.group().value();
            event.rank = change.self().rank();
            event.peer = change.peer();
            event.from = change.from().name().name();
            event.to = change.to().name().name();
            event.attempt = change.to().history().attempt();
            event.reason = change.reason();
            event.commit();
        }
    }

    static void channelLost(Channel channel, LossEvidence evidence) {
        var event = new ChannelLost();
        if (event.isEnabled()) {
            event.process = channel.peer().toString();
            event.address = channel.address().toString();
            event.how = evidence.kind().name();
            event.evidence = evidence.detail();
            event.commit();
        }
    }

    static void epoch(String group, long number, String stage, String lost) {
        var event = new EpochSeen();
        if (event.isEnabled()) {
            event.group = group;
            event.epoch = number;
            event.stage = stage;
            event.lost = lost;
            event.commit();
        }
    }

    static void store(String what, String detail) {
        var event = new StoreTrouble();
        if (event.isEnabled()) {
            event.what = what;
            event.detail = detail;
            event.commit();
        }
    }

    static void loop(String thread, long ms, String what) {
        var event = new EventLoopStalled();
        if (event.isEnabled()) {
            event.loop = thread;
            event.ms = ms;
            event.what = what;
            event.commit();
        }
    }

    @Name("io.muster.EventLoopStalled")
    @Label("Event Loop Stalled")
    @Description("An event loop that Muster needs stands still, or runs again")
    @Category("Muster")
    @StackTrace(false)
    private static final class EventLoopStalled extends Event {
        @Label("Loop")
        private String loop = "";

        @Label("Milliseconds")
        private long ms;

        @Label("What")
        private String what = "";
    }

    @Name("io.muster.LinkTransition")
    @Label("Link Transition")
    @Description("A link went from one state to another")
    @Category("Muster")
    @StackTrace(false)
    private static final class LinkTransition extends Event {
        @Label("Group")
        private String group = "";

        @Label("Rank")
        private int rank;

        @Label("Peer")
        private int peer;

        @Label("From")
        private String from = "";

        @Label("To")
        private String to = "";

        @Label("Attempt")
        private int attempt;

        @Label("Reason")
        private String reason = "";
    }

    @Name("io.muster.ChannelLost")
    @Label("Channel Lost")
    @Description("The connections to another process have ended")
    @Category("Muster")
    @StackTrace(false)
    private static final class ChannelLost extends Event {
        @Label("Process")
        private String process = "";

        @Label("Address")
        private String address = "";

        @Label("How")
        private String how = "";

        @Label("Evidence")
        private String evidence = "";
    }

    @Name("io.muster.Epoch")
    @Label("Epoch")
    @Description("This process has learnt of a stage of an epoch, or has marked it")
    @Category("Muster")
    @StackTrace(false)
    private static final class EpochSeen extends Event {
        @Label("Group")
        private String group = "";

        @Label("Epoch")
        private long epoch;

        @Label("Stage")
        private String stage = "";

        @Label("Lost")
        private String lost = "";
    }

    @Name("io.muster.StoreTrouble")
    @Label("Store Trouble")
    @Description("A store operation failed or was late, or something happened to the store as a whole")
    @Category("Muster")
    @StackTrace(false)
    private static final class StoreTrouble extends Event {
        @Label("What")
        private String what = "";

        @Label("Detail")
        private String detail = "";
    }
}
