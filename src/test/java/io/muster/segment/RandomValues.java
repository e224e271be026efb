// SPDX-License-Identifier: Apache-2.0

package io.muster.segment;

import io.muster.group.GroupName;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.ProcessId;
import io.muster.group.Proof;
import io.muster.wire.Digest;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Valid values at random, from a seed that is printed. */
public final class RandomValues {
    private final Random random;

    public RandomValues(String what, long seed) {
        System.out.println(what + ": seed " + seed);
        random = new Random(seed);
    }

    public Random random() {
        return random;
    }

    public GroupName group() {
        return new GroupName("g" + word(20) + ".x-_");
    }

    public Member member(int rank) {
        return new Member(rank, 1 + random.nextLong(Long.MAX_VALUE), LifeId.random(random));
    }

    public String word(int most) {
        return random.ints(random.nextInt(most), 'a', 'z' + 1)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    public String sentence(int most) {
        return "ü→𝄞 " + word(most);
    }

    public <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    public RankEntry entry(GroupName group, int segments) {
        int worldSize = 1 + random.nextInt(Member.MAX_WORLD_SIZE);
        byte[] export = new byte[random.nextInt(64)];
        random.nextBytes(export);
        String identity = word(60);
        boolean simulated = random.nextBoolean() && (!identity.isEmpty() || export.length == 0);
        var fabric = SegmentHandle.FabricOffer.of(identity, simulated, export, sentence(100));
        var handle = new SegmentHandle(
                ProcessId.random(random),
                "h" + word(60),
                1 + random.nextInt(65_535),
                word(60),
                random.nextLong(),
                word(36),
                word(8),
                List.of("tcp", "shm"),
                fabric,
                IntStream.range(0, segments)
                        .mapToObj(i -> new SegmentInfo(
                                "s" + i,
                                i,
                                random.nextLong(),
                                1 + random.nextInt(1 << 20),
                                IntStream.range(0, random.nextInt(3))
                                        .mapToObj(_ -> gpuRecord())
                                        .toList()))
                        .toList());
        return new RankEntry(
                group,
                worldSize,
                member(random.nextInt(worldSize)),
                one(List.of(RankEntry.State.values())),
                random.nextLong(Long.MAX_VALUE),
                handle);
    }

    private GpuRecord gpuRecord() {
        byte[] bytes = new byte[1 + random.nextInt(GpuRecord.MAX_HANDLE_BYTES)];
        random.nextBytes(bytes);
        long offset = random.nextLong(1L << 30);
        return new GpuRecord(
                one(List.of(GpuRecord.Kind.values())),
                bytes,
                random.nextLong(),
                offset + (1L << 21),
                new UUID(random.nextLong(), random.nextLong()),
                offset);
    }

    public ReadyMark mark() {
        return new ReadyMark(
                group(),
                member(random.nextInt(100)),
                1 + random.nextLong(1_000),
                new Digest(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong()),
                IntStream.range(0, random.nextInt(20))
                        .mapToObj(_ -> one(List.of(Proof.values())))
                        .toList());
    }

    public EpochRecord epoch() {
        int size = 1 + random.nextInt(12);
        long number = 1 + random.nextLong(1_000);
        var lost = IntStream.range(0, random.nextInt(size))
                .mapToObj(rank -> new LostMember(member(rank), "SILENCE", sentence(80), random.nextInt(size)))
                .toList();
        return new EpochRecord(
                group(),
                number,
                IntStream.range(0, size).mapToObj(this::member).toList(),
                one(List.of(EpochRecord.State.values())),
                random.nextLong(number + 1),
                lost,
                new ProofCounts(counts(), counts()));
    }

    private Map<Proof, Integer> counts() {
        return List.of(Proof.values()).stream()
                .filter(_ -> random.nextBoolean())
                .collect(Collectors.toMap(proof -> proof, _ -> random.nextInt(Integer.MAX_VALUE)));
    }
}
