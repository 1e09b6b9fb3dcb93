"""Boards as of any instant by plain SQL over an exported log: what replay has to give, with none of our fold.

The SQL is that of the analysts' views (analysis/views.sql); it leaves out attempts, cron seasons and sums out of range.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from analysis.columns import row_of
from analysis.database import open_database, set_as_of
from analysis.formats import batch_of
from shared.boards import Board
from tests.exports import board_records

GIVEN = """
create or replace view boards_files as
select * exclude (day) from boards_held where event_type like 'leaderboard.RecordVoided.%'
union all by name select * replace (-1 as "offset") from given where board_id is not null
"""
TOP = """
select rank, player_id, value, epoch_ms(reached_at), games_played from stands
where board_id = $1 and season = $2 order by rank, reached_at, player_id limit $3
"""
ONE = """
select rank, player_id, value, epoch_ms(reached_at), games_played from stands
where board_id = $1 and season = $2 and player_id = $3
"""


class Stand(NamedTuple):
    """A row of a board; `reached_at` in milliseconds."""

    rank: int
    player_id: str
    value: int
    reached_at: int
    games_played: int


class Oracle:
    """The log of an export, held in memory, and the boards that it gives at one instant after the other."""

    def __init__(self, folder: Path, boards: Sequence[Board] | None = None, without: Collection[str] = ()) -> None:
        """`boards`: others than the log defines, in force from its beginning; `without`: players who are left out."""
        self._sql = open_database(folder)
        for topic in ("events", "boards"):
            self._sql.execute(f"create table {topic}_held as from {topic}_files")
            self._sql.execute(f"create or replace view {topic}_files as from {topic}_held")
        self._sql.execute("delete from events_held where list_contains($1, player_id)", [list(without)])
        if boards is not None:
            rows = [row_of("boards", record, record.timestamp) for record in board_records(boards)]
            self._sql.register("given", pa.Table.from_batches([batch_of(rows)]))
            self._sql.execute(GIVEN)

    def at(self, instant: int | None) -> None:
        """Go to an instant, by the fold's clock in milliseconds, that included; None: the end."""
        set_as_of(self._sql, instant)
        self._sql.execute("create or replace table stands as from entries")

    def boards(self) -> list[tuple[str, str]]:
        """Each season of a board that somebody stands on."""
        return self._sql.execute("select distinct board_id, season from stands order by all").fetchall()

    def top(self, board_id: str, season: str, limit: int = 100) -> list[Stand]:
        """The first rows of a season of a board."""
        return [Stand(*row) for row in self._sql.execute(TOP, [board_id, season, limit]).fetchall()]

    def row(self, board_id: str, season: str, player_id: str) -> Stand | None:
        """A player's row; None where the player does not stand there."""
        found = self._sql.execute(ONE, [board_id, season, player_id]).fetchall()
        return Stand(*found[0]) if found else None
