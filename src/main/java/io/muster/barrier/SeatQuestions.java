// SPDX-License-Identifier: Apache-2.0

package io.muster.barrier;

import io.muster.group.Member;
import io.muster.seat.SeatEvent.IncumbentAnswered.Answer;
import io.muster.segment.RankEntry;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The unanswered questions of newcomers about seats of this process. Each waits until the entry that it names has been
 * written again, the seat has ended, or its time is over. Lives on the group's context.
 */
final class SeatQuestions {
    /** Upper limit of waiting questions; each further one is answered at once. */
    private static final int MAX_WAITING = 64;

    private record Question(RankEntry about, Promise<Answer> promise) {}

    private final List<Question> waiting = new ArrayList<>();

    boolean isFull() {
        return waiting.size() >= MAX_WAITING;
    }

    Future<Answer> add(RankEntry about) {
        var question = new Question(about, Promise.promise());
        waiting.add(question);
        return question.promise().future();
    }

    /** Answers HOLDS to the questions that this entry, now in the store, supersedes. */
    void published(RankEntry entry) {
        answer(
                question -> question.about().member().equals(entry.member())
                        && entry.revision() > question.about().revision(),
                Answer.HOLDS);
    }

    /** Answers GONE to all questions about a life that has ended. */
    void ended(Member member) {
        answer(question -> question.about().member().equals(member), Answer.GONE);
    }

    /** Answers a question whose time is over. */
    @SuppressWarnings("ReferenceEquality") // futures have no other equality
    void late(Future<Answer> asked, boolean holds) {
        answer(question -> question.promise().future() == asked, holds ? Answer.HOLDS : Answer.GONE);
    }

    /** The greatest revision in the questions about this life, -1 if there is none. */
    long revision(Member member) {
        return waiting.stream()
                .filter(question -> question.about().member().equals(member))
                .mapToLong(question -> question.about().revision())
                .max()
                .orElse(-1);
    }

    private void answer(Predicate<Question> which, Answer answer) {
        List<Question> answered = waiting.stream().filter(which).toList();
        waiting.removeAll(answered);
        answered.forEach(question -> question.promise().tryComplete(answer));
    }
}
