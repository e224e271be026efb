// SPDX-License-Identifier: Apache-2.0

package io.muster.sim;

import io.muster.group.GroupSecret;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.segment.EpochRecord;
import io.muster.segment.LostMember;
import io.muster.segment.ProofCounts;
import io.muster.segment.RankEntry;
import io.muster.segment.ReadyMark;
import io.muster.segment.Schema;
import io.muster.segment.SegmentHandle;
import io.muster.store.SealedSegmentStore;
import io.muster.store.StoreKeys;
import io.muster.wire.Decoded;
import io.muster.wire.StoredBytes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A full member of the store's cluster that does not know the group's secret: it reads every value, and writes what it
 * likes wherever it likes, as the other members see it, with no compare and no delay.
 */
final class Stranger {
    static final GroupSecret SECRET =
            GroupSecret.of("the secret of the simulated group".getBytes(StandardCharsets.UTF_8));
    private static final GroupSecret OTHER_SECRET =
            GroupSecret.of("another secret, of another group".getBytes(StandardCharsets.UTF_8));
    private static final int REMEMBERED = 40;

    private final World world;
    private final Chance chance;
    private final StoreKeys keys = new StoreKeys(World.GROUP);
    private final Map<String, List<StoredBytes>> seen = new TreeMap<>();
    private final Set<LifeId> lives = new HashSet<>();
    final ProcessId process;

    Stranger(World world) {
        this.world = world;
        this.chance = world.chance;
        this.process = ProcessId.random(chance.generator());
    }

    /** It listens, as every member can. */
    void saw(String key, @Nullable StoredBytes value) {
        if (value != null) {
            List<StoredBytes> all = seen.computeIfAbsent(key, _ -> new ArrayList<>());
            all.add(value);
            if (all.size() > REMEMBERED) {
                all.removeFirst();
            }
        }
    }

    /** No process may ever accept this as a life of the group. */
    boolean isLifeOf(@Nullable Member member) {
        return member != null && lives.contains(member.life());
    }

    void work() {
        world.clock.after(chance.between(500, chance.oneOf(List.of(5_000L, 100_000L, 1_000_000L))), () -> {
            if (world.faults.areOn()) {
                if (!world.processes.isEmpty()) {
                    act();
                }
                work();
            }
        });
    }

    private void act() {
        Side side = chance.oneOf(world.sides);
        int rank = chance.below(world.scenario.worldSize());
        switch (chance.below(9)) {
            case 0, 1 -> write(side, Fault.FORGED_ENTRY, keys.rank(rank), entry(rank, RankEntry.State.LIVE, true));
            case 2 ->
                write(
                        side,
                        Fault.FORGED_TOMBSTONE,
                        keys.rank(rank),
                        entry(rank, chance.with(0.5) ? RankEntry.State.GONE : RankEntry.State.LEFT, false));
            case 3 -> write(side, Fault.FORGED_MARK, keys.ready(rank), mark(side, rank));
            case 4 -> write(side, Fault.FORGED_RECORD, keys.epoch(), record(side));
            case 5 -> {
                String key = anyKey();
                put(side, Fault.REPLAYED, key, key == null ? null : chance.oneOf(seen.get(key)));
            }
            case 6 -> {
                String from = anyKey();
                put(side, Fault.REPLAYED_UNDER_OTHER_KEY, anyKey(), from == null ? null : chance.oneOf(seen.get(from)));
            }
            case 7 -> {
                String key = anyKey();
                if (key != null && side.truth.containsKey(key)) {
                    done(Fault.DELETED_BY_STRANGER, key);
                    world.put(side, key, null);
                }
            }
            default ->
                put(
                        side,
                        Fault.GARBAGE_WRITTEN,
                        chance.with(0.2) ? World.GROUP + "/rank/" + (1_000 + rank) : keys.rank(rank),
                        garbage());
        }
    }

    private @Nullable String anyKey() {
        return seen.isEmpty() ? null : chance.oneOf(List.copyOf(seen.keySet()));
    }

    /** Unsigned, or signed with a secret of its own. */
    private void write(Side side, Fault fault, String key, @Nullable StoredBytes value) {
        if (value != null) {
            var foreign = new SealedSegmentStore(world.processes.getFirst().nasty, OTHER_SECRET, (_, _) -> {});
            put(side, fault, key, chance.with(0.5) ? value : foreign.close(key, value));
        }
    }

    private void put(Side side, Fault fault, @Nullable String key, @Nullable StoredBytes value) {
        if (key != null && value != null && !value.equals(side.truth.get(key))) {
            done(fault, key);
            world.put(side, key, value);
        }
    }

    private void done(Fault fault, String key) {
        world.faults.fired(fault);
        world.invariants.lineageBroken = true; // what stood there is lost
        world.trace(() -> "stranger: " + fault + " " + key);
    }

    // ---- what it makes up

    private Member life(int rank, long incarnation) {
        var member = new Member(rank, incarnation, LifeId.random(chance.generator()));
        lives.add(member.life());
        return member;
    }

    /** Of a life of its own that is newer than all, or of the life that is there. */
    private @Nullable StoredBytes entry(int rank, RankEntry.State state, boolean ownLife) {
        RankEntry there = latestEntry(rank);
        long now = 1_000_000_000 + world.clock.nowMs();
        Member member = ownLife || there == null ? life(rank, now + chance.between(-5_000, 5_000_000)) : there.member();
        SegmentHandle handle = new SegmentHandle(
                process,
                "stranger",
                666,
                "host-stranger",
                666,
                world.uuid(),
                world.scenario.mode(),
                List.of("local", "tcp"),
                world.scenario.fabric(),
                List.of());
        return Schema.encode(new RankEntry(
                World.GROUP,
                world.scenario.worldSize(),
                member,
                state,
                there == null ? 0 : there.revision() + 1_000,
                handle));
    }

    /** Reading needs no secret; what is not of the group decodes to nothing. */
    private @Nullable StoredBytes opened(String key, @Nullable StoredBytes stored) {
        return new SealedSegmentStore(world.processes.getFirst().nasty, SECRET, (_, _) -> {}).open(key, stored);
    }

    private @Nullable RankEntry latestEntry(int rank) {
        List<StoredBytes> all = seen.get(keys.rank(rank));
        StoredBytes opened = all == null ? null : opened(keys.rank(rank), all.getLast());
        return opened != null && Schema.rankEntry(opened) instanceof Decoded.Valid<RankEntry>(RankEntry entry)
                ? entry
                : null;
    }

    private @Nullable EpochRecord latestRecord(Side side) {
        StoredBytes opened = opened(keys.epoch(), side.truth.get(keys.epoch()));
        return opened != null && Schema.epochRecord(opened) instanceof Decoded.Valid<EpochRecord>(EpochRecord record)
                ? record
                : null;
    }

    /** That a rank has done what it has not. */
    private @Nullable StoredBytes mark(Side side, int rank) {
        EpochRecord epoch = latestRecord(side);
        return epoch == null
                ? null
                : Schema.encode(new ReadyMark(
                        World.GROUP,
                        epoch.vector().get(rank),
                        epoch.number(),
                        epoch.digest(),
                        epoch.vector().stream().map(_ -> Proof.WARMUP).toList()));
    }

    /** That all are connected, or not any more, or with itself among them. */
    private @Nullable StoredBytes record(Side side) {
        EpochRecord epoch = latestRecord(side);
        if (epoch == null) {
            return null;
        }
        List<Member> vector = new ArrayList<>(epoch.vector());
        if (chance.with(0.5)) {
            int rank = chance.below(vector.size());
            vector.set(rank, life(rank, vector.get(rank).incarnation() + 1));
        }
        long number = epoch.number() + chance.oneOf(List.of(0L, 1L, 1_000L));
        EpochRecord.State state = chance.oneOf(List.of(EpochRecord.State.values()));
        return Schema.encode(new EpochRecord(
                World.GROUP,
                number,
                vector,
                state,
                state == EpochRecord.State.OPEN ? epoch.lastComplete() : number,
                state == EpochRecord.State.DEGRADED
                        ? List.of(new LostMember(vector.getFirst(), "LEFT", "made up", 0))
                        : List.of(),
                ProofCounts.NONE));
    }

    private StoredBytes garbage() {
        byte[] bytes = new byte[chance.below(200)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) chance.any();
        }
        return StoredBytes.copyOf(bytes);
    }
}
