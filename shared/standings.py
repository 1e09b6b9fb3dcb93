"""Reading ranks from Postgres: what answers while Redis is away or lacks a board. The same answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.boards import Board
from shared.positions import Position
from shared.postgres import DOWN, Connection, Pool
from shared.questions import (
    AFTER_EQUALS,
    After,
    Answer,
    Around,
    AroundScore,
    Asked,
    AtPercentile,
    Before,
    FromRank,
    Key,
    Part,
    Places,
    Question,
    Range,
    Ranked,
    Slice,
    WouldRank,
    behind_equals,
    key_of,
    place_at,
    rank,
)
from shared.ranking import Standing, sort_value

FEW = 6
"""Players whose places are counted one by one; the places of more come out of one sort of the board."""
POSITION = "select incarnation, partition, next_offset from checkpoints where topic = 'events'"
TOTAL = "select count(*) from leaderboard_entries where board_id = $1 and season = $2 and value is not null"
RANGE = """
select player_id, sort_value, reached_at, games_played, updated_at from leaderboard_entries
where board_id = $1 and season = $2 and value is not null
order by sort_value, reached_at, player_id offset $3 limit $4
"""
AFTER = """
select player_id, sort_value, reached_at, games_played, updated_at from leaderboard_entries
where board_id = $1 and season = $2 and value is not null and (sort_value, reached_at, player_id) > ($3, $4, $5)
order by sort_value, reached_at, player_id limit $6
"""
BEFORE = """
select player_id, sort_value, reached_at, games_played, updated_at from leaderboard_entries
where board_id = $1 and season = $2 and value is not null and (sort_value, reached_at, player_id) < ($3, $4, $5)
order by sort_value desc, reached_at desc, player_id desc limit $6
"""
PLAYER = """
select player_id, sort_value, reached_at, games_played, updated_at from leaderboard_entries
where board_id = $1 and season = $2 and player_id = $3 and value is not null
"""
LOCATE = """
select count(*) as place, count(*) filter (where sort_value < $3) as ahead, max(sort_value) as last,
    max(sort_value) filter (where sort_value < $3) as last_better
from leaderboard_entries
where board_id = $1 and season = $2 and value is not null and (sort_value, reached_at, player_id) < ($3, $4, $5)
"""
BETTER = """
select count(distinct sort_value) from leaderboard_entries
where board_id = $1 and season = $2 and value is not null and sort_value < $3
"""
DISTINCT = """
select distinct sort_value from leaderboard_entries where board_id = $1 and season = $2 and value is not null
order by sort_value offset $3 limit 1
"""
MANY = """
select * from (
    select player_id, sort_value, reached_at, games_played, updated_at,
        row_number() over (order by sort_value, reached_at, player_id) - 1 as place,
        rank() over (order by sort_value) - 1 as ahead,
        dense_rank() over (order by sort_value) - 1 as better,
        lag(sort_value) over (order by sort_value, reached_at, player_id) as last,
        max(sort_value) over (order by sort_value range between unbounded preceding and 1 preceding) as last_better
    from leaderboard_entries where board_id = $1 and season = $2 and value is not null
) ranked join unnest($3::text[]) named(player_id) using (player_id)
"""
NAMES = "select player_id, username from profiles where player_id = any($1::text[]) and username is not null"
BOARDS = "select board_id, season from leaderboard_entries where player_id = $1 and value is not null"


class StandingsUnavailable(Exception):
    """Postgres cannot answer either."""


class Standings:
    """Ranks by SQL. Each answer is of one snapshot, together with its position."""

    def __init__(self, pool: Pool, limit: int) -> None:
        """`limit`: reads at once; more are turned away, so that Postgres keeps time for the projector."""
        self._pool = pool
        self._free = limit

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
        if not self._free:
            raise StandingsUnavailable("too many reads at once")
        self._free -= 1
        try:
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection
        except DOWN as error:
            raise StandingsUnavailable(repr(error)) from error
        finally:
            self._free += 1


async def _answer(connection: Connection, position: Position, asked: Asked) -> Answer:
    rows = Rows(connection, asked.board, asked.season)
    total = await rows.total()
    return Answer(position, total, [await _part(rows, question, total) for question in asked.questions])


async def _part(rows: "Rows", question: Question, total: int) -> Part:
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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one season of a board, in one snapshot. Each method is a pass over them, or a few."""

    connection: Connection
    board: Board
    season: str

    async def total(self) -> int:
        """How many there are."""
        return int(await self.connection.fetchval(TOTAL, *self._at))

    async def range(self, first: int, count: int) -> list[Ranked]:
        """Those from a place on."""
        rows = await self._fetch(RANGE, first, count)
        return rank(self.board, Slice(0, 0, 0, None, rows)) if first == 0 else await self.ranked(rows)

    async def after(self, key: Key, count: int) -> list[Standing]:
        """The first ones strictly after a key."""
        return await self._fetch(AFTER, *key, count) if count else []

    async def before(self, key: Key, count: int) -> list[Standing]:
        """The last ones strictly before a key."""
        return (await self._fetch(BEFORE, *key, count))[::-1] if count else []

    async def row(self, player_id: str) -> Standing | None:
        """That of a player."""
        found = await self._fetch(PLAYER, player_id)
        return found[0] if found else None

    async def around(self, player_id: str, above: int, below: int) -> list[Ranked]:
        """A player's, with those above and below."""
        row = await self.row(player_id)
        if row is None:
            return []
        key = key_of(self.board, row)
        return await self.ranked([*await self.before(key, above), row, *await self.after(key, below)])

    async def would_rank(self, value: int) -> int:
        """The rank that a value would get."""
        found = await self.locate(behind_equals(self.board, value))
        return 1 + {"first_to_reach": found.first, "shared": found.ahead, "dense": found.better}[self.board.ties]

    async def places(self, player_ids: Sequence[str]) -> list[Ranked]:
        """Those of players, in the order in which they are named."""
        if len(player_ids) > FEW:
            rows = await self.connection.fetch(MANY, *self._at, list(player_ids))
            found = {row["player_id"]: rank(self.board, self._found(row, [self._standing(row)])) for row in rows}
            return [ranked for player_id in player_ids for ranked in found.get(player_id, [])]
        standings = [await self.row(player_id) for player_id in player_ids]
        return [ranked for row in standings if row is not None for ranked in await self.ranked([row])]

    async def place_of_rank(self, rank: int, total: int) -> int:
        """The place of the first row whose rank is at least this."""
        if self.board.ties == "first_to_reach" or rank > total:
            return rank - 1
        if self.board.ties == "dense":
            sort = await self.connection.fetchval(DISTINCT, *self._at, rank - 1)
            return total if sort is None else (await self.locate(Key(sort, -1, ""))).first
        [there] = await self._fetch(RANGE, rank - 1, 1)
        found = await self.locate(key_of(self.board, there))
        equals = key_of(self.board, there)._replace(reached_at=AFTER_EQUALS)
        return rank - 1 if found.ahead == rank - 1 else (await self.locate(equals)).first

    async def ranked(self, rows: Sequence[Standing]) -> list[Ranked]:
        """Rows that follow each other, with their ranks."""
        if not rows:
            return []
        return rank(self.board, (await self.locate(key_of(self.board, rows[0])))._replace(rows=rows))

    async def locate(self, key: Key) -> Slice:
        """What is before a key."""
        row = await self.connection.fetchrow(LOCATE, *self._at, *key)
        assert row is not None
        better = await self.connection.fetchval(BETTER, *self._at, key.sort) if self.board.ties == "dense" else 0
        return self._found({**row, "better": better}, [])

    @property
    def _at(self) -> tuple[str, str]:
        return self.board.board_id, self.season

    async def _fetch(self, sql: str, *arguments: Any) -> list[Standing]:
        return [self._standing(row) for row in await self.connection.fetch(sql, *self._at, *arguments)]

    def _standing(self, row: asyncpg.Record) -> Standing:
        return Standing(
            player_id=row["player_id"],
            value=sort_value(self.board.order, row["sort_value"]),
            reached_at=row["reached_at"],
            games_played=row["games_played"],
            updated_at=row["updated_at"],
        )

    def _found(self, row: Any, rows: Sequence[Standing]) -> Slice:
        previous = row["last"] if self.board.ties == "first_to_reach" else row["last_better"]
        return Slice(row["place"], row["ahead"], row["better"], previous, rows)


async def _position(connection: Connection) -> Position:
    rows = await connection.fetch(POSITION)
    if not rows:
        raise StandingsUnavailable("nothing has been projected yet")
    return Position(rows[0]["incarnation"], {row["partition"]: row["next_offset"] for row in rows})
