"""Clients at a rate, each timed from when it was due, that ask again until they are answered."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import aiohttp
import orjson

from bench.load import percentile

TIMEOUT = aiohttp.ClientTimeout(total=10.0)
"""More than the command API takes at its worst: 5 s for the broker and 2 s for the outcome."""
PATIENCE = 30.0
"""Seconds for which a client asks again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds before a request is sent again: doubled each time, and spread."""
CONNECTIONS = 512
PLAYERS = 10_000

Answering: TypeAlias = Callable[[], "aiohttp.client._RequestContextManager"]
Send: TypeAlias = Callable[[int, float], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What became of a submission or a read."""

    due: float
    took: float
    """Seconds from when it was due to the answer that counts, with all repetitions."""
    status: int
    """Of that answer; 0: given up."""
    first_failure: str | None
    """Why the first try failed."""


@dataclass(slots=True)
class Insisting:
    """Submitters and readers of the URLs of a command and a query API."""

    commands: str
    queries: str
    submissions: list[Request] = field(default_factory=list)
    reads: list[Request] = field(default_factory=list)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self, submits: float, reads: float, until: asyncio.Event) -> None:
        """Send so many a second until told to stop, and see all to their end."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(timeout=TIMEOUT, connector=connector) as http:
            await asyncio.gather(
                self._pace(submits, until, partial(self._submit, http)),
                self._pace(reads, until, partial(self._read, http)),
            )
            await asyncio.gather(*self._running)

    async def _pace(self, rate: float, until: asyncio.Event, send: Send) -> None:
        began, number = time.perf_counter(), 0
        while not until.is_set():
            due = began + number / rate
            await asyncio.sleep(due - time.perf_counter())
            task = asyncio.create_task(send(number, due))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            number += 1

    async def _submit(self, http: aiohttp.ClientSession, number: int, due: float) -> None:
        body = {"user_id": f"player-{random.randrange(PLAYERS)}", "score": random.randrange(1, 500)}
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"insisting-{number}"}
        url = f"{self.commands}/api/leaderboard/submit"
        ask = partial(http.post, url, data=orjson.dumps(body), headers=headers)
        self.submissions.append(await _insist(ask, due))

    async def _read(self, http: aiohttp.ClientSession, _: int, due: float) -> None:
        ask = partial(http.get, f"{self.queries}/api/leaderboard/top?limit=10")
        self.reads.append(await _insist(ask, due))


async def _insist(ask: Answering, due: float) -> Request:
    """Ask until there is an answer that says what became of it."""
    first: str | None = None
    pause, until = FIRST_PAUSE, time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        status, failure = await _ask(ask)
        if failure is None:
            return Request(due, time.perf_counter() - due, status, first)
        first = first or failure
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(2 * pause, LONGEST_PAUSE)
    return Request(due, time.perf_counter() - due, 0, first)


async def _ask(ask: Answering) -> tuple[int, str | None]:
    """The status; and what went wrong, where the client does not know what became of its request."""
    try:
        async with ask() as answer:
            await answer.read()
            return answer.status, None if answer.status in (200, 202) else f"status {answer.status}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return 0, type(error).__name__


@dataclass(frozen=True, slots=True)
class Figures:
    """Of requests that were due in some time."""

    requests: int
    failed: int
    """With all repetitions."""
    first_failures: Counter[str]
    """Of those that a client without repetition would have lost, why."""
    later: int
    """Submissions that were answered 202: taken, and their outcome is to be looked up."""
    p50: float
    p99: float
    worst: float
    """Milliseconds, with all repetitions."""

    def __str__(self) -> str:
        why = ", ".join(f"{count} {name}" for name, count in self.first_failures.most_common())
        return (
            f"{self.requests} requests, {self.failed} failed; {self.first_failures.total()} without repetition"
            f"{f' ({why})' if why else ''}; {self.later} x 202; p50 {self.p50:.1f}, p99 {self.p99:.1f}, "
            f"worst {self.worst:.0f} ms"
        )


def figures(requests: Sequence[Request], since: float, until: float) -> Figures:
    """Of those that were due between two times of the performance counter."""
    chosen = [each for each in requests if since <= each.due < until]
    took = sorted(each.took * 1000 for each in chosen)
    return Figures(
        requests=len(chosen),
        failed=sum(each.status == 0 for each in chosen),
        first_failures=Counter(each.first_failure for each in chosen if each.first_failure is not None),
        later=sum(each.status == 202 for each in chosen),
        p50=percentile(took, 0.50),
        p99=percentile(took, 0.99),
        worst=took[-1] if took else 0.0,
    )
