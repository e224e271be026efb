// SPDX-License-Identifier: Apache-2.0

package io.muster;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.INTERFACES;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.syntax.elements.GivenClassesConjunction;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The house rules that a compiler does not hold: who imports whom, what is pure, who speaks to the outside. */
class ArchitectureTest {
    private static final JavaClasses MUSTER = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.muster");

    /**
     * From those that import to those that are imported; a package may use every one in a later step. "" is the root.
     */
    private static final List<Set<String>> ORDER = List.of(
            Set.of("cli"),
            Set.of("gpucheck", "bench", "chaos"),
            Set.of("launch", "testing"),
            Set.of(""),
            Set.of("runtime"),
            Set.of("cluster", "ops", "routing"),
            Set.of("barrier", "options", "transfer.gpu"),
            Set.of("seat", "transfer.tcp", "warmup"),
            Set.of("peer", "transfer.memory"),
            Set.of("store", "transfer", "fabric", "epoch"),
            Set.of("segment", "cuda", "bus", "blame"),
            Set.of("cuda.copy"),
            Set.of("group", "wire", "cuda.driver", "descriptor"));

    private static Stream<String> packages() {
        return ORDER.stream().flatMap(Set::stream).sorted();
    }

    private static String of(String name) {
        return name.isEmpty() ? "io.muster" : "io.muster." + name;
    }

    @Test
    void everyPackageHasItsPlaceInTheOrder() {
        Set<String> known = ORDER.stream()
                .flatMap(Set::stream)
                .map(ArchitectureTest::of)
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> there =
                MUSTER.stream().map(JavaClass::getPackageName).collect(Collectors.toCollection(TreeSet::new));
        assertThat(there).isEqualTo(known);
    }

    @ParameterizedTest
    @MethodSource("packages")
    void theRightSideNeverImportsTheLeft(String name) {
        List<String> forbidden = new ArrayList<>();
        for (Set<String> step : ORDER) {
            step.stream()
                    .filter(left -> !left.equals(name))
                    .map(ArchitectureTest::of)
                    .forEach(forbidden::add);
            if (step.contains(name)) {
                break;
            }
        }
        noClasses()
                .that()
                .resideInAPackage(of(name))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden.toArray(String[]::new))
                .check(MUSTER);
    }

    private static final SliceAssignment TOP_LEVEL_CLASSES = new SliceAssignment() {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            return SliceIdentifier.of(outermost(type).getName());
        }

        @Override
        public String getDescription() {
            return "top-level classes";
        }
    };

    /**
     * Inside a package; between packages the order above leaves no circle. A nested class counts as its outer class.
     * Not seen, and right as it is: a sealed type names its permitted subtypes, which extend it.
     */
    @Test
    void noClassesUseEachOtherInACircle() {
        slices().assignedFrom(TOP_LEVEL_CLASSES).should().beFreeOfCycles().check(MUSTER);
    }

    @Test
    void theEventBusKnowsOnlyTheWords() {
        noClasses()
                .that()
                .resideInAPackage("io.muster.bus")
                .should()
                .dependOnClassesThat(resideInAPackage("io.muster..")
                        .and(not(resideInAnyPackage("io.muster.bus", "io.muster.group"))))
                .check(MUSTER);
    }

    /** Packages that decide and nothing else, and the deciding types of packages that also hold shells. */
    private static final DescribedPredicate<JavaClass> CORE = DescribedPredicate.describe(
            "the pure core",
            type -> Set.of("io.muster.epoch", "io.muster.seat", "io.muster.blame")
                            .contains(type.getPackageName())
                    || Set.of(
                                            "io.muster.peer",
                                            "io.muster.warmup",
                                            "io.muster.fabric",
                                            "io.muster.cuda",
                                            "io.muster.cuda.copy",
                                            "io.muster.cuda.driver",
                                            "io.muster.segment",
                                            "io.muster.transfer",
                                            "io.muster.transfer.tcp",
                                            "io.muster.ops",
                                            "io.muster.group")
                                    .contains(type.getPackageName())
                            && outermost(type)
                                    .getSimpleName()
                                    .matches(
                                            ".*(Machine|Rules?|State|Event|Effect|Plan|Policy|Setup|Timing)|Versioned|History|Session|PairId|Step|Offer"
                                                    + "|Verdict|TieBreak|LivenessWindow|EpochRecord|RankEntry|ReadyMark|WarmupAnswer|WarmupMode|FabricVerdict|NvlinkIpcSetting"));

    private static JavaClass outermost(JavaClass type) {
        return type.getEnclosingClass().map(ArchitectureTest::outermost).orElse(type);
    }

    private static GivenClassesConjunction coreClasses() {
        return noClasses().that(CORE);
    }

    @Test
    void theCoreRulesCoverTheIntendedClasses() {
        assertThat(MUSTER.that(CORE))
                .extracting(JavaClass::getSimpleName)
                .contains(
                        "LinkMachine",
                        "WriterRules",
                        "WaiterRules",
                        "SelfRules",
                        "LinkState",
                        "LinkEvent",
                        "LinkEffect",
                        "History",
                        "Session",
                        "BarrierMachine",
                        "SeatMachine",
                        "EpochTransition",
                        "Announcements",
                        "KeysSeen",
                        "EpochRules",
                        "LocalMember",
                        "SeatState",
                        "BarrierState",
                        "BlameRules",
                        "View",
                        "WarmupPlan",
                        "Plan",
                        "FabricRule",
                        "TieBreak",
                        "LivenessWindow");
    }

    private static final DescribedPredicate<JavaClass> OUTSIDE_WORLD = resideInAnyPackage(
                    "io.vertx..",
                    "io.netty..",
                    "com.hazelcast..",
                    "org.slf4j..",
                    "java.util.concurrent..",
                    "java.net..",
                    "java.io..",
                    "java.nio.file..")
            .and(not(type(java.io.Serializable.class)))
            .or(assignableTo(Thread.class));

    // P-1
    @Test
    void theCoreKnowsNoVertxNoLogAndNoThreads() {
        coreClasses()
                .and()
                .resideOutsideOfPackage("io.muster.blame")
                .should()
                .dependOnClassesThat(OUTSIDE_WORLD)
                .check(MUSTER);
    }

    /** A finding is published as JSON: the one type of Vert.x that this package uses. */
    @Test
    void blameKnowsOnlyTheJsonOfVertx() {
        noClasses()
                .that()
                .resideInAPackage("io.muster.blame")
                .should()
                .dependOnClassesThat(OUTSIDE_WORLD.and(not(resideInAPackage("io.vertx.core.json"))))
                .check(MUSTER);
    }

    /** Epochs, seats and blame are decided from the segment's values; the shells around them know the store. */
    @ParameterizedTest
    @ValueSource(strings = {"epoch", "seat", "blame"})
    void decidingPackagesKnowNoStoreAndNoRouting(String name) {
        noClasses()
                .that()
                .resideInAPackage(of(name))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(of("store"), of("barrier"), of("routing"))
                .check(MUSTER);
    }

    // P-1
    @Test
    void theCoreKnowsNoClockAndNoChance() {
        coreClasses()
                .should()
                .callMethodWhere(CLOCK)
                .orShould()
                .dependOnClassesThat(assignableTo(java.time.Clock.class)
                        .or(assignableTo(java.util.random.RandomGenerator.class))
                        .or(assignableTo(java.util.UUID.class)))
                .check(MUSTER);
    }

    /** The group core runs in the simulation as it is: what it needs of time and chance, its ports give. */
    @Test
    void simulatedCodeTakesTimeAndChanceFromItsPorts() {
        ArchRule rule = noClasses()
                .that()
                .resideInAPackage("io.muster.barrier")
                .and()
                .haveNameMatching(
                        ".*\\.(BlameWatch|GroupCore|SerialQueue|SeatRunner|Directory|LinkUpdates|StoredValues|Tombstones|WorldSizes)(\\$.*)?")
                .should()
                .callMethodWhere(CLOCK)
                .orShould()
                .dependOnClassesThat(assignableTo(java.util.random.RandomGenerator.class))
                .orShould()
                .dependOnClassesThat(assignableTo(Thread.class))
                .orShould()
                .dependOnClassesThat(resideInAPackage("io.vertx..")
                        .and(not(type(io.vertx.core.Future.class)).and(not(type(io.vertx.core.AsyncResult.class)))));
        rule.check(MUSTER);
    }

    /** The simulation runs the whole package on its own clock. */
    @Test
    void routingReadsNoClockAndUsesOnlyFuturesAndBuffersOfVertx() {
        noClasses()
                .that()
                .resideInAPackage("io.muster.routing")
                .should()
                .callMethodWhere(CLOCK)
                .orShould()
                .dependOnClassesThat(assignableTo(java.time.Clock.class))
                .orShould()
                .dependOnClassesThat(assignableTo(java.util.random.RandomGenerator.class))
                .orShould()
                .dependOnClassesThat(assignableTo(Thread.class))
                .orShould()
                .dependOnClassesThat(resideInAPackage("io.vertx..")
                        .and(not(type(io.vertx.core.Future.class)))
                        .and(not(type(io.vertx.core.CompositeFuture.class)))
                        .and(not(type(io.vertx.core.Promise.class)))
                        .and(not(type(io.vertx.core.AsyncResult.class)))
                        .and(not(type(io.vertx.core.buffer.Buffer.class))))
                .check(MUSTER);
    }

    private static final DescribedPredicate<JavaCall<?>> CLOCK = DescribedPredicate.describe("reads a clock", call -> {
        String owner = call.getTargetOwner().getName();
        String name = call.getName();
        return owner.equals("java.lang.System") && (name.equals("nanoTime") || name.equals("currentTimeMillis"))
                || owner.startsWith("java.time.") && name.equals("now")
                || owner.equals("java.lang.Math") && name.equals("random")
                || owner.equals("java.util.UUID") && name.equals("randomUUID");
    });

    /** A port is an interface, and speaks of the future at most. */
    @Test
    void portsUseNoVertxTypeButFuture() {
        noClasses()
                .that(INTERFACES)
                .and()
                .haveSimpleNameEndingWith("Ports")
                .should()
                .dependOnClassesThat(resideInAPackage("io.vertx..").and(not(type(io.vertx.core.Future.class))))
                .check(MUSTER);
    }

    @Test
    void onlyTheCudaPackageSpeaksToTheDriver() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.muster.cuda.driver")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jcuda..")
                .check(MUSTER);
        classes()
                .that()
                .resideInAPackage("io.muster.cuda..")
                .should()
                .onlyDependOnClassesThat(resideInAnyPackage(
                        "io.muster.cuda..", "io.muster.group", "java..", "jcuda..", "org.slf4j..", "org.jspecify.."))
                .check(MUSTER);
    }

    @Test
    void onlyTheStoreAndTheCompositionRootKnowHazelcast() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.muster.store", "io.muster.cluster", "io.muster")
                .and()
                .doNotHaveFullyQualifiedName("io.muster.options.MusterHazelcast")
                .and()
                .haveNameNotMatching("io\\.muster\\.options\\.MusterHazelcast\\$.*")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.hazelcast..", "io.vertx.spi.cluster.hazelcast..")
                .check(MUSTER);
    }

    /** The API. Public types of all other packages are internal. */
    private static final Set<String> EXPORTED =
            Set.of("io.muster", "io.muster.options", "io.muster.group", "io.muster.testing");

    /** What an application may meet in a signature of the API, apart from exported types. */
    private static final DescribedPredicate<JavaClass> FOREIGN = resideInAnyPackage(
            "java..", "io.vertx.core..", "com.hazelcast.config", "com.hazelcast.core", "org.jspecify..");

    @Test
    void signaturesOfTheApiNameOnlyExportedTypes() {
        Set<String> internal = new TreeSet<>();
        int checked = 0;
        for (JavaClass type : MUSTER) {
            if (!EXPORTED.contains(type.getPackageName()) || !isVisible(type)) {
                continue;
            }
            checked++;
            named(type, type.getRawSuperclass().stream().toList(), internal);
            named(type, type.getInterfaces().stream().toList(), internal);
            named(type, type.getTypeParameters(), internal);
            for (JavaField field : type.getFields()) {
                if (isVisible(field)) {
                    named(field, List.of(field.getType()), internal);
                }
            }
            for (JavaCodeUnit unit : type.getCodeUnits()) {
                if (isVisible(unit)) {
                    named(unit, unit.getParameterTypes(), internal);
                    named(unit, List.of(unit.getReturnType()), internal);
                    named(unit, unit.getTypeParameters(), internal);
                    named(unit, unit.getExceptionTypes(), internal);
                }
            }
        }
        assertThat(internal).isEmpty();
        assertThat(checked).as("exported types").isGreaterThan(40);
    }

    /** All types inside, those of generic arguments and bounds as well. */
    private static void named(Object by, Collection<? extends JavaType> types, Set<String> internal) {
        types.stream()
                .flatMap(type -> type.getAllInvolvedRawTypes().stream())
                .map(JavaClass::getBaseComponentType)
                .filter(type -> !type.isPrimitive() && !FOREIGN.test(type) && !isExported(type))
                .forEach(type -> internal.add(by + " names " + type.getName()));
    }

    private static boolean isExported(JavaClass type) {
        return EXPORTED.contains(type.getPackageName()) && isVisible(type);
    }

    /** For code outside of its package; record components are seen through their accessors. */
    private static boolean isVisible(JavaClass type) {
        return isPublicOrProtected(type.getModifiers())
                && type.getEnclosingClass().map(ArchitectureTest::isVisible).orElse(true);
    }

    private static boolean isVisible(JavaMember member) {
        return isPublicOrProtected(member.getModifiers())
                && !member.getModifiers().contains(JavaModifier.SYNTHETIC);
    }

    private static boolean isPublicOrProtected(Set<JavaModifier> modifiers) {
        return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
    }

    /** FACTS: a class of ours on the partition's owner can't be counted on. */
    @Test
    void noHazelcastEntryProcessorIsUsed() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveNameMatching("com\\.hazelcast\\.map\\.EntryProcessor")
                .check(MUSTER);
    }

    @Test
    void everyPackageIsNullMarked() {
        for (String name :
                MUSTER.stream().map(JavaClass::getPackageName).collect(Collectors.toCollection(TreeSet::new))) {
            assertThat(MUSTER.getPackage(name).isAnnotatedWith(NullMarked.class))
                    .as(name + " is null-marked in its package-info")
                    .isTrue();
        }
    }

    /** A method that is new on what is wrapped, with a default, would otherwise stop there, and nothing would tell. */
    @ParameterizedTest
    @ValueSource(
            classes = {
                io.muster.transfer.WrappedChannel.class,
                io.muster.store.WrappedStore.class,
                io.muster.store.WrappedStore.WrappedListener.class
            })
    void wrappersForwardEveryMethod(Class<?> wrapper) {
        var wrapped = wrapper.getInterfaces()[0];
        for (var method : wrapped.getMethods()) {
            assertThat(wrapper.getDeclaredMethods())
                    .as(wrapper.getSimpleName() + " hands on " + method.getName())
                    .anyMatch(own -> own.isDefault()
                            && own.getName().equals(method.getName())
                            && List.of(own.getParameterTypes()).equals(List.of(method.getParameterTypes())));
        }
    }

    @Test
    void noStateIsStaticAndMutable() {
        MUSTER.stream()
                .flatMap(type -> type.getFields().stream())
                .filter(field -> field.getModifiers().contains(JavaModifier.STATIC)
                        && !field.getModifiers().contains(JavaModifier.FINAL))
                .forEach(field -> assertThat(field.getFullName())
                        .as("a static field that changes")
                        .isNull());
    }
}
