// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;

/** The runtime that {@code launcher/pack} makes has every module of the JDK that Muster's classes use. */
class PackedRuntimeTest {
    private static final Path HOME =
            Path.of(System.getProperty("muster.home", ".")).toAbsolutePath().normalize();
    private static final Pattern MODULES = Pattern.compile("--add-modules (\\S+)");

    @Test
    void hasEveryModuleThatTheClassesUse() throws Exception {
        Matcher pack = MODULES.matcher(Files.readString(HOME.resolve("launcher/pack")));
        assertThat(pack.find()).isTrue();
        Set<String> packed = new TreeSet<>();
        List.of(pack.group(1).split(",")).forEach(module -> addWithNeeded(module, packed));

        ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
        var out = new StringWriter();
        int code = jdeps.run(
                new PrintWriter(out),
                new PrintWriter(out),
                "--ignore-missing-deps",
                "--multi-release",
                "25",
                "--print-module-deps",
                "-cp",
                System.getProperty("java.class.path"),
                HOME.resolve("target/classes").toString());

        assertThat(code).as(out.toString()).isZero();
        assertThat(packed).contains(out.toString().strip().split(","));
    }

    private static void addWithNeeded(String module, Set<String> packed) {
        if (packed.add(module)) {
            ModuleFinder.ofSystem().find(module).orElseThrow().descriptor().requires().stream()
                    .map(Requires::name)
                    .forEach(needed -> addWithNeeded(needed, packed));
        }
    }
}
