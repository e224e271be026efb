// SPDX-License-Identifier: Apache-2.0

package io.muster.fabric;

/** The result of {@link Fabric#export}. */
public sealed interface FabricExport {

    /** The memory is exported; the caller owns the handle and closes it. */
    record Exported(ExportedHandle handle) implements FabricExport {}

    record NotExported(String reason) implements FabricExport {}
}
