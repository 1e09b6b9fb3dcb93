"""What is told of a loop, however busy it is, and of answers."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client.core import Metric
from starlette.types import Message, Receive, Scope, Send

import leaderboard.metrics
from leaderboard.measured import FAILED, NOT_ANSWERED, OTHER, Measured
from leaderboard.metrics import LoopCollector
from tests.compose import FOLDER
from tests.stack import ROOT

RUNBOOK = "docs/runbooks.md: "


async def nothing() -> list[Metric]:
    return []


async def told(collect: Callable[[], Awaitable[list[Metric]]], busy: float = 0.0) -> float:
    """The delay that a collector tells, asked while the loop is busy for some seconds."""
    loop = asyncio.get_running_loop()
    asking = asyncio.create_task(asyncio.to_thread(lambda: list(LoopCollector(collect, loop).collect())))
    await asyncio.sleep(0)
    time.sleep(busy)  # noqa: ASYNC251 - the loop is blocked on purpose
    [metric] = await asking
    return metric.samples[0].value


async def test_the_delay_is_how_long_the_loop_was_busy() -> None:
    assert min([await told(nothing) for _ in range(5)]) < 0.2
    assert await told(nothing, busy=1.0) > 0.5


async def test_of_a_loop_that_does_not_answer_in_time_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaderboard.metrics, "WITHIN", 0.1)
    assert await told(nothing, busy=1.0) == 0.1


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/fails":
        raise RuntimeError
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_answers_have_as_many_kinds_as_there_are_routes() -> None:
    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        pass

    measured = Measured(answer, {("GET", "/top"), ("GET", "/rank/")})
    for path in ("/top", "/top", "/rank/ann", "/rank/bob", "/x", "/y"):
        await measured({"type": "http", "method": "GET", "path": path}, receive, send)
    with pytest.raises(RuntimeError):
        await measured({"type": "http", "method": "GET", "path": "/fails"}, receive, send)
    counted = {
        (route, status): sum(n for _, n in each.counts()) for (_, route, status), each in measured.answers.items()
    }
    assert counted == {("/top", 204): 2, ("/rank/*", 204): 2, (OTHER, 204): 2, (OTHER, FAILED): 1}


async def test_methods_are_bounded_and_what_is_given_up_is_no_failure() -> None:
    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    measured = Measured(waits, ())
    request = asyncio.ensure_future(measured({"type": "http", "method": "PROPFIND", "path": "/"}, receive, send))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert list(measured.answers) == [(OTHER, OTHER, NOT_ANSWERED)]


def test_every_alert_says_what_is_wrong_and_names_a_section_that_there_is() -> None:
    rules = (FOLDER / "prometheus" / "rules.yml").read_text()
    said = re.findall(
        r"annotations: \{summary: (?:\"[^\"]+\"|[^\",]+), do: (?:\"([^\"]+)\"|[^\",]+)\}$", rules, re.MULTILINE
    )
    assert len(said) == rules.count("- alert:")
    sections = {text.removeprefix(RUNBOOK) for text in said if text.startswith(RUNBOOK)}
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    assert sections
    assert sections <= set(headings)
