// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** The answer to {@link Fabric#export}. */
public sealed interface FabricExport {

    /** The memory is there; whoever asked for it owns and closes the handle. */
    record Exported(ExportedHandle handle) implements FabricExport {}

    record NotExported(String reason) implements FabricExport {}
}
