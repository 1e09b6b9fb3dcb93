"""Answers: an outcome is a problem that says what to do, or a place on the board."""

from typing import Any

import orjson
import pytest

from command_api.answering import REASONS, refusal, submitted
from shared.feed import OutcomeLine
from shared.fold.state import Kind
from shared.positions import Position

HERE = Position("0123456789abcdef", {0: 5})


def line(kind: Kind, reason: str | None = None, first: Kind | None = None) -> OutcomeLine:
    return OutcomeLine("attempt", kind, reason, "ann", "event", 0, 4, first)


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
