// SPDX-License-Identifier: Apache-2.0

package io.muster.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.peer.LinkEvent;
import io.muster.segment.RankEntry;
import io.muster.segment.SegmentHandle;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

//
class ReachabilityTest {
    private static final ProcessId HERE = new ProcessId(0, 1);
    private static final ProcessId THERE = new ProcessId(0, 2);
    private final Reachability reachability = new Reachability(HERE, "this host");

    private static RankEntry entry(ProcessId process, String hostId, String address) {
        var handle = new SegmentHandle(
                process,
                address,
                18_515,
                hostId,
                4711,
                "member",
                "auto",
                List.of("tcp"),
                new SegmentHandle.FabricOffer.None(false, "a test"),
                List.of());
        return new RankEntry(
                new GroupName("g"),
                4,
                new Member(3, 1, LifeId.random(RandomGenerator.getDefault())),
                RankEntry.State.LIVE,
                0,
                handle);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST", "127.0.0.1", "127.3.2.1", "::1", "0.0.0.0", "::"})
    void anAddressOfTheHostAloneIsUsableThereOnly(String address) {
        assertThat(reachability.of(entry(THERE, "this host", address))).isEqualTo(new LinkEvent.Reach.Dialable());
        assertThat(reachability.of(entry(THERE, "another host", address)))
                .isInstanceOfSatisfying(
                        LinkEvent.Reach.Unusable.class,
                        unusable -> assertThat(unusable.reason())
                                .contains(
                                        "rank 3 of group g (pid 4711 on another host) publishes the address " + address
                                                + ",",
                                        "start it with --bind (or endpoint.advertise)"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.7", "192.0.2.1", "fe80::1%eth0", "node7.example", "dead"})
    void anyOtherAddressCanBeDialled(String address) {
        assertThat(reachability.of(entry(THERE, "another host", address))).isEqualTo(new LinkEvent.Reach.Dialable());
    }

    @Test
    void aRankOfThisProcessNeedsNoAddress() {
        assertThat(reachability.of(entry(HERE, "this host", "127.0.0.1"))).isEqualTo(new LinkEvent.Reach.SameProcess());
    }
}
