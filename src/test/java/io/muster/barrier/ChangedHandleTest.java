// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.seat.SeatEffect;
import io.muster.seat.SeatEvent;
import io.muster.seat.SeatMachine;
import io.muster.seat.SeatState;
import io.muster.segment.RankEntry;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.segment.SegmentInfo;
import io.muster.segment.Versioned;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A seat that publishes its handle again. */
class ChangedHandleTest {
    private static final GroupName GROUP = new GroupName("g");
    private static final SeatMachine.Setup SETUP = new SeatMachine.Setup(GROUP, 2, 0);
    private static final SeatEvent.Ticket TICKET = new SeatEvent.Ticket(0, 1, LifeId.random(new Random(2)));

    /** The write passed its deadline and was applied all the same; only the read after it can say so. */
    @Test
    void announcesAChangeWrittenAfterItsDeadline() {
        SeatState held = new SeatState.Held(seen(entry(handle(List.of()))), SeatState.Held.Work.NONE, null, false);
        SegmentHandle wanted = handle(List.of(new SegmentInfo("kv", 1, 2, 3)));

        SeatMachine.Step change = SeatMachine.transition(SETUP, held, new SeatEvent.HandleChanged(wanted));
        Versioned<RankEntry> written = ((SeatEffect.WriteKey) change.effects().getFirst()).next();
        assertThat(written.value().revision()).isEqualTo(1);
        SeatMachine.Step late = SeatMachine.transition(SETUP, change.next(), new SeatEvent.StoreFailed("late", false));
        SeatMachine.Step looking = SeatMachine.transition(SETUP, late.next(), new SeatEvent.PauseOver());
        assertThat(looking.effects()).containsExactly(new SeatEffect.ReadKey());
        SeatMachine.Step read = SeatMachine.transition(SETUP, looking.next(), new SeatEvent.KeyRead(written, TICKET));

        assertThat(read.effects()).containsExactly(new SeatEffect.Take(written.value()));
        assertThat(read.next()).isEqualTo(new SeatState.Held(written, SeatState.Held.Work.NONE, null, false));
    }

    @Test
    void announcesNothingWhenAPushRepeatsItsOwnEntry() {
        Versioned<RankEntry> current = seen(entry(handle(List.of())));
        SeatState held = new SeatState.Held(current, SeatState.Held.Work.NONE, null, false);

        assertThat(SeatMachine.transition(SETUP, held, new SeatEvent.KeySeen(current))
                        .effects())
                .isEmpty();
    }

    private static Versioned<RankEntry> seen(RankEntry entry) {
        return new Versioned<>(Schema.encode(entry), entry);
    }

    private static RankEntry entry(SegmentHandle handle) {
        return new RankEntry(GROUP, 2, new Member(0, 5, LifeId.random(new Random(1))), RankEntry.State.LIVE, 0, handle);
    }

    private static SegmentHandle handle(List<SegmentInfo> segments) {
        return new SegmentHandle(
                new ProcessId(1, 2),
                "127.0.0.1",
                4000,
                "host",
                7,
                "uuid",
                "auto",
                List.of("tcp"),
                SegmentHandle.FabricOffer.NONE,
                segments);
    }
}
