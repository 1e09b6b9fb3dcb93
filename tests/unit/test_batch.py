"""Batches: every score is checked, sent and answered by itself."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from command_api.batch import outcomes_of, read_items
from command_api.batching import SLICE, submit_all
from command_api.domain import Refused, SubmitScore
from command_api.outcomes import Outcome, Outcomes
from command_api.profiles import ProfilesUnavailable
from command_api.submitting import Accepted, Submitting
from shared.catalogue_log import LiveCatalogue
from shared.events import ScoreSubmitted, decode
from shared.identity import event_id_of
from shared.log import Appender, Delivery, LogBusy, LogUnavailable
from shared.positions import Position
from shared.postgres import Pool
from shared.problems import Problem
from shared.rank_changes import OutcomeLine, RankChanges
from shared.settings import CommandSettings
from shared.topics import TopicName
from tests.builders import CATALOGUE

LOG = "0123456789abcdef"


def position_of(partition: int, offset: int) -> Position:
    return Position(LOG, {partition: offset + 1})


def test_keys_are_made_of_the_key_of_the_request_and_the_index() -> None:
    items = read_items(
        [{"user_id": "ann", "score": 1}, {"user_id": 7, "score": 2, "idempotency_key": "own"}, {"score": 3}], "key"
    )
    assert [item.key for item in items] == ["key/0", "own", "key/2"]
    assert [item.command for item in items[:2]] == [
        SubmitScore("ann", "classic", 1),
        SubmitScore("7", "classic", 2),
    ]


@pytest.mark.parametrize(
    ("score", "field"),
    [
        ({"score": 3}, "user_id"),
        ({"user_id": "ann", "score": "3"}, "score"),
        ({"user_id": "ann", "score": 3, "more": 1}, "more"),
        ({"user_id": "ann", "score": 3, "idempotency_key": "a b"}, "idempotency_key"),
        ({"user_id": "ann", "score": 3, "metadata": {"a": "\x00"}}, "metadata"),
        ("nothing", ""),
        (None, ""),
    ],
)
def test_a_bad_score_is_a_problem_that_names_its_field(score: Any, field: str) -> None:
    [item] = read_items([score], "key")
    assert isinstance(item.command, Problem)
    assert [error["field"] for error in item.command.body()["errors"]] == [field]


def test_a_key_that_leaves_no_room_for_the_index_is_a_problem_of_the_scores_without_a_key() -> None:
    own, made = read_items(
        [{"user_id": "ann", "score": 1, "idempotency_key": "own"}, {"user_id": "ann", "score": 1}], "k" * 255
    )
    assert isinstance(own.command, SubmitScore)
    assert isinstance(made.command, Problem)


def test_each_score_has_its_own_outcome_in_the_order_of_the_request() -> None:
    items = read_items([{"user_id": "ann", "score": n} if n else None for n in (1, 0, 2, 3, 4, 5, 6)], "key")
    line = OutcomeLine("attempt", "applied", None, "ann", "event", 0, 4, None)
    taken: list[Accepted | Exception] = [
        Accepted("event", 0, 4, Outcome(line, {})),
        Accepted("late", 0, 5, None),
        Refused("score", 3, "more"),
        LogUnavailable("down"),
        LogBusy("full"),
        ProfilesUnavailable("down"),
    ]
    outcomes = outcomes_of(items, taken, position_of)
    statuses = ["applied", "invalid", "accepted", "invalid", "unknown", "unknown", "unknown"]
    assert [each.status for each in outcomes] == statuses
    assert [each.idempotency_key for each in outcomes] == [f"key/{n}" for n in range(7)]
    assert outcomes[0].position == str(position_of(0, 4))
    assert (outcomes[2].event_id, outcomes[2].position) == ("late", str(position_of(0, 5)))
    problems = [(each.problem or {}).get("type", "").rpartition(":")[2] for each in outcomes]
    expected = ["", "invalid-request", "", "invalid-request", "outcome-unknown", "busy", "unavailable"]
    assert problems == expected
    assert outcomes[4].event_id == event_id_of("ann", "key/4")


class Log:
    """An appender that says what is in flight, and a projector that gives an outcome at once, or never."""

    def __init__(self, outcomes: Outcomes, answers: Callable[[int], bool], works: Callable[[int], bool]) -> None:
        self.outcomes = outcomes
        self.answers = answers
        self.works = works
        self.facts: list[ScoreSubmitted] = []
        self.in_flight = self.most = 0

    async def begin(self, topic: TopicName, key: bytes | None, value: bytes | None, *, timeout: float) -> Delivery:
        event = decode(value)
        assert isinstance(event.data, ScoreSubmitted)
        assert event.attempt is not None
        self.facts.append(event.data)
        offset = len(self.facts) - 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        loop = asyncio.get_running_loop()
        delivery: Delivery = loop.create_future()
        line = OutcomeLine(event.attempt, "applied", None, event.data.player_id, event.id, 0, offset, None)
        loop.call_soon(self.deliver, delivery, event.data.score, line)
        return delivery

    def deliver(self, delivery: Delivery, score: int, line: OutcomeLine) -> None:
        self.in_flight -= 1
        if not self.works(score):
            delivery.set_exception(KafkaError("no broker"))
            return
        if self.answers(score):
            self.outcomes.receive(RankChanges(incarnation=LOG, outcomes=[line]))
        delivery.set_result(RecordMetadata("events", 0, TopicPartition("events", 0), line.offset, 0, 0, 0))


def made(answers: Callable[[int], bool], works: Callable[[int], bool]) -> tuple[Submitting, Log]:
    outcomes = Outcomes()
    log = Log(outcomes, answers, works)
    settings = CommandSettings(wait_ms=50)
    live = LiveCatalogue(CATALOGUE)
    return Submitting(cast(Appender, log), outcomes, live, cast(Pool, None), LOG, settings), log


def scores(count: int) -> list[tuple[SubmitScore, str]]:
    return [(SubmitScore("ann", "classic", n), f"key/{n}") for n in range(1, count + 1)]


async def test_a_batch_is_appended_in_order_and_in_slices_and_all_outcomes_come_back() -> None:
    submitting, log = made(lambda _: True, lambda _: True)
    taken = await submit_all(submitting, scores(600), wait=True, traceparent=None)
    assert [fact.score for fact in log.facts] == list(range(1, 601))
    assert log.most == SLICE
    assert all(isinstance(each, Accepted) and each.outcome is not None for each in taken)
    assert [each.offset for each in taken if isinstance(each, Accepted)] == list(range(600))


async def test_a_score_whose_mode_nobody_knows_leaves_the_others_alone() -> None:
    submitting, log = made(lambda _: True, lambda _: True)
    commands = [*scores(1), (SubmitScore("ann", "nope", 1), "bad"), *scores(2)[1:]]
    first, second, third = await submit_all(submitting, commands, wait=True, traceparent=None)
    assert isinstance(second, Refused)
    assert [each.offset for each in (first, third) if isinstance(each, Accepted)] == [0, 1]
    assert len(log.facts) == 2


async def test_a_score_whose_outcome_does_not_come_is_accepted_and_tells_of_the_lag() -> None:
    submitting, _ = made(lambda score: score != 2, lambda _: True)
    taken = await submit_all(submitting, scores(3), wait=True, traceparent=None)
    assert [isinstance(each, Accepted) and each.outcome is not None for each in taken] == [True, False, True]
    assert submitting.outcomes.late
    assert not submitting.outcomes._waiting


async def test_an_append_that_fails_is_unknown_and_the_slices_behind_it_are_not_tried() -> None:
    submitting, log = made(lambda _: True, lambda score: score != 2)
    taken = await submit_all(submitting, scores(SLICE + 5), wait=True, traceparent=None)
    assert isinstance(taken[1], LogUnavailable)
    assert isinstance(taken[2], Accepted)
    assert all(isinstance(each, LogUnavailable) for each in taken[SLICE:])
    assert len(log.facts) == SLICE
    assert not submitting.outcomes.late
    assert not submitting.outcomes._waiting


async def test_nobody_waits_where_the_client_does_not_want_to() -> None:
    submitting, _ = made(lambda _: True, lambda _: True)
    [taken] = await submit_all(submitting, scores(1), wait=False, traceparent=None)
    assert isinstance(taken, Accepted)
    assert taken.outcome is None
