"""The pure parts of the command side."""

import asyncio

import pytest

from command_api.answering import refusal, submitted
from command_api.domain import Refused, SubmitScore, decide
from command_api.outcomes import Outcomes
from shared.feed import OutcomeLine, RankChanges
from shared.identity import accept_integer, event_id_of
from shared.positions import Position
from tests.builders import CATALOGUE

HERE = Position("0123456789abcdef", {0: 5})


def line(kind: str, reason: str | None = None, first: str | None = None) -> OutcomeLine:
    return OutcomeLine("attempt", kind, reason, "ann", "id", 0, 4, first)  # type: ignore[arg-type]


def test_a_good_command_becomes_a_fact() -> None:
    fact = decide(SubmitScore("ann", "classic", 5, {"a": 1}), CATALOGUE, registered_only=True)
    assert fact.model_dump() == {
        "player_id": "ann",
        "game_mode": "classic",
        "score": 5,
        "metadata": {"a": 1},
        "registered_only": True,
    }


@pytest.mark.parametrize(("mode", "score", "field"), [("nope", 1, "game_mode"), ("classic", 0, "score")])
def test_a_bad_command_is_refused_by_field(mode: str, score: int, field: str) -> None:
    with pytest.raises(Refused) as refused:
        decide(SubmitScore("ann", mode, score), CATALOGUE, registered_only=False)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (line("applied"), None),
        (line("duplicate", first="applied"), None),
        (line("conflict", "other_content", "applied"), 409),
        (line("refused", "unknown_player"), 404),
        (line("duplicate", "unknown_player", "refused"), 404),
        (line("refused", "sum_out_of_range"), 422),
        (line("refused", "a reason of a newer build"), 422),
    ],
)
def test_an_outcome_is_an_answer_or_a_problem(outcome: OutcomeLine, status: int | None) -> None:
    problem = refusal(outcome, HERE)
    assert (problem.status if problem else None) == status


def test_a_climb_is_positive_and_a_replay_is_no_change() -> None:
    assert submitted(line("applied"), HERE, old_rank=9, new_rank=4, total=1).rank_change == 5
    assert submitted(line("applied"), HERE, old_rank=None, new_rank=4, total=1).rank_change == 0
    replayed = submitted(line("duplicate"), HERE, old_rank=9, new_rank=4, total=1)
    assert (replayed.rank_change, replayed.replayed) == (0, True)


async def test_outcomes_reach_whoever_waits_and_tell_when_the_projector_lags() -> None:
    outcomes = Outcomes()
    waiting = outcomes.expect("attempt")
    late = outcomes.expect("late")
    outcomes.receive(RankChanges(incarnation="0" * 16, outcomes=[line("applied")]))
    assert (await asyncio.wait_for(waiting, 1)).line.kind == "applied"
    outcomes.forget("late", late=True)
    assert outcomes.late
    assert not late.done()
    outcomes.receive(RankChanges(incarnation="0" * 16, outcomes=[line("applied")._replace(attempt="late")]))
    assert not outcomes.late


def test_event_ids_are_for_ever() -> None:
    assert event_id_of("ann", "run-1") == "e6c7fa0b-9f9b-5bd9-8a35-5bca66c2ad5c"
    assert event_id_of("ann", "1x") != event_id_of("ann1", "x")


def test_an_integer_means_its_decimal_string_and_a_boolean_does_not() -> None:
    assert (accept_integer(12), accept_integer(True), accept_integer("a")) == ("12", True, "a")
