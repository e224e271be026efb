// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.muster.fabric.FabricExport.Exported;
import io.muster.fabric.FabricExport.NotExported;
import io.muster.fabric.FabricImport.Cause;
import io.muster.fabric.FabricImport.Imported;
import io.muster.fabric.FabricImport.Refused;
import io.muster.group.FabricIdentity;
import io.muster.group.FabricVerdict;
import io.muster.group.LifeId;
import io.muster.group.Member;
import io.muster.group.MusterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SimulatedFabricTest {
    private static final FabricIdentity CLIQUE_7 = new FabricIdentity(new UUID(5, 5), 7);
    private static final FabricIdentity CLIQUE_8 = new FabricIdentity(new UUID(5, 5), 8);
    private static final Member RANK_0 = new Member(0, 1, new LifeId(0, 1));
    private static final Member RANK_1 = new Member(1, 1, new LifeId(1, 1));

    @TempDir
    Path base;

    private final List<SimulatedFabric> opened = new ArrayList<>();

    @AfterEach
    void closesAndLeavesNoFile() {
        opened.forEach(SimulatedFabric::close);
        assertThat(files()).isEmpty();
    }

    private SimulatedFabric open(FabricIdentity identity, ImportFault fault) {
        SimulatedFabric fabric = SimulatedFabric.open(identity, base, fault);
        opened.add(fabric);
        return fabric;
    }

    private List<Path> files() {
        try (Stream<Path> all = Files.walk(base)) {
            return all.filter(file -> !file.equals(base)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<Path> memoryFiles() {
        return files().stream().filter(file -> file.toString().endsWith(".mem")).toList();
    }

    private static ExportedHandle export(Fabric fabric, Member owner) {
        FabricExport answer = fabric.export(owner);
        assertThat(answer).isInstanceOf(Exported.class);
        return ((Exported) answer).handle();
    }

    private static void assertImported(FabricImport answer) {
        assertThat(answer).isInstanceOf(Imported.class);
    }

    private static void assertRefused(FabricImport answer, Cause cause, String says) {
        assertThat(answer).isInstanceOfSatisfying(Refused.class, refused -> {
            assertThat(refused.cause()).isEqualTo(cause);
            assertThat(refused.reason()).contains(says);
        });
    }

    @Test
    void importsAndTouchesAPeersMemoryOfTheSameClique() throws IOException { // W-3
        SimulatedFabric fabric0 = open(CLIQUE_7, ImportFault.NONE);
        SimulatedFabric fabric1 = open(CLIQUE_7, ImportFault.NONE);
        try (ExportedHandle exported = export(fabric0, RANK_0)) {
            assertImported(fabric1.importPeer(RANK_1, RANK_0, exported.bytes()));
            Path file = memoryFiles().getLast();
            byte[] slotOfRank1 = slot(exported, 1);
            assertThat(slotOfRank1)
                    .as("rank 0's memory holds the word of rank 1")
                    .isNotEqualTo(new byte[8]);
            assertImported(fabric1.importPeer(RANK_1, RANK_0, exported.bytes()));
            assertThat(slot(exported, 1)).isNotEqualTo(slotOfRank1);
            assertThat(slot(exported, 0)).isEqualTo(new byte[8]);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                    .isEqualTo("rwx------");
        }
    }

    private byte[] slot(ExportedHandle exported, int rank) throws IOException {
        String name = SimulatedHandle.decode(exported.bytes()).orElseThrow().fileName();
        Path file = memoryFiles().stream()
                .filter(each -> each.endsWith(name))
                .findFirst()
                .orElseThrow();
        byte[] all = Files.readAllBytes(file);
        return Arrays.copyOfRange(all, 4096 + 8 * rank, 4096 + 8 * rank + 8);
    }

    @Test
    void isProvenAndMarkedAsSimulated() {
        assertThat(open(CLIQUE_7, ImportFault.NONE).verdict())
                .isInstanceOfSatisfying(FabricVerdict.Proven.class, proven -> {
                    assertThat(proven.identity()).isEqualTo(CLIQUE_7);
                    assertThat(proven.simulated()).isTrue();
                });
    }

    @Test
    void refusesTheMemoryOfAnotherClique() {
        ExportedHandle exported = export(open(CLIQUE_7, ImportFault.NONE), RANK_0);
        assertRefused(
                open(CLIQUE_8, ImportFault.NONE).importPeer(RANK_1, RANK_0, exported.bytes()),
                Cause.OTHER_CLIQUE,
                "in fabric " + CLIQUE_7 + ", this process in " + CLIQUE_8);
    }

    @Test
    void refusesAForgedCliqueInAHandle() { // the clique's folder holds no file of this name
        ExportedHandle exported = export(open(CLIQUE_7, ImportFault.NONE), RANK_0);
        SimulatedHandle real = SimulatedHandle.decode(exported.bytes()).orElseThrow();
        byte[] forged = new SimulatedHandle(CLIQUE_8, real.owner(), real.token(), real.fileName()).encode();
        assertRefused(open(CLIQUE_8, ImportFault.NONE).importPeer(RANK_1, RANK_0, forged), Cause.MISSING, "is not in");
    }

    @Test
    void refusesAWrongToken() {
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        SimulatedHandle real =
                SimulatedHandle.decode(export(fabric, RANK_0).bytes()).orElseThrow();
        byte[] token = real.token().bytes();
        token[31] ^= 1;
        byte[] forged =
                new SimulatedHandle(CLIQUE_7, RANK_0, new SimulatedHandle.Token(token), real.fileName()).encode();
        assertRefused(fabric.importPeer(RANK_1, RANK_0, forged), Cause.TOKEN_MISMATCH, "rank 0");
    }

    @Test
    void refusesTheMemoryOfAnOlderLife() { // T-2
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        Member newer = new Member(0, 2, new LifeId(0, 2));
        assertRefused(
                fabric.importPeer(RANK_1, newer, export(fabric, RANK_0).bytes()),
                Cause.OTHER_MEMBER,
                "of member " + RANK_0);
    }

    @Test
    void refusesFreedMemory() {
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        ExportedHandle exported = export(fabric, RANK_0);
        byte[] bytes = exported.bytes();
        assertImported(fabric.importPeer(RANK_1, RANK_0, bytes));
        exported.close();
        exported.close();
        assertRefused(fabric.importPeer(RANK_1, RANK_0, bytes), Cause.MISSING, "freed");
    }

    @Test
    void refusesGarbageWithoutThrowing() {
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        assertRefused(fabric.importPeer(RANK_1, RANK_0, new byte[0]), Cause.MALFORMED, "0 bytes");
        assertRefused(fabric.importPeer(RANK_1, RANK_0, new byte[1_000_000]), Cause.MALFORMED, "1000000 bytes");
    }

    @Test
    void failsOnOneSideOnlyIfConfiguredToAndCountsIt() { // W-1
        ImportFault fault = ImportFault.parse("1");
        SimulatedFabric fabric0 = open(CLIQUE_7, fault);
        SimulatedFabric fabric1 = open(CLIQUE_7, fault);
        ExportedHandle of0 = export(fabric0, RANK_0);
        ExportedHandle of1 = export(fabric1, RANK_1);
        assertImported(fabric0.importPeer(RANK_0, RANK_1, of1.bytes()));
        assertRefused(fabric1.importPeer(RANK_1, RANK_0, of0.bytes()), Cause.INJECTED, "rank 1");
        assertThat(fabric0.injectedFailures()).isZero();
        assertThat(fabric1.injectedFailures()).isEqualTo(1);
    }

    @Test
    void parsesTheRanksWhoseImportsFail() {
        assertThat(ImportFault.parse("*").hits(RANK_1)).isTrue();
        assertThat(ImportFault.parse("0, 3").hits(RANK_0)).isTrue();
        assertThat(ImportFault.parse("0, 3").hits(RANK_1)).isFalse();
        assertThat(ImportFault.parse(null)).isEqualTo(ImportFault.NONE);
        assertThatThrownBy(() -> ImportFault.parse("all"))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining(ImportFault.PROPERTY);
        assertThatThrownBy(() -> ImportFault.parse("1,")).isInstanceOf(MusterException.class);
    }

    @Test
    void refusesExportsAndImportsAfterTheClose() {
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        SimulatedFabric other = open(CLIQUE_7, ImportFault.NONE);
        byte[] bytes = export(other, RANK_0).bytes();
        fabric.close();
        assertThat(fabric.export(RANK_1)).isInstanceOf(NotExported.class);
        assertRefused(fabric.importPeer(RANK_1, RANK_0, bytes), Cause.NO_FABRIC, "closed");
    }

    @Test
    void closesImportsThatItsUsersLeftOpen() { // P-14
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        assertImported(fabric.importPeer(RANK_1, RANK_0, export(fabric, RANK_0).bytes()));
        fabric.close();
        assertThat(files()).isEmpty();
    }

    @Test
    void leavesNoDescriptorOpenAfterManyImports() throws IOException { // P-14
        SimulatedFabric fabric = open(CLIQUE_7, ImportFault.NONE);
        byte[] bytes = export(fabric, RANK_0).bytes();
        assertImported(fabric.importPeer(RANK_1, RANK_0, bytes));
        long before = descriptors();
        long mappingsBefore = mappings();
        for (int i = 0; i < 1_000; i++) {
            assertImported(fabric.importPeer(RANK_1, RANK_0, bytes));
        }
        assertThat(mappings() - mappingsBefore).isZero();
        assertThat(descriptors() - before).isLessThan(50);
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }

    private static long mappings() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains("muster-fabric"))
                .count();
    }

    @Test
    void deletesTheFilesOfAKilledProcessOnly() throws Exception { // P-14
        SimulatedFabric living = open(CLIQUE_7, ImportFault.NONE);
        ExportedHandle kept = export(living, RANK_0);
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Exporter.class.getName(),
                        base.toString(),
                        CLIQUE_7.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            String hex = process.inputReader().readLine();
            byte[] bytes = HexFormat.of().parseHex(hex);
            assertImported(living.importPeer(RANK_0, RANK_1, bytes));
            List<Path> whileAlive = files();
            open(CLIQUE_7, ImportFault.NONE).close();
            assertThat(files()).as("files of living processes stay").containsExactlyInAnyOrderElementsOf(whileAlive);
            process.destroyForcibly();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(files()).as("kill -9 leaves its files").containsExactlyInAnyOrderElementsOf(whileAlive);
            open(CLIQUE_7, ImportFault.NONE);
            assertThat(files())
                    .as("deleted")
                    .noneMatch(file -> file.getFileName().toString().startsWith(process.pid() + "-"));
            assertRefused(living.importPeer(RANK_0, RANK_1, bytes), Cause.MISSING, "not in");
            assertImported(living.importPeer(RANK_1, RANK_0, kept.bytes()));
        } finally {
            process.destroyForcibly();
        }
    }

    /** Another process of the clique. It exports memory for rank 1, prints the handle, and runs until it is killed. */
    static final class Exporter {
        public static void main(String[] arguments) throws IOException {
            SimulatedFabric fabric =
                    SimulatedFabric.open(FabricIdentity.parse(arguments[1]), Path.of(arguments[0]), ImportFault.NONE);
            if (fabric.export(RANK_1) instanceof Exported(ExportedHandle handle)) {
                System.out.println(HexFormat.of().formatHex(handle.bytes()));
            }
            System.in.read();
        }
    }

    @Test
    void refusesAFolderThatOthersMayEnter() throws IOException {
        Path planted = Files.createDirectory(base.resolve("muster-fabric-" + System.getProperty("user.name")));
        Files.setPosixFilePermissions(planted, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() -> open(CLIQUE_7, ImportFault.NONE))
                .isInstanceOf(MusterException.class)
                .hasMessageContaining("only its owner may enter");
        Files.delete(planted);
    }

    @Test
    void exportsAndImportsNothingWithoutAFabric() {
        try (NoFabric none = new NoFabric(new FabricVerdict.NotAvailable("no driver"))) {
            assertThat(none.export(RANK_0)).isEqualTo(new NotExported("no driver"));
            assertRefused(none.importPeer(RANK_0, RANK_1, new byte[0]), Cause.NO_FABRIC, "no driver");
        }
        assertThatThrownBy(() -> new NoFabric(new FabricVerdict.Proven(CLIQUE_7, true, "")))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
