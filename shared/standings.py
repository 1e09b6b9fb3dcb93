"""Reading ranks from Postgres: what answers while Redis is away or lacks a board. The same answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from shared.boards import Board, Order
from shared.positions import Position
from shared.postgres import DOWN, Connection, Pool
from shared.questions import (
    After,
    Answer,
    Around,
    AroundScore,
    AtPercentile,
    Before,
    Key,
    Part,
    Places,
    Question,
    Range,
    Ranked,
    Slice,
    WouldRank,
    place_at,
    rank,
)
from shared.ranking import Standing, sort_value

POSITION = "select incarnation, partition, next_offset from checkpoints where topic = 'events'"
RANKED = "from leaderboard_entries where board_id = $1 and season = $2 and value is not null"
TOTAL = f"select count(*) {RANKED}"
BEFORE = f"select count(*) {RANKED} and (sort_value, reached_at, player_id) < ($3, $4, $5)"
UP_TO = f"select count(*) {RANKED} and sort_value <= $3"
DISTINCT = f"select count(distinct sort_value) {RANKED} and sort_value < $3"
BETTER = f"select count(*) as ahead, max(sort_value) as before {RANKED} and sort_value < $3"
ROW = f"select * {RANKED} and player_id = any($3::text[])"
SLICE = f"""
select player_id, sort_value, reached_at, games_played, updated_at, event_id {RANKED}
order by sort_value, reached_at, player_id offset $3 limit $4
"""
PLACES = f"""
select e.*, a.place, a.ahead, a.better, coalesce(a.previous, a.before) as before
from (select * {RANKED} and player_id = any($3::text[])) e
cross join lateral (
    select count(*) as place, count(*) filter (where b.sort_value < e.sort_value) as ahead,
        max(b.sort_value) filter (where b.sort_value < e.sort_value) as before,
        case when $4 = 'dense' then count(distinct b.sort_value) filter (where b.sort_value < e.sort_value) else 0 end
            as better,
        case when $4 = 'first_to_reach' then max(b.sort_value) end as previous
    from leaderboard_entries b where b.board_id = e.board_id and b.season = e.season and b.value is not null
        and (b.sort_value, b.reached_at, b.player_id) < (e.sort_value, e.reached_at, e.player_id)) a
"""  # noqa: S608
NAMES = "select player_id, username from profiles where player_id = any($1::text[]) and username is not null"


class StandingsUnavailable(Exception):
    """Postgres cannot answer either."""


class Standings:
    """Ranks by SQL. Each answer is of one snapshot, together with its position."""

    def __init__(self, pool: Pool, limit: int) -> None:
        """`limit`: reads at once; more are turned away, so that Postgres keeps time for the projector."""
        self._pool = pool
        self._free = limit

    async def ask(self, board: Board, season: str, questions: Sequence[Question]) -> Answer:
        """Answer questions about a season of a board, all of the same instant."""
        async with self._snapshot() as connection:
            total = await connection.fetchval(TOTAL, board.board_id, season)
            asked = _Asked(connection, board, season, total)
            parts = [await asked.answer(question) for question in questions]
            return Answer(await _position(connection), total, parts)

    async def names(self, player_ids: Sequence[str]) -> dict[str, str]:
        """The display names of those who have one."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(NAMES, list(player_ids))
            return {row["player_id"]: row["username"] for row in rows}

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


class _Asked:
    """One season of a board in a snapshot."""

    def __init__(self, connection: Connection, board: Board, season: str, total: int) -> None:
        self._connection = connection
        self._board = board
        self._at = board.board_id, season
        self._total = total

    async def answer(self, question: Question) -> Part:
        """The answer to one question."""
        match question:
            case Range(first, count):
                return await self._cut(first, first + count)
            case Around(player_id, above, below):
                place = await self._place_of(player_id)
                return Part([]) if place is None else await self._cut(place - above, place + below + 1)
            case AroundScore(value, above, below):
                place = await self._count(UP_TO, sort_value(self._board.order, value))
                return await self._cut(place - above, place + below)
            case After(key, count):
                place = await self._count(BEFORE, *key) + await self._is_there(key)
                return await self._cut(place, place + count)
            case Before(key, count):
                place = await self._count(BEFORE, *key)
                return await self._cut(place - count, place)
            case Places(player_ids):
                return await self._places(player_ids)
            case WouldRank(value):
                return Part([], await self._would_rank(sort_value(self._board.order, value)))
            case AtPercentile(percent):
                place = place_at(percent, self._total)
                return await self._cut(place, place + 1)

    async def _cut(self, first: int, end: int) -> Part:
        """The rows of places from `first` to before `end`, as far as there are any."""
        first = max(0, first)
        if end <= first:
            return Part([])
        skipped = min(first, 1)  # the row before the first one, whose value its gap is measured to
        rows = await self._connection.fetch(SLICE, *self._at, first - skipped, end - first + skipped)
        standings = [_standing(self._board.order, row) for row in rows[skipped:]]
        if not standings:
            return Part([])
        ahead, better, before = await self._before(rows[skipped]["sort_value"])
        if self._board.ties == "first_to_reach":
            before = rows[0]["sort_value"] if skipped else None
        return Part(rank(self._board, Slice(first, ahead, better, before, standings)))

    async def _before(self, sort: int) -> tuple[int, int, int | None]:
        """How many rows are better than a sort value, how many distinct values (if that matters), and the next."""
        row = await self._connection.fetchrow(BETTER, *self._at, sort)
        assert row is not None
        better = await self._count(DISTINCT, sort) if self._board.ties == "dense" else 0
        return row["ahead"], better, row["before"]

    async def _places(self, player_ids: Sequence[str]) -> Part:
        rows = await self._connection.fetch(PLACES, *self._at, list(player_ids), self._board.ties)
        found = {row["player_id"]: self._single(row) for row in rows}
        return Part([found[each] for each in player_ids if each in found])

    def _single(self, row: asyncpg.Record) -> Ranked:
        standing = _standing(self._board.order, row)
        [ranked] = rank(self._board, Slice(row["place"], row["ahead"], row["better"], row["before"], [standing]))
        return ranked

    async def _place_of(self, player_id: str) -> int | None:
        row = await self._connection.fetchrow(ROW, *self._at, [player_id])
        if row is None:
            return None
        return await self._count(BEFORE, row["sort_value"], row["reached_at"], row["player_id"])

    async def _is_there(self, key: Key) -> bool:
        row = await self._connection.fetchrow(ROW, *self._at, [key.player_id])
        return row is not None and (row["sort_value"], row["reached_at"]) == (key.sort, key.reached_at)

    async def _would_rank(self, sort: int) -> int:
        match self._board.ties:
            case "first_to_reach":
                return 1 + await self._count(UP_TO, sort)
            case "shared":
                return 1 + (await self._before(sort))[0]
            case "dense":
                return 1 + await self._count(DISTINCT, sort)

    async def _count(self, sql: str, *arguments: object) -> int:
        return int(await self._connection.fetchval(sql, *self._at, *arguments))


async def _position(connection: Connection) -> Position:
    rows = await connection.fetch(POSITION)
    if not rows:
        raise StandingsUnavailable("nothing has been projected yet")
    return Position(rows[0]["incarnation"], {row["partition"]: row["next_offset"] for row in rows})


def _standing(order: Order, row: asyncpg.Record) -> Standing:
    return Standing(
        player_id=row["player_id"],
        value=sort_value(order, row["sort_value"]),
        reached_at=row["reached_at"],
        games_played=row["games_played"],
        updated_at=row["updated_at"],
    )
