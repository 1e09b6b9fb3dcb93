"""The rows of one season of a board in Postgres, and where they stand: counted, as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.boards import Board
from shared.postgres import Connection
from shared.questions import AFTER_EQUALS, Key, Ranked, Slice, behind_equals, key_of, rank
from shared.ranking import Standing, sort_value

FEW = 6
"""Players whose places are counted one by one; the places of more come out of one sort of the board."""
ENTRIES = "leaderboard_entries where board_id = $1 and season = $2 and value is not null"
"""The rows of a season of a board, as they are."""
TOTAL = "select count(*) from {rows}"
RANGE = """
select player_id, sort_value, reached_at, games_played, updated_at from {rows}
order by sort_value, reached_at, player_id offset $3 limit $4
"""
AFTER = """
select player_id, sort_value, reached_at, games_played, updated_at from {rows}
    and (sort_value, reached_at, player_id) > ($3, $4, $5)
order by sort_value, reached_at, player_id limit $6
"""
BEFORE = """
select player_id, sort_value, reached_at, games_played, updated_at from {rows}
    and (sort_value, reached_at, player_id) < ($3, $4, $5)
order by sort_value desc, reached_at desc, player_id desc limit $6
"""
PLAYER = f"""
select player_id, sort_value, reached_at, games_played, updated_at from {ENTRIES} and player_id = $3
"""  # noqa: S608 - of constants, as everything here
LOCATE = """
select count(*) as place, count(*) filter (where sort_value < $3) as ahead, max(sort_value) as last,
    max(sort_value) filter (where sort_value < $3) as last_better
from {rows} and (sort_value, reached_at, player_id) < ($3, $4, $5)
"""
BETTER = "select count(distinct sort_value) from {rows} and sort_value < $3"
DISTINCT = "select distinct sort_value from {rows} order by sort_value offset $3 limit 1"
MANY = """
select * from (
    select player_id, sort_value, reached_at, games_played, updated_at,
        row_number() over (order by sort_value, reached_at, player_id) - 1 as place,
        rank() over (order by sort_value) - 1 as ahead,
        dense_rank() over (order by sort_value) - 1 as better,
        lag(sort_value) over (order by sort_value, reached_at, player_id) as last,
        max(sort_value) over (order by sort_value range between unbounded preceding and 1 preceding) as last_better
    from {rows}
) ranked join unnest($3::text[]) named(player_id) using (player_id)
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one season of a board, in one snapshot. Each method is a pass over them, or a few."""

    connection: Connection
    board: Board
    season: str

    @property
    def source(self) -> str:
        """The relation that has the rows, with a condition that holds for them."""
        return ENTRIES

    async def total(self) -> int:
        """How many there are."""
        return int(await self._value(TOTAL))

    async def range(self, first: int, count: int) -> list[Ranked]:
        """Those from a place on."""
        rows = await self._from(first, count)
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
            return self._named(player_ids, await self._rows(MANY, list(player_ids)))
        standings = [await self.row(player_id) for player_id in player_ids]
        return [ranked for row in standings if row is not None for ranked in await self.ranked([row])]

    async def place_of_rank(self, rank: int, total: int) -> int:
        """The place of the first row whose rank is at least this."""
        if self.board.ties == "first_to_reach" or rank > total:
            return rank - 1
        if self.board.ties == "dense":
            sort = await self._value(DISTINCT, rank - 1)
            return total if sort is None else (await self.locate(Key(sort, -1, ""))).first
        [there] = await self._from(rank - 1, 1)
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
        [row] = await self._rows(LOCATE, *key)
        better = await self._value(BETTER, key.sort) if self.board.ties == "dense" else 0
        return self._found({**row, "better": better}, [])

    @property
    def _at(self) -> tuple[str, str]:
        return self.board.board_id, self.season

    async def _from(self, first: int, count: int) -> list[Standing]:
        return await self._fetch(RANGE, first, count)

    async def _fetch(self, sql: str, *arguments: Any) -> list[Standing]:
        return [self._standing(row) for row in await self._rows(sql, *arguments)]

    async def _rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(sql.format(rows=self.source), *self._at, *arguments)

    async def _value(self, sql: str, *arguments: Any) -> Any:
        rows = await self._rows(sql, *arguments)
        return rows[0][0] if rows else None

    def _named(self, player_ids: Sequence[str], rows: Sequence[asyncpg.Record]) -> list[Ranked]:
        """Rows with what is before them, in the order in which players are named."""
        found = {row["player_id"]: rank(self.board, self._found(row, [self._standing(row)])) for row in rows}
        return [ranked for player_id in player_ids for ranked in found.get(player_id, [])]

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
