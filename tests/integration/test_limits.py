"""What is bounded stays bounded: the wait for the broker, what is on its way to it, and a socket that is not read."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from notifier.connection import CLOSE_WITHIN
from notifier.messages import CLOSE_SLOW
from shared.log import Appender, open_appender
from shared.rank_changes import BoardLines, RankChanges, RankLine
from shared.settings import KafkaSettings, NamingSettings
from tests.e2e.test_thread import get, name
from tests.servers import Servers, frozen, open_servers
from tests.slow_client import SlowClient
from tests.stack import System, eventually, present, running

TIMEOUT = 1
"""Seconds these systems wait for the broker."""
MARGIN = 2.0
MIB = 1024 * 1024
MOVERS = [f"{name()}-{'x' * 40}" for _ in range(1_000)]
"""Players whose every move a socket is told: they trade places in the top 100."""


class Answer(NamedTuple):
    """An answer to a submission, and how long it took."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]
    seconds: float


@pytest.fixture(scope="module")
def own_servers(servers: Servers, workspace: Path) -> Iterator[Servers]:
    """The shared Postgres and Redis with a Kafka that this module may stop."""
    with open_servers(workspace / "limits", frozenset({"kafka"})) as own:
        yield Servers(own.kafka, servers.postgres, servers.redis)


async def test_without_the_broker_the_outcome_is_unknown_and_a_retry_counts_once(
    own_servers: Servers, logs: Path
) -> None:
    kafka = present(own_servers.kafka)
    with running(own_servers, logs, LEADERBOARD_APPEND_TIMEOUT_MS=f"{TIMEOUT}000") as system:
        ann = name()
        await asyncio.to_thread(kafka.stop)
        try:
            unknown = await send(system, ann, "once")
            status, health = await get(system, "/api/leaderboard/health")
        finally:
            await asyncio.to_thread(kafka.start)
        assert_to_retry(unknown, 503, "outcome-unknown", "once")
        assert unknown.seconds < TIMEOUT + MARGIN
        assert (status, health["status"], health["components"]["kafka"]["status"]) == (503, "degraded", "down")
        await assert_counts_once(system, ann, "once")


async def test_more_than_may_be_on_its_way_is_refused_at_once(own_servers: Servers, logs: Path) -> None:
    """Giving up on an append does not free its place: it may still reach the broker."""
    with running(
        own_servers, logs, LEADERBOARD_APPEND_TIMEOUT_MS=f"{TIMEOUT}000", LEADERBOARD_APPENDS_IN_FLIGHT="1"
    ) as system:
        ann, bob = name(), name()
        # Until the producer knows the topic, nothing is on its way.
        assert (await send(system, name(), "before")).status == 200
        with frozen(present(own_servers.kafka)):
            unknown = await send(system, ann, "first")
            refused = await send(system, bob, "second")
        assert_to_retry(unknown, 503, "outcome-unknown", "first")
        assert_to_retry(refused, 429, "busy", "second")
        assert refused.seconds < MARGIN
        await assert_counts_once(system, ann, "first")
        status, _ = await get(system, f"/api/leaderboard/rank/{bob}")
        assert status == 404, "what was refused as busy must not count"


async def send(system: System, player: str, key: str) -> Answer:
    """Submit a score of 10 under a key."""
    began = time.monotonic()
    body, headers = {"user_id": player, "score": 10}, {"Idempotency-Key": key}
    async with (
        aiohttp.ClientSession(system.commands) as client,
        client.post("/api/leaderboard/submit", json=body, headers=headers) as answer,
    ):
        content = await answer.json(content_type=None)
        return Answer(answer.status, content, answer.headers, time.monotonic() - began)


def assert_to_retry(answer: Answer, status: int, kind: str, key: str) -> None:
    """A problem that says when to send again, and with which key."""
    problem = f"urn:leaderboard:problem:{kind}"
    assert (answer.status, answer.body["type"], answer.body["idempotency_key"]) == (status, problem, key)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.headers["idempotency-key"], answer.headers["retry-after"]) == (key, "1")


async def assert_counts_once(system: System, player: str, key: str) -> None:
    """Sent again until it is taken, a submission whose outcome was unknown is one game."""
    began = time.monotonic()
    while (answer := await send(system, player, key)).status != 200:
        assert time.monotonic() - began < 30, answer
    print(f"{key}: taken {time.monotonic() - began:.1f} s after the broker came back: {answer.body}")
    minimum = {"X-Min-Position": answer.body["position"]}
    _, rank = await get(system, f"/api/leaderboard/rank/{player}", **minimum)
    assert (rank["score"], rank["games_played"]) == (10, 1)
    verified = await asyncio.to_thread(system.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


async def test_a_socket_that_is_not_read_is_closed_and_the_others_hear_all(servers: Servers, logs: Path) -> None:
    with running(servers, logs, split=True) as system:
        notifier = psutil.Process(system.processes["notifier"].pid)
        url = f"{system.live}/ws/leaderboard/{name()}"
        # No bound on its queue: with one, what is unread at the end would hold up the closing handshake for 10 s.
        async with connect(url, max_queue=None) as reading, traffic(system, reading) as heard:
            with SlowClient(url) as never, SlowClient(url) as late:
                size = notifier.memory_info().rss
                await until(lambda: system.log_of("notifier").count("socket_closed") == 2, 120, "both are given up")
                began, events = time.monotonic(), len(heard)
                assert await asyncio.to_thread(late.close_code, b"events are not taken") == CLOSE_SLOW
                await until(never.dropped, 2 * CLOSE_WITHIN, "the connection is reset")
                grown = notifier.memory_info().rss - size
            await until(lambda: len(heard) > events, 20, "the other socket goes on")
        print(f"{events} events before, reset after {time.monotonic() - began:.1f} s, grown by {grown / MIB:.1f} MiB")
        assert grown < 16 * MIB
        assert "ASGI" not in system.log_of("notifier"), "closing a slow socket is no error"


@asynccontextmanager
async def traffic(system: System, reading: ClientConnection) -> AsyncIterator[list[float]]:
    """Events until the block ends, as fast as one socket takes them; the list has the time at which each came."""
    kafka = KafkaSettings.model_validate({"LEADERBOARD_KAFKA": system.environment["LEADERBOARD_KAFKA"]})
    heard: list[float] = []
    async with open_appender(kafka, NamingSettings(prefix=system.prefix), "test") as appender:
        publishing = asyncio.create_task(publish(appender, reading, heard))
        try:
            yield heard
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing


async def publish(appender: Appender, reading: ClientConnection, heard: list[float]) -> None:
    """One batch when all of the one before has come: none of its events is left out."""
    for turn in count():
        await appender.append("rank-changes", None, moves(turn), timeout=5, partition=0)
        for _ in MOVERS:
            async with asyncio.timeout(20):  # wait_for of Python 3.11 may swallow the cancel at the end of the traffic
                await reading.recv()
            heard.append(time.monotonic())


def moves(turn: int) -> bytes:
    """Everyone moves by one place of the top 100 in each turn."""
    rows = [RankLine(player, (at + turn) % 100 + 1, (at + turn + 1) % 100 + 1, 1) for at, player in enumerate(MOVERS)]
    lines = BoardLines(board_id="classic", season="all", total=len(rows), rows=rows)
    return RankChanges(incarnation="test", boards=[lines]).model_dump_json().encode()


async def until(check: Callable[[], bool], within: float, what: str) -> None:
    await asyncio.to_thread(eventually, check, within, what)
