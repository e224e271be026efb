// SPDX-License-Identifier: Apache-2.0

package io.muster.launch;

import io.muster.group.MusterException;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Ranks as people write them: {@code 3}, {@code 0-7}, {@code 0-3,8,10-11}. */
public final class RankList {
    private static final Pattern PART = Pattern.compile("(\\d{1,6})(?:-(\\d{1,6}))?");

    private RankList() {}

    /** The ranks of each process: blocks of neighbouring ranks, as equal in size as possible. */
    public static List<List<Integer>> blocks(int ranks, int processes) {
        return IntStream.range(0, processes)
                .mapToObj(process -> IntStream.range((int) ((long) ranks * process / processes), (int)
                                ((long) ranks * (process + 1) / processes))
                        .boxed()
                        .toList())
                .toList();
    }

    public static List<Integer> parse(String text) {
        TreeSet<Integer> ranks = new TreeSet<>();
        for (String part : text.split(",", -1)) {
            Matcher form = PART.matcher(part.strip());
            if (!form.matches()) {
                throw MusterException.config(
                        "'" + text + "' is not a list of ranks; use a form such as 3, 0-7 or 0-3,8");
            }
            int first = Integer.parseInt(form.group(1));
            int last = form.group(2) == null ? first : Integer.parseInt(form.group(2));
            if (last < first) {
                throw MusterException.config(
                        "'" + part + "' in '" + text + "' goes backwards: write the smaller rank first");
            }
            for (int rank = first; rank <= last; rank++) {
                ranks.add(rank);
            }
        }
        return List.copyOf(ranks);
    }
}
