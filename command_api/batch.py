"""A batch of scores: its items from the request, its outcomes for the answer. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from command_api.answering import batch_outcome
from command_api.domain import Refused, SubmitScore
from command_api.http import KEY, problem_of
from command_api.schemas import BatchItem, BatchOutcome
from command_api.submitting import Accepted
from shared.identity import event_id_of
from shared.positions import Position
from shared.problems import Problem, from_validation, invalid


class Item(NamedTuple):
    """One score of a batch with its key; a problem in the place of a command that is not valid."""

    key: str
    command: SubmitScore | Problem


def read_items(scores: Sequence[Any], key: str) -> list[Item]:
    """The items of a request that has this key, each checked by itself."""
    return [_read(each, f"{key}/{index}") for index, each in enumerate(scores)]


def _read(score: Any, default_key: str) -> Item:
    try:
        item = BatchItem.model_validate(score)
    except ValidationError as error:
        return Item(default_key, from_validation(error.errors(include_url=False)))
    key = item.idempotency_key or default_key
    try:
        KEY.validate_python(key)
    except ValidationError:
        expected = "a key of the request that leaves room for /<index> within 255 characters"
        return Item(key, invalid("Idempotency-Key", key, expected))
    return Item(key, SubmitScore(item.user_id, item.game_mode, item.score, item.metadata))


def outcomes_of(
    items: Sequence[Item], taken: Sequence[Accepted | Exception], position_of: Callable[[int, int], Position]
) -> list[BatchOutcome]:
    """One outcome for each item. `taken`: what became of the valid ones, in their order."""
    rest = iter(taken)
    return [
        _invalid(item.key, item.command)
        if isinstance(item.command, Problem)
        else _outcome(item.key, item.command, next(rest), position_of)
        for item in items
    ]


def _invalid(key: str, problem: Problem) -> BatchOutcome:
    return BatchOutcome(status="invalid", idempotency_key=key, problem=problem.body())


def _outcome(
    key: str, command: SubmitScore, taken: Accepted | Exception, position_of: Callable[[int, int], Position]
) -> BatchOutcome:
    if isinstance(taken, Exception):
        problem = problem_of(taken, key)
        assert problem is not None, taken
        if isinstance(taken, Refused):
            return _invalid(key, problem)
        event_id = event_id_of(command.player_id, key)
        return BatchOutcome(status="unknown", event_id=event_id, idempotency_key=key, problem=problem.body())
    position = position_of(taken.partition, taken.offset)
    if taken.outcome is not None:
        return batch_outcome(taken.outcome, key, position)
    return BatchOutcome(status="accepted", event_id=taken.event_id, idempotency_key=key, position=str(position))
