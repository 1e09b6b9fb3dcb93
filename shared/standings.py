"""Reading ranks from Postgres: what answers while Redis is away or lacks a board. The same answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from shared.boards import Board
from shared.final_rows import FINAL, FinalRows
from shared.positions import Position
from shared.postgres import DOWN, Connection, Pool
from shared.questions import (
    After,
    Answer,
    Around,
    AroundScore,
    Asked,
    AtPercentile,
    Before,
    FromRank,
    Part,
    Places,
    Question,
    Range,
    WouldRank,
    behind_equals,
    place_at,
)
from shared.rows import Rows

FREE_WITHIN = 1.0
"""Seconds that a read may wait for those before it."""
POSITION = "select incarnation, partition, next_offset from checkpoints where topic = 'events'"
NAMES = "select player_id, username from profiles where player_id = any($1::text[]) and username is not null"
BOARDS = "select board_id, season from leaderboard_entries where player_id = $1 and value is not null"


class StandingsUnavailable(Exception):
    """Postgres cannot answer either."""


class Standings:
    """Ranks by SQL. Each answer is of one snapshot, together with its position."""

    def __init__(self, pool: Pool, limit: int) -> None:
        """`limit`: reads at once; more have to wait, so that Postgres keeps time for the projector."""
        self._pool = pool
        self._free = asyncio.Semaphore(limit)
        self.reads = 0
        """Snapshots that were read."""

    async def ask(self, board: Board, season: str, questions: Sequence[Question]) -> Answer:
        """The answers, all of one snapshot. Raises StandingsUnavailable."""
        [answer] = await self.ask_each([Asked(board, season, questions)])
        return answer

    async def ask_each(self, asked: Sequence[Asked]) -> list[Answer]:
        """The answers about several boards, all of one snapshot. Raises StandingsUnavailable."""
        async with self._snapshot() as connection:
            position = await _position(connection)
            return [await _answer(connection, position, each) for each in asked]

    async def names(self, player_ids: Sequence[str]) -> dict[str, str]:
        """The display names of those who have one."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(NAMES, list(player_ids))
            return {row["player_id"]: row["username"] for row in rows}

    async def boards_of(self, player_id: str) -> tuple[Position, set[tuple[str, str]]]:
        """The boards, each with its season, that a player is on, and the position at which that is so."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(BOARDS, player_id)
            return await _position(connection), {(row["board_id"], row["season"]) for row in rows}

    async def position(self) -> Position:
        """The position that the tables have reached."""
        async with self._snapshot() as connection:
            return await _position(connection)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(FREE_WITHIN):
                await self._free.acquire()
        except TimeoutError as error:
            raise StandingsUnavailable("too many reads at once") from error
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                self.reads += 1
                yield connection
        except DOWN as error:
            raise StandingsUnavailable(repr(error)) from error
        finally:
            self._free.release()


async def _answer(connection: Connection, position: Position, asked: Asked) -> Answer:
    final = await connection.fetchrow(FINAL, asked.board.board_id, asked.season)
    at = connection, asked.board, asked.season
    rows = Rows(*at) if final is None else FinalRows(*at, *final)
    total = await rows.total()
    return Answer(position, total, [await _part(rows, question, total) for question in asked.questions])


async def _part(rows: Rows, question: Question, total: int) -> Part:
    match question:
        case Range(first, count):
            return Part(await rows.range(first, count))
        case FromRank(number, count):
            return Part(await rows.range(await rows.place_of_rank(number, total), count))
        case Around(player_id, above, below):
            return Part(await rows.around(player_id, above, below))
        case AroundScore(value, above, below):
            key = behind_equals(rows.board, value)
            return Part(await rows.ranked([*await rows.before(key, above), *await rows.after(key, below)]))
        case After(key, count):
            return Part(await rows.ranked(await rows.after(key, count)))
        case Before(key, count):
            return Part(await rows.ranked(await rows.before(key, count)))
        case Places(player_ids):
            return Part(await rows.places(player_ids))
        case WouldRank(value):
            return Part([], await rows.would_rank(value))
        case AtPercentile(hundredths):
            return Part(await rows.range(place_at(hundredths, total), 1) if total else [])


async def _position(connection: Connection) -> Position:
    rows = await connection.fetch(POSITION)
    if not rows:
        raise StandingsUnavailable("nothing has been projected yet")
    return Position(rows[0]["incarnation"], {row["partition"]: row["next_offset"] for row in rows})
