// SPDX-License-Identifier: Apache-2.0

package io.muster.options;

/**
 * The flight recorder: the last events of this process, kept for the analysis of a failure.
 *
 * @param entries how many of each kind (links, channels, store, barrier) are kept, 0: nothing is recorded
 * @param folder where records are dumped, empty: {@code muster-flight-USER} in the temporary folder
 * @param keepFiles how many dumps stay in the folder, the oldest go; 0: none is written
 */
public record FlightOptions(int entries, String folder, int keepFiles) {
    static final FlightOptions DEFAULTS = new FlightOptions(2048, "", 32);

    public FlightOptions {
        Mistakes mistakes = new Mistakes("flight");
        mistakes.range("entries", entries, 0, 8192, "entries (0: off)");
        mistakes.pattern("folder", folder, "[^\\x00\n\r]{0,1024}", "a path, or empty");
        mistakes.range("keepFiles", keepFiles, 0, 10_000, "files (0: none is written)");
        mistakes.throwIfAny();
    }

    public FlightOptions withEntries(int entries) {
        return new FlightOptions(entries, folder, keepFiles);
    }

    public FlightOptions withFolder(String folder) {
        return new FlightOptions(entries, folder, keepFiles);
    }

    public FlightOptions withKeepFiles(int keepFiles) {
        return new FlightOptions(entries, folder, keepFiles);
    }
}
