"""What differs between the live tables and those built anew beside them, row by row, both at one position."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg

from shared.postgres import Connection

KEYS = """
select r.relname as table, a.attname as column from pg_index i
join pg_class r on r.oid = i.indrelid
join pg_attribute a on a.attrelid = r.oid and a.attnum = any(i.indkey)
where i.indisprimary and r.relnamespace = $1::regnamespace and r.relname = any($2)
order by r.relname, array_position(i.indkey::int[], a.attnum::int)
"""
COLUMNS = """
select r.relname as table, a.attname as column from pg_attribute a join pg_class r on r.oid = a.attrelid
where r.relnamespace = $1::regnamespace and r.relname = any($2) and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
JOINED = """
from "{live}".{table} o full join "{anew}".{table} n on {same}
where ({old}) is distinct from ({new}) {settled}
"""
SETTLED = """
and exists (select from "{live}".seasons s where s.closed
    and (s.board_id, s.season) = (coalesce(o.board_id, n.board_id), coalesce(o.season, n.season)))
and not exists (select from "{live}".season_changes c
    where (c.board_id, c.season) = (coalesce(o.board_id, n.board_id), coalesce(o.season, n.season)))
"""
"""Results that the live system is not about to write."""
SHOWN = 300
"""Characters of a row that are printed."""
TIMEOUT = 600.0
"""Seconds for a table."""


class Compared(NamedTuple):
    """A table that is a fold of the log; `only`: these columns besides the key, all when None."""

    name: str
    only: tuple[str, ...] | None = None
    results: bool = False
    """Whether its rows are written when a season is over, and not with the batch."""


TABLES = (
    Compared(
        "checkpoints", ("next_offset", "clock", "catalogue", "applied", "duplicate", "conflict", "refused", "voided")
    ),
    Compared("players"),
    Compared("profiles"),
    Compared("game_sessions"),
    Compared("rulings"),
    Compared("leaderboard_entries"),
    Compared("entry_history"),
    Compared("board_versions"),
    Compared("seasons", ()),  # when it ends is what the board said at some time or other, until the season is closed
    Compared("season_ends"),
    Compared("season_results", ("players", "digest"), results=True),
    Compared("season_standings", results=True),
    Compared("boards"),
)
JUDGED_BY = ("players", "game_sessions", "rulings", "season_ends", "boards")
"""What the fold looks at besides the rows of a board: where these differ, any row may have come out otherwise."""


class Row(NamedTuple):
    """A row that differs: as it is, as the log gives it; None: it is not there."""

    table: str
    key: tuple[Any, ...]
    found: dict[str, Any] | None
    wanted: dict[str, Any] | None

    def line(self) -> str:
        """For people: only the columns that differ."""
        name = f"{self.table} {'/'.join(map(str, self.key))}"
        if self.found is None or self.wanted is None:
            what, row = (
                ("missing, the log gives", self.wanted) if self.found is None else ("not in the log", self.found)
            )
            return f"{name}: {what} {row}"[:SHOWN]
        pairs = [(each, self.found[each], self.wanted[each]) for each in self.found]
        return f"{name}: {', '.join(f'{each} {old} -> {new}' for each, old, new in pairs if old != new)}"[:SHOWN]


@dataclass(slots=True)
class Differences:
    """What was compared and what differs."""

    rows: dict[str, int] = field(default_factory=dict)
    """Table → rows as the log gives them."""
    different: dict[str, int] = field(default_factory=dict)
    """Table → rows that differ, of those tables that have any."""
    shown: list[Row] = field(default_factory=list)
    seasons: list[tuple[str, str]] = field(default_factory=list)
    """Seasons of boards whose rows or versions differ."""
    names: list[str] = field(default_factory=list)
    """Players whose profiles differ."""

    @property
    def total(self) -> int:
        """How many rows differ."""
        return sum(self.different.values())

    @property
    def anywhere(self) -> bool:
        """Whether rows of any board may differ by what is folded next."""
        return any(name in self.different for name in JUDGED_BY)

    def lines(self) -> list[str]:
        """For people."""
        if not self.rows:
            return ["the live tables are empty: there is nothing to compare with"]
        compared = [
            f"{name}: {count:,} rows, {self.different.get(name, 0):,} different" for name, count in self.rows.items()
        ]
        more = self.total - len(self.shown)
        shown = [f"DIFFERENT {row.line()}" for row in self.shown]
        verdict = f"{self.total:,} rows differ from the log" if self.total else "no row differs from the log"
        return [*compared, *shown, *([f"... and {more:,} more"] if more > 0 else []), verdict]


async def compare(tables: Connection, live: str, anew: str, most: int) -> Differences:
    """Compare two schemas within a transaction of one snapshot; up to `most` rows are kept to be shown."""
    found = Differences()
    names = [each.name for each in TABLES]
    keys, columns = (
        _by_table(await tables.fetch(KEYS, f'"{anew}"', names)),
        _by_table(await tables.fetch(COLUMNS, f'"{anew}"', names)),
    )
    for each in TABLES:
        key = keys[each.name]
        asked = columns[each.name] if each.only is None else [*key, *each.only]
        joined = _joined(each, live, anew, key, asked)
        found.rows[each.name] = await tables.fetchval(f'select count(*) from "{anew}".{each.name}', timeout=TIMEOUT)  # noqa: S608
        count = await tables.fetchval(f"select count(*) {joined}", timeout=TIMEOUT)
        if not count:
            continue
        found.different[each.name] = count
        found.shown += await _rows(tables, each.name, joined, key, asked, most - len(found.shown))
        if each.name in ("leaderboard_entries", "board_versions"):
            at = "coalesce(o.board_id, n.board_id) as board_id, coalesce(o.season, n.season) as season"
            seasons = await tables.fetch(f"select distinct {at} {joined}", timeout=TIMEOUT)
            found.seasons = sorted({*found.seasons, *(tuple(row) for row in seasons)})
        if each.name == "profiles":
            players = await tables.fetch(f"select coalesce(o.player_id, n.player_id) {joined}", timeout=TIMEOUT)
            found.names = sorted(row[0] for row in players)
    return found


def _by_table(rows: Sequence[asyncpg.Record]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(table, []).append(column)
    return found


def _joined(table: Compared, live: str, anew: str, key: Sequence[str], columns: Sequence[str]) -> str:
    def of(side: str) -> str:
        return ", ".join(f'{side}."{column}"' for column in columns)

    same = " and ".join(f'o."{column}" = n."{column}"' for column in key)
    settled = SETTLED.format(live=live) if table.results else ""
    return JOINED.format(live=live, anew=anew, table=table.name, same=same, old=of("o"), new=of("n"), settled=settled)


async def _rows(
    tables: Connection, name: str, joined: str, key: Sequence[str], columns: Sequence[str], most: int
) -> list[Row]:
    there = f'"{key[0]}"'
    old, new = (f"case when {side}.{there} is not null then to_jsonb({side}) end" for side in ("o", "n"))
    order = ", ".join(f'coalesce(o."{column}", n."{column}")' for column in key)
    sql = f"select {old} as found, {new} as wanted {joined} order by {order} limit $1"
    rows = await tables.fetch(sql, most, timeout=TIMEOUT)
    return [_row(name, key, columns, row["found"], row["wanted"]) for row in rows]


def _row(
    table: str, key: Sequence[str], columns: Sequence[str], found: dict[str, Any] | None, wanted: dict[str, Any] | None
) -> Row:
    held = found if found is not None else wanted
    assert held is not None
    sides = ({column: side[column] for column in columns} if side is not None else None for side in (found, wanted))
    return Row(table, tuple(held[column] for column in key), *sides)
