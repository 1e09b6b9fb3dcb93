"""How the system runs: who projects what, how far, how fast, and what became of the newest submissions."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import asyncpg

from query_api.tail import Tail
from shared.clock import now
from shared.events import ScoreSubmittedEvent
from shared.fold.state import KINDS
from shared.log import LogUnavailable, Reader
from shared.postgres import DOWN, Pool
from shared.problems import unavailable
from shared.records import Record, receive

FRESH_FOR = 1.0
"""Seconds that a report is given to all who ask: pages that watch cost as much as one that does."""
WITHIN = 5.0
NEWEST = 200
"""Records at the end of the log whose outcomes are looked up."""
PACE_OVER = 60
"""Seconds that records are counted over."""
CHECKPOINTS = """
select topic, partition, next_offset, stopped, case when lease_until > now() then owner end as owner,
    applied, duplicate, conflict, refused, voided
from checkpoints order by topic, partition
"""
PROJECTORS = "select name, alive_until from projectors where alive_until > now() order by name"
SEASONS_OPEN = "select count(*) from seasons where not closed"
OUTCOMES = """
select player_id, event_id::text, partition, "offset", outcome, reason
from unnest($1::text[], $2::uuid[]) k(player_id, event_id) join game_sessions using (player_id, event_id)
"""


class Place(NamedTuple):
    """A partition of the events topic."""

    partition: int
    end: int
    applied: int
    """The next offset to be projected."""
    stopped: str | None
    owner: str | None
    """The projector with a living lease."""

    @property
    def lag(self) -> int:
        """Records that are not projected yet."""
        return max(0, self.end - self.applied)


class Submissions(NamedTuple):
    """What became of the newest submissions in the log."""

    of: int
    """Submissions that were looked at, those among the newest records."""
    counted: int
    waiting: int
    """Not projected yet."""
    repeated: int
    """Retries of one that was there before."""
    refused: dict[str, int]
    """Reason → how many."""


class Stand(NamedTuple):
    """What the tables and the ends of the log say."""

    projectors: list[tuple[str, datetime]]
    """Those alive, and until when they are taken to be."""
    places: list[Place]
    stopped: list[str]
    """Partitions of any topic that do not go on, and why."""
    outcomes: dict[str, int]
    """Kind → how many there have been since the log began."""
    seasons_open: int


class Report(NamedTuple):
    """The system at a time."""

    at: int
    stand: Stand
    pace: float
    """Records a second."""
    submissions: Submissions


class Operations:
    """Reports, one at a time: whoever asks while one is made, or soon after, gets that one."""

    def __init__(self, pool: Pool, reader: Reader, tail: Tail) -> None:
        self._pool = pool
        self._reader = reader
        self._tail = tail
        self._made: asyncio.Task[Report] | None = None
        self._begun = 0.0

    async def report(self) -> Report:
        """A report that is at most a second old. Raises Problem (503)."""
        if self._made is None or (self._made.done() and time.monotonic() - self._begun > FRESH_FOR):
            self._begun = time.monotonic()
            self._made = asyncio.create_task(self._make())
        return await asyncio.shield(self._made)

    async def stand(self) -> Stand:
        """That part of a report which asks little. Raises Problem (503)."""
        async with _bounded():
            return await self._stand()

    async def _make(self) -> Report:
        async with _bounded():
            return await self._gather()

    async def _gather(self) -> Report:
        records = (await self._tail.newest(NEWEST)).records
        stand = await self._stand()
        since = await self._reader.first_since("events", now() - PACE_OVER * 1_000)
        begun = [(place, since.get(place.partition)) for place in stand.places]
        recent = sum(place.end - offset for place, offset in begun if offset is not None)
        return Report(now(), stand, round(recent / PACE_OVER, 1), await self._submissions(records))

    async def _stand(self) -> Stand:
        checkpoints = await self._pool.fetch(CHECKPOINTS)  # before the ends: what is applied is not beyond them
        end = await self._reader.end("events")
        events = [row for row in checkpoints if row["topic"] == "events"]
        return Stand(
            projectors=[(row["name"], row["alive_until"]) for row in await self._pool.fetch(PROJECTORS)],
            places=[_place(row, end) for row in events],
            stopped=[f"{row['topic']}/{row['partition']}: {row['stopped']}" for row in checkpoints if row["stopped"]],
            outcomes={kind: sum(row[kind] for row in events) for kind in KINDS},
            seasons_open=await self._pool.fetchval(SEASONS_OPEN),
        )

    async def _submissions(self, records: Sequence[Record]) -> Submissions:
        received = [receive(record) for record in records]
        newest = [
            ((each.event.data.player_id, each.event.id), (each.record.partition, each.record.offset))
            for each in received
            if isinstance(each.event, ScoreSubmittedEvent)
        ]
        keys = [key for key, _ in newest]
        rows = await self._pool.fetch(OUTCOMES, [player for player, _ in keys], [event for _, event in keys])
        return tally(newest, {(row["player_id"], row["event_id"]): row for row in rows})


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WITHIN):
            yield
    except (*DOWN, LogUnavailable) as error:
        raise unavailable(f"the log or Postgres does not answer: {error!r}") from error


def tally(
    newest: Sequence[tuple[tuple[str, str], tuple[int, int]]], sessions: dict[tuple[str, str], asyncpg.Record]
) -> Submissions:
    """Count what became of submissions, each given with its identity and its place in the log."""
    counted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for key, place in newest:
        session = sessions.get(key)
        if session is None:
            counted["waiting"] += 1
        elif (session["partition"], session["offset"]) != place:
            counted["repeated"] += 1
        elif session["outcome"] == "applied":
            counted["counted"] += 1
        else:
            refused[session["reason"] or "unknown"] += 1
    return Submissions(
        len(newest), counted["counted"], counted["waiting"], counted["repeated"], dict(refused.most_common())
    )


def _place(row: asyncpg.Record, end: dict[int, int]) -> Place:
    applied = row["next_offset"]
    return Place(row["partition"], end.get(row["partition"], applied), applied, row["stopped"], row["owner"])
