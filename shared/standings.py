"""Reading ranks from Postgres: what answers while Redis is away or lacks a board. The same answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from shared.boards import Board, Order
from shared.positions import Position
from shared.postgres import DOWN, Connection, Pool
from shared.ranking import Standing, sort_value
from shared.ranks import Page, Ranked

POSITION = "select incarnation, partition, next_offset from checkpoints where topic = 'events'"
TOTAL = "select count(*) from leaderboard_entries where board_id = $1 and season = $2"
TOP = """
select player_id, sort_value, reached_at, games_played, updated_at
from leaderboard_entries where board_id = $1 and season = $2
order by sort_value, reached_at, player_id limit $3
"""
PLACES = """
select e.player_id, e.sort_value, e.reached_at, e.games_played, e.updated_at,
    (select count(*) from leaderboard_entries b
      where b.board_id = e.board_id and b.season = e.season
        and (b.sort_value, b.reached_at, b.player_id) < (e.sort_value, e.reached_at, e.player_id)) as better
from leaderboard_entries e where e.board_id = $1 and e.season = $2 and e.player_id = any($3::text[])
"""
NAMES = "select player_id, username from profiles where player_id = any($1::text[])"


class StandingsUnavailable(Exception):
    """Postgres cannot answer either."""


class Standings:
    """Ranks by SQL. Each answer is of one snapshot, together with its position."""

    def __init__(self, pool: Pool, limit: int) -> None:
        """`limit`: reads at once; more are turned away, so that Postgres keeps time for the projector."""
        self._pool = pool
        self._free = limit

    async def top(self, board: Board, season: str, limit: int) -> Page:
        """The first `limit` rows."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(TOP, board.board_id, season, limit)
            ranked = [Ranked(rank, _standing(board.order, row)) for rank, row in enumerate(rows, 1)]
            return await _page(connection, board, season, ranked)

    async def places(self, board: Board, season: str, player_ids: Sequence[str]) -> Page:
        """Where these players stand; those who are not ranked are left out."""
        async with self._snapshot() as connection:
            rows = await connection.fetch(PLACES, board.board_id, season, list(player_ids))
            ranked = [Ranked(row["better"] + 1, _standing(board.order, row)) for row in rows]
            return await _page(connection, board, season, ranked)

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


async def _page(connection: Connection, board: Board, season: str, rows: list[Ranked]) -> Page:
    total = await connection.fetchval(TOTAL, board.board_id, season)
    return Page(await _position(connection), total, rows)


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
