"""Answers: an outcome is a problem that says what to do, or a place on the board."""

from typing import Any

import orjson
import pytest

from command_api.answering import (
    REASONS,
    VERDICTS,
    batch_outcome,
    board_refusal,
    counted,
    refusal,
    results,
    submitted,
)
from command_api.outcomes import Outcome, rows_of
from command_api.schemas import BoardResult
from shared.catalogue import Verdict
from shared.fold.state import Credit, Kind
from shared.positions import Position
from shared.rank_changes import BoardLines, OutcomeLine, RankChanges, RankLine

HERE = Position("0123456789abcdef", {0: 5})


def line(kind: Kind, reason: str | None = None, first: Kind | None = None) -> OutcomeLine:
    return OutcomeLine("attempt", kind, reason, "ann", "event", 0, 4, first)


USED_UP = Credit("daily", "2026-11-24", 90, False, "attempts_used_up")
WEEKLY = Credit("weekly", "2026-W48", 50, True, None)
MONTHLY = Credit("monthly", "2026-11", 70, False, None)


def outcome_of(*credits: Credit, kind: Kind = "applied", rows: dict[str, RankLine] | None = None) -> Outcome:
    boards = [
        BoardLines(board_id=credit.board_id, season=credit.season, total=9, rows=[rows[credit.board_id]])
        for credit in credits
        if rows is not None and credit.board_id in rows
    ]
    return Outcome(
        line(kind, first=None if kind == "applied" else "applied")._replace(credits=credits),
        rows_of(RankChanges(incarnation="0123456789abcdef", boards=boards)),
    )


def body_of(outcome: OutcomeLine) -> dict[str, Any]:
    problem = refusal(outcome, HERE)
    assert problem is not None
    body: dict[str, Any] = orjson.loads(bytes(problem.response().body))
    return body


@pytest.mark.parametrize("reason", REASONS)
def test_a_refusal_names_its_reason_field_event_and_position(reason: str) -> None:
    body = body_of(line("refused", reason))
    status, field, expected = REASONS[reason]
    assert (body["status"], body["detail"]) == (status, expected)
    assert body["type"] == f"urn:leaderboard:problem:{reason.replace('_', '-')}"
    assert [error["field"] for error in body["errors"]] == [field]
    assert (body["event_id"], body["position"], body["replayed"]) == ("event", "1.0123456789abcdef.0-5", False)


def test_the_retry_of_a_refusal_gets_the_same_answer_marked_as_replayed() -> None:
    first, again = body_of(line("refused", "out_of_bounds")), body_of(line("duplicate", "out_of_bounds", "refused"))
    assert again == {**first, "replayed": True}


@pytest.mark.parametrize("first", ["applied", "refused"])
def test_a_conflict_points_at_the_key_whatever_became_of_the_first(first: Kind) -> None:
    body = body_of(line("conflict", "other_content", first))
    assert (body["status"], body["type"]) == (409, "urn:leaderboard:problem:idempotency-conflict")
    assert [error["field"] for error in body["errors"]] == ["Idempotency-Key"]


def test_a_refusal_without_a_reason_is_still_a_problem() -> None:
    assert body_of(line("refused"))["type"] == "urn:leaderboard:problem:refused"


def test_the_retry_of_a_submission_that_was_revoked_does_not_count() -> None:
    body = body_of(line("duplicate", "revoked", "applied"))
    assert (body["status"], body["detail"], body["replayed"]) == (409, "this submission was revoked", True)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("banned", 403),
        ("erased", 410),
        ("attempts_used_up", 409),
        ("not_started", 409),
        ("season_ended", 409),
        ("not_eligible", 422),
        ("revoked", 409),
    ],
)
def test_each_refusal_of_the_fold_has_its_status(reason: str, status: int) -> None:
    assert body_of(line("refused", reason))["status"] == status


@pytest.mark.parametrize("outcome", [line("applied"), line("duplicate", None, "applied")])
def test_what_counts_is_no_problem(outcome: OutcomeLine) -> None:
    assert refusal(outcome, HERE) is None


@pytest.mark.parametrize(
    ("kind", "old", "new", "change", "message"),
    [
        ("applied", None, 7, 0, "Welcome: you enter at rank 7"),
        ("applied", 9, 7, 2, "You climb 2 to rank 7"),
        ("applied", 7, 9, -2, "You drop 2 to rank 9"),
        ("applied", 7, 7, 0, "You stay at rank 7"),
        ("duplicate", 9, 7, 0, "Counted before; you are at rank 7"),
        ("duplicate", None, 7, 0, "Counted before; you are at rank 7"),
    ],
)
def test_the_answer_says_how_far_the_player_moved(
    kind: Kind, old: int | None, new: int, change: int, message: str
) -> None:
    answer = submitted(line(kind, first="applied"), HERE, old_rank=old, new_rank=new, total=12)
    assert (answer.rank_change, answer.message) == (change, message)
    assert (answer.new_rank, answer.new_total, answer.event_id) == (new, 12, "event")
    assert (answer.position, answer.replayed) == (str(HERE), kind == "duplicate")


def test_the_first_board_that_took_a_score_answers_for_it() -> None:
    assert counted(outcome_of(USED_UP, WEEKLY, MONTHLY).line) == WEEKLY
    assert counted(outcome_of(USED_UP).line) is None


def test_every_board_is_answered_with_its_row_as_far_as_the_feed_has_it() -> None:
    known = outcome_of(USED_UP, WEEKLY, MONTHLY, rows={"weekly": RankLine("ann", 4, 2, 55, 5)})
    assert results(known) == [
        BoardResult(
            board_id="daily",
            season="2026-11-24",
            counted=False,
            reason="attempts_used_up",
            value=90,
            personal_best=False,
            old_rank=None,
            new_rank=None,
            gap=None,
        ),
        BoardResult(
            board_id="weekly",
            season="2026-W48",
            counted=True,
            reason=None,
            value=55,
            personal_best=True,
            old_rank=4,
            new_rank=2,
            gap=5,
        ),
        BoardResult(
            board_id="monthly",
            season="2026-11",
            counted=True,
            reason=None,
            value=70,
            personal_best=False,
            old_rank=None,
            new_rank=None,
            gap=None,
        ),
    ]


@pytest.mark.parametrize("kind", ["applied", "duplicate"])
def test_a_score_of_a_batch_that_counts_has_its_boards_and_no_problem(kind: Kind) -> None:
    outcome = batch_outcome(outcome_of(WEEKLY, kind=kind), "key", HERE)
    assert (outcome.status, outcome.problem, outcome.position) == (kind, None, str(HERE))
    assert [board.board_id for board in outcome.boards] == ["weekly"]


@pytest.mark.parametrize(
    ("made", "status", "problem"),
    [
        (line("refused", "banned"), "refused", "banned"),
        (line("duplicate", "banned", "refused"), "refused", "banned"),
        (line("conflict", "other_content", "applied"), "conflict", "idempotency-conflict"),
    ],
)
def test_a_score_of_a_batch_that_does_not_count_says_why(made: OutcomeLine, status: str, problem: str) -> None:
    outcome = batch_outcome(Outcome(made, {}), "key", HERE)
    assert outcome.status == status
    assert outcome.problem is not None
    assert outcome.problem["type"] == f"urn:leaderboard:problem:{problem}"


@pytest.mark.parametrize("reason", [*VERDICTS, "new_in_a_later_build"])
def test_a_refused_change_of_a_board_names_the_field_and_what_is_expected(reason: str) -> None:
    problem = board_refusal(Verdict(reason, "order", "desc"), "asc", "event", replayed=True)
    assert problem.status == VERDICTS.get(reason, (422, ""))[0]
    body = problem.body()
    assert body["errors"] == [{"field": "order", "got": "'asc'", "expected": "desc"}]
    assert (body["event_id"], body["replayed"]) == ("event", True)
