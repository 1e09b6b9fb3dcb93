"""Boards as of an instant by plain SQL over an exported log: the definition once more, with none of our fold."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import duckdb

from shared.boards import Board
from tests.instants.history import BOARDS

SQL = (Path(__file__).parent / "rows.sql").read_text()
FOR_EVER = 2**47
Found: TypeAlias = list[tuple[int, str, int, int, int, int]]
"""Rank, player, value, reached_at, games played, updated_at; best first."""


class Tables:
    """An exported log, in DuckDB."""

    def __init__(self, folder: Path) -> None:
        self._database = duckdb.connect()
        for topic in ("events", "boards"):
            files = folder / topic / "day=*" / "*.parquet"
            self._database.execute(f"create table {topic} as from read_parquet('{files}', hive_partitioning = false)")

    def rows(self, board: Board, instant: int) -> Found:
        """All rows of the season that the instant falls in."""
        starts, ends = period(board, instant)
        found = self._database.execute(query(board), {"instant": instant, "starts": starts, "ends": ends})
        return found.fetchall()

    def span(self) -> tuple[int, int]:
        """The first and the last clock."""
        [row] = self._database.execute("select min(epoch_ms(clock)), max(epoch_ms(clock)) from events").fetchall()
        return row


def period(board: Board, instant: int) -> tuple[int, int]:
    """From when until before when the season lasts, in milliseconds; seasons of these tests are of UTC."""
    day = datetime.fromtimestamp(instant / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match board.reset:
        case "daily":
            first, after = day, day + timedelta(days=1)
        case "weekly":
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case "monthly":
            first = day.replace(day=1)
            after = (first + timedelta(days=32)).replace(day=1)
        case _:
            return 0, FOR_EVER
    return round(first.timestamp() * 1000), round(after.timestamp() * 1000)


def query(board: Board) -> str:
    """The rows of a season of this board."""
    offset = 1 + [each.board_id for each in BOARDS].index(board.board_id)
    sign = "desc" if board.order == "desc" else "asc"
    value = {"sum": "total", "count": "games", "latest": "newest", "best": "most" if sign == "desc" else "least"}
    reached = {
        "sum": "coalesce(moved_at, first_at)",
        "count": "updated_at",
        "best": "(select min(ms) from counting c where c.player_id = v.player_id and c.score = v.value)",
        "latest": """(select min(ms) from counting c where c.player_id = v.player_id and c."offset" > coalesce(
            (select max("offset") from counting d where d.player_id = v.player_id and d.score <> v.value), -1))""",
    }
    ranks = {"first_to_reach": "row_number()", "shared": "rank()", "dense": "dense_rank()"}
    sort = f"value {sign}" + (", reached_at, player_id" if board.ties == "first_to_reach" else "")
    return SQL.format(
        fits=" or ".join(f"({_feeds(each, number)})" for number, each in enumerate(BOARDS, 1)),
        feeds=_feeds(board, offset),
        attempts=board.max_attempts or 2**31,
        value=value[board.operator],
        reached=reached[board.operator],
        rank=ranks[board.ties],
        sort=sort,
    )


def _feeds(board: Board, offset: int) -> str:
    """Whether a score may count on a board, whatever came before."""
    modes = ", ".join(f"'{mode}'" for mode in board.game_modes)
    asked = [
        f"coalesce(metadata->>'{name.removeprefix('metadata.')}' in ({', '.join(map(repr, values))}), false)"
        for name, values in board.where.items()
    ]
    conditions = [
        f"game_mode in ({modes})",
        f"known >= {offset}",
        f"score between {board.minimum} and {board.maximum}",
        f"ms >= {board.starts_at or 0}",
        f"ms < {board.ends_at or FOR_EVER}",
        *asked,
    ]
    return " and ".join(conditions)
