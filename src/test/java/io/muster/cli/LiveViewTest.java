// SPDX-License-Identifier: Apache-2.0

package io.muster.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.muster.launch.DemoPicture;
import io.muster.launch.DemoPicture.Place;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class LiveViewTest { // O-4
    private static final long SECOND = 1_000_000_000L;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
    private final PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);

    /** A terminal that knows the sequences of {@link LiveView}, and no others. */
    private static final class Screen {
        private static final Pattern PIECE =
                Pattern.compile("\033\\[\\?7([lh])|\033\\[(\\d+)A|\033\\[K|\033\\[J|\r|\n|[^\033\r\n]");

        private final int width;
        private final List<StringBuilder> rows = new ArrayList<>(List.of(new StringBuilder()));
        private int row;
        private int column;
        private boolean wraps = true;

        Screen(int width, String text) {
            this.width = width;
            Matcher pieces = PIECE.matcher(text);
            int end = 0;
            while (pieces.find()) {
                assertThat(pieces.start()).as("an unknown sequence").isEqualTo(end);
                end = pieces.end();
                take(pieces);
            }
            assertThat(end).isEqualTo(text.length());
        }

        private void take(Matcher piece) {
            String text = piece.group();
            if (piece.group(1) != null) {
                wraps = piece.group(1).equals("h");
            } else if (piece.group(2) != null) {
                row = Math.max(0, row - Integer.parseInt(piece.group(2)));
            } else if (text.equals("\033[K")) {
                rows.get(row).setLength(Math.min(column, rows.get(row).length()));
            } else if (text.equals("\033[J")) {
                rows.get(row).setLength(Math.min(column, rows.get(row).length()));
                rows.subList(row + 1, rows.size()).clear();
            } else if (text.equals("\r")) {
                column = 0;
            } else if (text.equals("\n")) {
                down();
            } else {
                put(text);
            }
        }

        private void down() {
            column = 0;
            if (++row == rows.size()) {
                rows.add(new StringBuilder());
            }
        }

        private void put(String text) {
            if (column == width) {
                if (wraps) {
                    down();
                } else {
                    column--;
                }
            }
            StringBuilder line = rows.get(row);
            line.replace(column, Math.min(column + 1, line.length()), text);
            column++;
        }

        List<String> lines() {
            return rows.stream().map(StringBuilder::toString).toList();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 80, 200})
    void aTableIsRedrawnInPlaceAndNotTorn(int width) {
        var view = new LiveView(out, LiveView.Kind.TERMINAL, 24);
        String wide = "x".repeat(100);
        for (int time = 1; time <= 5; time++) {
            int now = time;
            view.show("", () -> List.of("head", wide + now, "tail " + now), time * SECOND);
        }

        assertThat(screen(width).lines()).hasSize(4).startsWith("head").endsWith("tail 5", "");
        assertThat(screen(width).lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(width));
    }

    @Test
    void otherOutputStandsAboveTheTable() {
        var view = new LiveView(out, LiveView.Kind.TERMINAL, 24);
        view.show("", () -> List.of("one", "two", "three"), SECOND);
        view.pause();
        out.println("a loss");
        view.show("", () -> List.of("one", "two"), 2 * SECOND);
        view.end("", () -> List.of("one", "last"));
        out.println("the end");

        assertThat(screen(80).lines()).containsExactly("a loss", "one", "last", "the end", "");
    }

    @Test
    void withoutATerminalEachChangeIsOneLine() {
        var view = new LiveView(out, LiveView.Kind.LINES, 24);
        view.show("a", List::of, SECOND);
        view.show("a", List::of, 2 * SECOND);
        view.pause();
        view.show("b", List::of, 3 * SECOND);
        view.show("too soon", List::of, 3 * SECOND + 1);
        view.end("c", List::of);

        assertThat(printed.toString(StandardCharsets.UTF_8).lines()).containsExactly("a", "b", "c");
    }

    @Test
    void aTableWithoutAChangeIsNotLookedAtWithoutAPause() {
        var view = new LiveView(out, LiveView.Kind.TERMINAL, 24);
        for (int time = 1; time <= 10; time++) {
            view.show("", () -> List.of("same"), time * SECOND);

            assertThat(view.dueInNanos(time * SECOND)).isEqualTo(SECOND);
        }
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "none",
            value = {"true,xterm,TERMINAL", "true,dumb,LINES", "true,none,LINES", "true,'',LINES", "false,xterm,LINES"})
    void onlyATerminalThatCanMoveItsCursorGetsATable(boolean isTerminal, String term, LiveView.Kind kind) {
        assertThat(LiveView.Kind.of(isTerminal, term)).isEqualTo(kind);
    }

    @Test
    void theTableHasRanksProcessHostStatesAndTime() {
        var picture = new DemoPicture(3);
        picture.note(new JsonObject().put("event", "published").put("rank", 0));
        for (int peer : List.of(1, 2)) {
            picture.note(new JsonObject()
                    .put("event", "peer-state")
                    .put("rank", 0)
                    .put("peer", peer)
                    .put("to", peer == 1 ? "CONNECTED" : "WARMING"));
        }
        List<Place> places = List.of(
                new Place(List.of(0), 71, "127.0.0.1:7600"),
                new Place(List.of(1), 72, "127.0.0.1:7601"),
                new Place(List.of(2), 0, "127.0.0.1:7602"));

        List<String> table = picture.table(places, 0, System.nanoTime() + 3 * SECOND, 24);

        assertThat(table)
                .containsExactly(
                        "ranks     process  host              since  links",
                        "0         71       127.0.0.1:7600      3 s  1/2 CONNECTED, 1 WARMING",
                        "1         72       127.0.0.1:7601        -  starting",
                        "2         -        127.0.0.1:7602        -  ended",
                        picture.summary(0));
    }

    @Test
    void aTableIsNotHigherThanTheTerminal() {
        var picture = new DemoPicture(64);
        List<Place> places = IntStream.range(0, 64)
                .mapToObj(rank -> new Place(List.of(rank), rank + 1L, "127.0.0.1:7600"))
                .toList();

        assertThat(picture.table(places, 0, 0, 22)).hasSize(22).contains("… and 45 more processes");
        assertThat(picture.table(places.subList(0, 20), 0, 0, 22)).hasSize(22).noneMatch(line -> line.startsWith("…"));
    }

    private Screen screen(int width) {
        return new Screen(width, printed.toString(StandardCharsets.UTF_8).replace("\r\n", "\n"));
    }
}
