"""What is bounded stays bounded: the wait for the broker, what is on its way to it, and a socket that is not read."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from leaderboard.local.server import Server
from leaderboard.local.servers import LocalServers, local_servers
from tests.e2e.test_thread import get, name
from tests.stack import System, present, running

TIMEOUT = 1
"""Seconds these systems wait for the broker."""
MARGIN = 1.0


class Answer(NamedTuple):
    """An answer to a submission, and how long it took."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]
    seconds: float


@pytest.fixture(scope="module")
def own_servers(servers: LocalServers, workspace: Path) -> Iterator[LocalServers]:
    """The shared Postgres and Redis with a Kafka that this module may stop."""
    with local_servers(workspace / "limits", parts=frozenset({"kafka"}), say=print) as own:
        yield LocalServers(own.kafka, servers.postgres, servers.redis, own.guard)


async def test_without_the_broker_the_outcome_is_unknown_and_a_retry_counts_once(
    own_servers: LocalServers, logs: Path
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


async def test_more_than_may_be_on_its_way_is_refused_at_once(own_servers: LocalServers, logs: Path) -> None:
    """Giving up on an append does not free its place: it may still reach the broker."""
    with running(
        own_servers, logs, LEADERBOARD_APPEND_TIMEOUT_MS=f"{TIMEOUT}000", LEADERBOARD_APPENDS_IN_FLIGHT="1"
    ) as system:
        ann, bob = name(), name()
        with frozen(present(own_servers.kafka)):
            unknown = await send(system, ann, "first")
            refused = await send(system, bob, "second")
        assert_to_retry(unknown, 503, "outcome-unknown", "first")
        assert_to_retry(refused, 429, "busy", "second")
        assert refused.seconds < MARGIN
        await assert_counts_once(system, ann, "first")
        status, _ = await get(system, f"/api/leaderboard/rank/{bob}")
        assert status == 404, "what was refused as busy must not count"


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server holds its connections and answers nothing."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


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
