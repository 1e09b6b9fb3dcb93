"""The tables of a running system, copied into DuckDB when a query names them: `tables.leaderboard_entries`."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import duckdb

from shared.postgres import DOWN, Connection, open_pool
from shared.settings import NamingSettings, PostgresSettings

NAME = "sql"
READ_TIMEOUT = 600.0
"""Seconds for copying one table."""
NAMED = re.compile(r"\btables\.(\w+)")
TYPES = {
    "bigint": "bigint",
    "integer": "integer",
    "boolean": "boolean",
    "jsonb": "json",
    "uuid": "uuid",
    "timestamp with time zone": "timestamptz",
}
"""Of Postgres → of DuckDB; all others are text."""
COLUMNS = """
select table_name, array_agg(column_name::text order by ordinal_position) as names,
    array_agg(data_type::text order by ordinal_position) as types
from information_schema.columns where table_schema = $1 and not table_name ~ '^game_sessions_\\d+$' group by table_name
"""
LOAD = """
create schema if not exists tables;
create table tables."{table}" as from read_csv(
    '{file}', header = true, columns = {columns}, nullstr = '', allow_quoted_nulls = false, auto_detect = false
)
"""

Settings = Callable[[], tuple[PostgresSettings, NamingSettings]]


class NoTable(Exception):
    """A table cannot be had: there is none of this name, or Postgres does not answer; the message says which."""


class Tables:
    """What of the tables is in DuckDB already."""

    def __init__(self, settings: Settings, into: duckdb.DuckDBPyConnection) -> None:
        """`settings`: asked for when a table is first named, so that the log alone needs no server."""
        self._settings = settings
        self._into = into
        self._loaded = set[str]()

    def load(self, query: str) -> None:
        """Copy the tables that a query names and that are not here yet, of one instant. Raises NoTable."""
        wanted = set(NAMED.findall(query)) - self._loaded
        if wanted:
            try:
                asyncio.run(self._copy(sorted(wanted)))
            except (*DOWN, asyncpg.PostgresError) as error:
                raise NoTable(f"Postgres: {error!r}") from error
            self._loaded |= wanted

    async def _copy(self, wanted: list[str]) -> None:
        postgres, naming = self._settings()
        async with (
            open_pool(postgres, naming, NAME, timeout=READ_TIMEOUT) as pool,
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(COLUMNS, naming.schema_name)
            known = {row["table_name"]: dict(zip(row["names"], row["types"], strict=True)) for row in rows}
            for table in wanted:
                if table not in known:
                    raise NoTable(f"there is no tables.{table}; there are {', '.join(sorted(known))}")
                with TemporaryDirectory() as folder:
                    await self._copy_one(connection, table, known[table], Path(folder) / "table.csv")

    async def _copy_one(
        self,
        connection: Connection,
        table: str,
        types: dict[str, str],
        file: Path,
    ) -> None:
        names = ", ".join(f'"{name}"' for name in types)
        query = f'select {names} from "{table}"'  # noqa: S608 - as the catalogue of the database names them
        await connection.copy_from_query(query, output=file, format="csv", header=True)
        columns = {name: TYPES.get(kind, "varchar") for name, kind in types.items()}
        self._into.execute(LOAD.format(table=table, file=file, columns=columns))
